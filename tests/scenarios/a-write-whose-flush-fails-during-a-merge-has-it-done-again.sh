# After a failover a write with FUA is flushed on the disk, which has no FUA of its
# own, and that flush fails: the disk may have lost what the merge has copied, and
# all is copied once more. As a loop device is.
# dmesg: I/O error
# stock: flushes of a loop device
. legs.sh

A=/dev/mapper/sec
modprobe loop
faulty one 4096
faulty two 2048
dm_create cached - <<-END
	0 4096 linear /dev/mapper/one 0
	4096 2048 linear /dev/mapper/two 0
END
LOOP=$(losetup --show --find --direct-io=on /dev/mapper/cached)
linear buffer /dev/ram1 0 16384
secondary sec "$LOOP" /dev/mapper/buffer
inbound in sec
msg sec start secondary
fill /dev/mapper/in 0 512 1
fill /dev/mapper/in 4096 512 1
dmsetup message two 0 hold write
msg sec checkpoint >/dev/null
msg sec stop failover
until [ "$(status_field two 7)" -gt 0 ] && [ "$(asked one write)" -ge 512 ]; do
	sleep 0.1
done
equal "copied" "$(asked one write)" 512
fails one flush
expect_errno EIO op fua $A 3000 8 5
fails one
dmsetup message two 0 hold
wait_status sec '^secondary done '
equal "copied" "$(asked one write)" $((512 + 8 + 512))
holds "$LOOP" 0 512 1
holds "$LOOP" 4096 512 1
check op fua $A 3000 8 6
holds $A 3000 8 6
dm_remove in sec
losetup -d "$LOOP"
