# `changed_since` names the regions that were written since one of the last two
# checkpoints, at least these for an older one that the dirty log knows, and
# says so when nobody remembers.
# dmesg: I/O error
# soak
. legs.sh

linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
linear log /dev/ram2 0 64
L=/dev/mapper/local R=/dev/mapper/remote G=/dev/mapper/log P=/dev/mapper/pri

# since EPOCH REPLY
since()
{
	equal "changed since $1" "$(msg pri changed_since "$1")" "$2"
}

for log in '' "dirty_log $G"; do
	note "the last two${log:+, with a dirty log}"
	# shellcheck disable=SC2086 # words
	primary pri $L $R nosync region_size 128 $log
	since 0 0
	fill $P 32767 1 1
	since 0 '1 32640+128'
	expect_errno EINVAL msg pri changed_since 1
	msg pri start primary
	wait_status pri ' 256/256 online 0 - '
	fill $P 256 8 1
	since 1 '2 256+128 32640+128'
	msg pri checkpoint >/dev/null
	since 2 0
	fill $P 700 100 2
	fill $P 4096 1 2
	since 2 '3 640+256 4096+128'
	matches "since 1" "$(msg pri changed_since 1)" '^[45] 256\+128 640\+256 4096\+128'
	msg pri checkpoint >/dev/null
	since 3 0
	since 2 '3 640+256 4096+128'
	fill $P 0 1 3
	since 3 '1 0+128'
	since 2 '4 0+128 640+256 4096+128'
	note "not at all"
	expect_errno ENODATA msg pri changed_since 1
	expect_errno ENODATA msg pri changed_since 0
	expect_errno EINVAL msg pri changed_since 4
	expect_errno EINVAL msg pri changed_since 18446744073709551615
	for what in -1 x '' 18446744073709551616 '3 3'; do
		# shellcheck disable=SC2086 # words
		expect_errno EINVAL dmsetup message pri 0 "changed_since $what"
	done
	expect_errno EINVAL msg pri changed_since
	since 3 '1 0+128'

	note "a checkpoint that fails is none"
	break_device remote writes
	fill $P 12800 1 3
	expect_errno EIO msg pri checkpoint
	expect_errno EINVAL msg pri changed_since 4
	matches "since 3" "$(msg pri changed_since 3)" ' 0\+128.* 12800\+128'
	mend_device remote /dev/ram1
	dm_remove pri
done

note "older ones that the log knows"
primary pri $L $R region_size 128 dirty_log $G
equal "epoch" "$(status_field pri 3)" 3
regions=$(msg pri changed_since 3)
for what in 0+128 640+256 4096+128 12800+128; do
	matches "since 3" "$regions" " ${what/+/\\+}"
done
since 2 "$regions"
expect_errno ENODATA msg pri changed_since 1
expect_errno EINVAL msg pri changed_since 4
for epoch in 4 5 6; do
	msg pri start primary
	wait_status pri ' 256/256 online 0 - '
	fill $P $((epoch * 2560)) 1 1
	msg pri stop failover
	equal "epoch" "$(status_field pri 3)" $epoch
	for old in 2 3; do
		regions=$(msg pri changed_since $old)
		for what in 0+128 640+256 4096+128 12800+128 "$((epoch * 2560))+128"; do
			[[ $regions == *" $what"* ]] ||
				fail "since $old, asked in $epoch: $regions lacks $what"
		done
	done
	expect_errno ENODATA msg pri changed_since 1
done

note "many epochs of random writes"
dm_remove pri
blkdiscard -f -z -l 4096 $G
primary pri $L $R nosync region_size 128 dirty_log $G async
msg pri start primary
wait_status pri ' 256/256 online 0 - '
# expected EPOCH...: what was written in these
expected()
{
	local epoch
	for epoch; do
		cat "/tmp/epoch$epoch"
	done | sort -nu | awk '
		{ n++ }
		NR > 1 && $1 == end { end++; next }
		NR > 1 { out = out sprintf(" %d+%d", first * 128, (end - first) * 128) }
		{ first = $1; end = $1 + 1 }
		END { if (NR) out = out sprintf(" %d+%d", first * 128, (end - first) * 128)
		      print n + 0 out }'
}
for ((epoch = 1; epoch < 8; epoch++)); do
	: >/tmp/epoch$epoch
	for ((i = RANDOM % 12; i > 0; i--)); do
		random_below 256
		region=$CHOICE
		echo "$region" >>/tmp/epoch$epoch
		fill $P $((region * 128 + RANDOM % 128)) 1 $epoch
	done
	since $epoch "$(expected $epoch)"
	[ $epoch -lt 2 ] || since $((epoch - 1)) "$(expected $((epoch - 1)) $epoch)"
	equal "epoch" "$(msg pri checkpoint)" $((epoch + 1))
	since $epoch "$(expected $epoch)"
	[ $epoch -lt 2 ] || expect_errno ENODATA msg pri changed_since $((epoch - 1))
done
