# The table of a secondary is replaced while writes of its inbound view are in
# flight: until they have ended, nobody else gets the disk and the buffer.
# dmesg: I/O error
# stock: removals of dm with I/O in flight
. legs.sh

faulty buffer 8192
linear disk /dev/ram0 0 4096
D=/dev/mapper/disk B=/dev/mapper/buffer
secondary sec $D $B
inbound in sec
msg sec start secondary
fill /dev/mapper/in 0 64 1
msg sec checkpoint >/dev/null
wait_status sec '^secondary running [0-9]+ [0-9/]+ 0 0 0 '

dmsetup message buffer 0 hold write
spawn fill /dev/mapper/in 100 8 2
until [ "$(status_field buffer 7)" = 1 ]; do
	sleep 0.1
done
dmsetup load sec --table "0 4096 error"
dmsetup suspend --noflush sec
spawn dmsetup resume sec
replaced=$JOB
until [[ $(table sec) == *error* ]]; do
	sleep 0.1
done
klog_since
expect_errno EBUSY dmsetup create other --table "0 4096 replication secondary $D $B"
klog_has 'in use by another replication'
still_running "$replaced"
dmsetup message buffer 0 hold
reap "$replaced"
reap_all
dm_remove in sec
secondary other $D $B
wait_status other '^secondary running '
holds $D 0 64 1
dm_remove other
