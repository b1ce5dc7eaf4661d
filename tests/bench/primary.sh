# title: Primary
# One clone of each write to two ramdisks; the first figures are dm-linear's.
. /t/scenarios/lib/bench.sh

ALL="write-qd1 write-qd16 write-psync write-128k read-qd1 read-qd16 read-psync"

written_once /dev/ram0 /dev/ram1 /dev/ram3
baseline /dev/ram3
# shellcheck disable=SC2086
random linear /dev/mapper/lin $ALL

start_primary /dev/ram0 /dev/ram1
# shellcheck disable=SC2086
random primary-sync /dev/mapper/pri $ALL
dm_remove pri

start_primary /dev/ram0 /dev/ram1 dirty_log /dev/ram2
# every region is marked from here on
dd if=/dev/zero of=/dev/mapper/pri bs=1M oflag=direct status=none count=128
random primary-sync-log /dev/mapper/pri write-qd1 write-qd16 write-psync write-128k
dm_remove pri

start_primary /dev/ram0 /dev/ram1 async
random primary-async /dev/mapper/pri write-qd1 write-qd16 write-128k read-qd1
dm_remove pri

dm_create far "0 $RAM_SECTORS delay /dev/ram1 0 0 /dev/ram1 0 5"
start_primary /dev/ram0 /dev/mapper/far async
random primary-async-5ms /dev/mapper/pri write-qd1 write-qd16 read-qd1
dm_remove pri far
