# title: Cost against the number of dirty regions
# memory: 2048
# limit: 3600
# Both legs are dm-zero, the dirty log is on a ramdisk.
. /t/scenarios/lib/bench.sh

S=$((4 << 21)) REGION=8
dm_create local "0 $S zero"
dm_create remote "0 $S zero"

# took WORK CMD...: how long that is
took()
{
	local begun
	begun=$(date +%s%N)
	"${@:2}"
	figure primary "$1" $((($(date +%s%N) - begun) / 1000)) us
}

for regions in 100 10000 1000000; do
	blkdiscard -z /dev/ram0
	start_primary /dev/mapper/local /dev/mapper/remote dirty_log /dev/ram0 region_size $REGION
	fio --name=mark --filename=/dev/mapper/pri --rw=randwrite --bs=4k --iodepth=64 --direct=1 \
		--ioengine=io_uring --size=$((regions * 4))k --minimal >/dev/null
	figure primary "checkpoint-dirty-$regions" "$(checkpoint_us dm pri checkpoint)" us
	dm_remove pri
	took "load-dirty-$regions" dm_create pri \
		"0 $S replication primary /dev/mapper/local /dev/mapper/remote 4 dirty_log /dev/ram0 region_size $REGION"
	dm_remove pri
done
