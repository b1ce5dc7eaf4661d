# A secondary removed in the middle of a merge, whether after a checkpoint or
# after a failover, goes in bounded time and goes on where it was.

replica 32768 65536
A=/dev/mapper/sec I=/dev/mapper/in
fill $I 0 32768 1
msg sec start secondary
slow disk 100
fill $I 0 16384 2
msg sec checkpoint >/dev/null
note "$(status sec)"
check within dmsetup remove in
check within dmsetup remove sec
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
matches "status" "$(status sec)" '^secondary running 2 '
holds $A 0 16384 2
holds $A 16384 16384 1
fill $A 8192 16384 3
fill $I 0 1024 4
msg sec stop failover
check within dmsetup remove in
check within dmsetup remove sec
secondary sec /dev/mapper/disk /dev/mapper/buffer
matches "status" "$(status sec)" '^secondary (failover|done) 2 '
note "$(status sec)"
for part in '0 8192 2' '8192 16384 3' '24576 8192 1'; do
	# shellcheck disable=SC2086
	holds $A $part
done
fill $A 100 100 5
inbound in sec
equal "inbound" "$(status_field in 4)" closed
slow disk 0
wait_status sec ' done '
same $A /dev/mapper/disk
equal "active" "$(tags $A 0 1000)" '2x100 5x100 2x800'
