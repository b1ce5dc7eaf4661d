# Reads that the local leg fails, where writes wait for the remote leg: when that
# is given up and `stall` keeps the writes, the reads get their errors.
# dmesg: I/O error
. legs.sh

P=/dev/mapper/pri L=/dev/mapper/local R=/dev/mapper/remote
faulty local 4096
faulty remote 4096
primary pri $L $R nosync region_size 128 on_remote_error stall
msg pri start primary
fill $P 0 512 1

dmsetup message remote 0 hold write
spawn fill $P 104 8 2
wrote=$JOB
until [ "$(status_field remote 7)" = 1 ]; do
	sleep 0.1
done
fails local read
spawn expect_errno EIO pattern show $P 104 8
overlapping=$JOB
# for it to wait for the write
sleep 1
still_running "$overlapping"
# nor does it answer when it is tried
fails remote read write flush
dmsetup message remote 0 hold
wait_status pri ' degraded '
reap "$overlapping"
expect_errno EIO pattern show $P 300 8
still_running "$wrote"
fails local
fails remote
check within dmsetup message pri 0 stop failover
reap_all
holds $P 104 8 2
dm_remove pri
