# After a failover a flush of a view fails on the disk while the merge copies to
# it: the disk may have lost copies, and all is copied once more.
# dmesg: I/O error
. legs.sh

A=/dev/mapper/sec
faulty disk 4096
linear buffer /dev/ram1 0 8192
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
msg sec start secondary
fill /dev/mapper/in 0 512 1
dmsetup message disk 0 hold write
msg sec checkpoint >/dev/null
msg sec stop failover
until [ "$(status_field disk 7)" -gt 0 ]; do
	sleep 0.1
done
fails disk flush
expect_errno EIO op flush $A
fails disk
dmsetup message disk 0 hold
wait_status sec '^secondary done '
equal "sectors written" "$(status_field disk 2)" 1024
holds /dev/mapper/disk 0 512 1
check op flush $A
