# A secondary that cannot be resumed, because its buffer does not fit its disk, has
# no views: nothing is read past what was committed, and nothing is written. When
# it can be, all is there.
# dmesg: I/O error
. legs.sh

faulty disk 16384
linear buffer /dev/ram1 0 65536
D=/dev/mapper/disk A=/dev/mapper/sec I=/dev/mapper/in
fill $D 0 16384 1
secondary sec $D /dev/mapper/buffer
inbound in sec
msg sec start secondary
# stays in the buffer
fails disk write
fill $I 0 8192 2
msg sec checkpoint >/dev/null
wait_status sec ' EIO '
dm_remove in sec
fails disk

# not the disk that it was
fill $D 0 16384 7
dmsetup create --notable sec
dmsetup load sec --table "0 16384 replication secondary $D /dev/mapper/buffer 0"
klog_since
check_not dmsetup resume sec 2>/dev/null
klog_has 'cannot resume'
dmsetup mknodes sec
matches "state" "$(dmsetup info sec)" SUSPENDED
refused "not a secondary" "0 16384 replication inbound $A 0"
holds $D 0 16384 7

note "the disk is back"
fill $D 0 16384 1
check dmsetup resume sec
inbound in sec
matches "status" "$(status sec)" '^secondary running 2 '
holds $I 0 8192 2
holds $I 8192 8192 1
msg sec stop
holds $D 0 8192 2
