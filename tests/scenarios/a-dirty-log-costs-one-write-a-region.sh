# The first write to a region costs a write of the dirty log, later ones none; a
# checkpoint costs one. Marks go two checkpoints and some time later, or when
# the device goes.
. legs.sh

linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
linear log /dev/ram2 0 64
P=/dev/mapper/pri

# costs BLOCKS CMD...: so many blocks of the log are written
costs()
{
	local before
	before=$(written log)
	check "${@:2}" >/dev/null
	equal "sectors of the log written by ${*:2}" $(($(written log) - before)) $(($1 * 8))
}

many()
{
	fio --minimal --name=many --filename=$P --direct=1 --thread --ioengine=libaio --iodepth=8 \
		--rw=randwrite --bsrange=512-8k --size=64k --number_ios=500 --norandommap --output=/dev/null
}

# logged MODE
logged()
{
	primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128 \
		dirty_log /dev/mapper/log "$1"
}

for mode in sync async; do
	blkdiscard -f -z -l 4096 /dev/mapper/log
	logged $mode

	note "$mode: before start"
	costs 1 fill $P 0 8 1
	costs 0 many
	costs 1 msg pri start primary
	wait_status pri ' 256/256 online 0 - '
	costs 0 many
	note "$mode: running"
	costs 1 fill $P 12800 128 1
	costs 0 fill $P 12800 128 2
	before=$(written log)
	fill $P 25472 384 2
	# three regions, which may share
	[ $(($(written log) - before)) -le 24 ] ||
		fail "$(($(written log) - before)) sectors written for the marks of 3 regions"
	costs 0 fill $P 25472 384 2
	costs 0 blkdiscard -f -z -o $((12800 * 512)) -l 65536 $P
	costs 0 sync $P

	note "$mode: many regions at once share a write"
	# on one processor nothing is in flight together where a write takes no time
	slow log 10
	before=$(written log)
	fio --minimal --name=all --filename=$P --direct=1 --thread --ioengine=libaio --iodepth=64 \
		--rw=write --bs=64k --size=4m --offset=1m --output=/dev/null
	[ $(($(written log) - before)) -lt $((64 * 8)) ] ||
		fail "$(($(written log) - before)) sectors written for the marks of 64 regions"
	slow log 0

	note "$mode: checkpoints"
	costs 1 msg pri checkpoint
	costs 0 fill $P 12800 8 3
	before=$(written log)
	msg pri checkpoint >/dev/null
	# all but one region are at rest now: a superblock, and the marks
	until [ $(($(written log) - before)) -ge 24 ]; do
		sleep 0.1
	done
	equal "sectors to take marks away" $(($(written log) - before - 8)) 16
	costs 0 fill $P 12800 8 3
	costs 1 fill $P 0 8 3
	costs 1 fill $P 25472 8 3
	costs 0 many

	note "$mode: a removal takes them away at once"
	msg pri checkpoint >/dev/null
	msg pri checkpoint >/dev/null
	dm_remove pri
	logged $mode
	matches "status" "$(status pri)" '^primary none 5 256/256 '
	costs 1 fill $P 0 8 3
	dm_remove pri
done
