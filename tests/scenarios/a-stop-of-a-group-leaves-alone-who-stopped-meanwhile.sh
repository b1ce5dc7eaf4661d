# stop_all waits for a primary's resync; that primary is failed over by somebody else
# meanwhile. It is no member that counts any more, and the others are stopped.
. legs.sh

linear local /dev/ram2 0 16384
linear remote /dev/ram3 0 16384
primary pri /dev/mapper/local /dev/mapper/remote region_size 128
replica 16384 65536
msg sec start secondary
fill /dev/mapper/in 0 1000 1
slow remote 300
msg pri start primary
spawn dmsetup message pri 0 stop_all
asleep "$JOB"
matches "status" "$(status pri)" '^primary running 1 [0-9]+/128 resync '
matches "status" "$(status sec)" '^secondary running '
check dmsetup message pri 0 stop failover
reap "$JOB"
matches "status" "$(status pri)" '^primary done '
wait_status sec '^secondary done '
holds /dev/mapper/disk 0 1000 1
slow remote 0
