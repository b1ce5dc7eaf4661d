# A block overwritten within the same epoch is overwritten in place: rewriting
# the same ones a thousand times takes no more of the buffer than once.

replica 32768 8192
A=/dev/mapper/sec I=/dev/mapper/in
msg sec start secondary

used()
{
	local field
	field=$(status_field sec 4)
	echo "${field%/*}"
}

# rewrite VIEW OFFSET BLOCKSIZE
rewrite()
{
	fio --minimal --name=rewrite --filename="$1" --direct=1 --thread --ioengine=libaio --iodepth=4 \
		--rw=randwrite --norandommap --offset="$2" --size=128k --bs="$3" --number_ios=1000 \
		--refill_buffers >/dev/null
}

for view in $I $A; do
	fill "$view" 0 256 1
	fill "$view" 16384 256 1
	once=$(used)
	[ "$once" -ge 512 ] || fail "512 sectors take $once"
	[ "$once" -le 2048 ] || fail "few sectors take $once"
	note "$view: $once used"
	rewrite "$view" 0 4k
	equal "used after rewriting blocks" "$(used)" "$once"
	rewrite "$view" 0 512
	rewrite "$view" 8m 1k
	rewrite "$view" 8m 32k
	equal "used after rewriting parts of blocks" "$(used)" "$once"
	note "more than the buffer could hold: 1000 * 32 KiB"
done
matches "layers" "$(status sec)" ' 512 512 0 - -$'

note "the next epoch begins from nothing"
msg sec checkpoint >/dev/null
wait_status sec ' 0 0 0 - -$'
[ "$(used)" -lt "$once" ] || fail "used after the merge: $(used)"
