# Active writes that don't fit get ENOSPC; the last checkpoint and the inbound
# side are intact; a checkpoint gets out of it, and so does a failover.
# dmesg: I/O error|critical space allocation error

replica 32768 4096
A=/dev/mapper/sec I=/dev/mapper/in
fill $I 0 32768 1
msg sec start secondary
fill $I 0 512 2

tags_of()
{
	tags $A 8192 16384
}

expect_errno ENOSPC pattern write $A 8192 16384 3
matches "get_error" "$(msg sec get_error)" '^ENOSPC active write [0-9]+ '
matches "active" "$(tags_of)" '^3x[0-9]+ 1x[0-9]+$'
equal "inbound" "$(tags $I 0 32768)" '2x512 1x32256'

note "a checkpoint gets out of it"
check msg sec checkpoint
wait_status sec ' 0 0 0 [^ ]* -$'
equal "active" "$(tags $A 0 32768)" '2x512 1x32256'
fill $A 8192 1024 4
fill $I 512 512 5
equal "inbound" "$(tags $I 0 2048)" '2x512 5x512 1x1024'

note "and a failover"
expect_errno ENOSPC pattern write $A 8192 16384 6
before=$(tags $A 0 32768)
check msg sec stop failover
equal "active" "$(tags $A 0 32768)" "$before"
fill $A 8192 16384 7
wait_status sec ' done '
equal "active" "$(tags $A 0 32768)" '2x512 1x7680 7x16384 1x8192'
same $A /dev/mapper/disk
