# A merge has met an error, and waits for its other copies. A stop that comes then
# begins it anew, and does not take the error for its own.
# dmesg: I/O error
. legs.sh

faulty one 1024
faulty two 1024
dm_create disk - <<-END
	0 1024 linear /dev/mapper/one 0
	1024 1024 linear /dev/mapper/two 0
END
faulty buffer 4096
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
msg sec start secondary
fill /dev/mapper/in 0 64 1
fill /dev/mapper/in 1024 64 1
dmsetup message one 0 hold write
dmsetup message two 0 hold write
msg sec checkpoint >/dev/null
until [ "$(status_field one 7)" -gt 0 ] && [ "$(status_field two 7)" -gt 0 ]; do
	sleep 0.1
done
fails one write
dmsetup message one 0 hold
spawn msg sec stop
wait_status sec '^secondary failover '
fails one
dmsetup message two 0 hold
reap "$JOB"
matches "status" "$(status sec)" '^secondary done '
equal "disk" "$(tags /dev/mapper/disk 0 128)" '1x64 0x64'
equal "disk" "$(tags /dev/mapper/disk 1024 128)" '1x64 0x64'
