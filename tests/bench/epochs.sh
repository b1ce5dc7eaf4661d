# title: Cost against the size of the epoch, memory of a mapped range
# memory: 9216
# limit: 3600
# The disk is dm-zero: what is merged costs no memory. The buffer is a ramdisk.
. /t/scenarios/lib/bench.sh

# Bytes of the slab caches that the maps of ranges and the ranges in flight use
maps()
{
	awk '$1 == "maple_node" { print $3 * $4 }' /proc/slabinfo
}

# epoch BLOCKS [RW]: as many blocks of 4 KiB, each once
epoch()
{
	fio --name=epoch --filename=/dev/mapper/in --rw="${2:-randwrite}" --bs=4k --iodepth=16 \
		--ioengine=io_uring --direct=1 --size=$(($1 * 4))k --minimal >/dev/null
}

modprobe -r brd
modprobe brd rd_nr=1 rd_size=$((5 << 20))
S=$((4 << 21))
dm_create disk "0 $S zero"
for blocks in 1000 10000 100000 1000000; do
	blkdiscard -z -l 1M /dev/ram0
	dm_create sec "0 $S replication secondary /dev/mapper/disk /dev/ram0 0"
	inbound in sec
	msg sec start secondary
	before=$(maps)
	epoch $blocks
	[ $blocks -lt 100000 ] ||
		figure secondary "bytes-a-range-$blocks" $((($(maps) - before) / blocks)) bytes
	figure secondary "checkpoint-$blocks" "$(checkpoint_us dm sec checkpoint)" us
	dm_remove in sec
done

# Reads through a map of 102,400 ranges, each written on its own
blkdiscard -z -l 1M /dev/ram0
dm_create sec "0 $S replication secondary /dev/mapper/disk /dev/ram0 0"
msg sec start secondary
once secondary-active-102400-ranges /dev/mapper/sec 400 once-qd16 read-once-qd16
dm_remove sec disk
baseline /dev/ram0
once linear /dev/mapper/lin 400 once-qd16 read-once-qd16
