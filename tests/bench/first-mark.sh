# title: Primary, first write to a region
# Each write goes to a region that has no mark in the dirty log, then to one
# that has.
. /t/scenarios/lib/bench.sh

written_once /dev/ram0 /dev/ram1 /dev/ram3
baseline /dev/ram3
for job in once-qd1 once-qd16; do
	once linear /dev/mapper/lin 64 $job
	blkdiscard -z /dev/ram2
	start_primary /dev/ram0 /dev/ram1 dirty_log /dev/ram2 region_size 8
	once primary-first-mark /dev/mapper/pri 64 $job
	once primary-marked /dev/mapper/pri 64 $job
	dm_remove pri
done
