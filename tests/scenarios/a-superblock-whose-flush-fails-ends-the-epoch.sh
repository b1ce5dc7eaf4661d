# On a device with a volatile cache and no FUA a superblock is flushed after it is
# written. Where that flush fails the device may have dropped more than the
# superblock, so the epoch is never committed. As a loop device is.
# dmesg: I/O error
# stock: flushes of a loop device
. legs.sh

modprobe loop
linear disk /dev/ram0 0 16384
faulty cached 16384
LOOP=$(losetup --show --find --direct-io=on /dev/mapper/cached)
name=${LOOP#/dev/}
equal "cache" "$(cat /sys/block/"$name"/queue/{write_cache,fua} | xargs)" 'write back 0'
secondary sec /dev/mapper/disk "$LOOP"
inbound in sec
A=/dev/mapper/sec I=/dev/mapper/in

fill $I 0 16384 1
msg sec start secondary
fill $I 0 100 2
equal "epoch" "$(msg sec checkpoint)" 2
# the merge is over, and will write no superblock
wait_status sec '^secondary running 2 [^ ]* 0 0 0 - -$'
fill $I 0 100 3

dmsetup message cached 0 hold write
spawn msg sec checkpoint
wait_held cached 1
# the summary goes, then comes a flush, then the superblock
dmsetup message cached 0 hold write
wait_held cached 1
fails cached flush
dmsetup message cached 0 hold
reap_failed "$JOB"
fails cached
for request in checkpoint stop 'stop failover'; do
	klog_since
	# shellcheck disable=SC2086
	expect_errno EIO msg sec $request
	klog_has 'a flush or superblock of the buffer failed'
done
equal "inbound" "$(tags $I 0 400)" '3x100 1x300'

dm_remove in sec
secondary sec /dev/mapper/disk "$LOOP"
inbound in sec
equal "active" "$(tags $A 100 300)" '1x300'
fill $I 0 100 6
check msg sec checkpoint
equal "active" "$(tags $A 0 400)" '6x100 1x300'
dm_remove in sec
losetup -d "$LOOP"
