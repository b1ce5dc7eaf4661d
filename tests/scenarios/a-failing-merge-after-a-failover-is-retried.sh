# A disk that fails while the merge after a failover is at work: the stage says
# so, all data is still read from where it is, and a message tries again.
# dmesg: I/O error

replica 16384 16384
A=/dev/mapper/sec D=/dev/mapper/disk
fill /dev/mapper/in 0 16384 1
msg sec start secondary
fill /dev/mapper/in 0 2048 2
break_device disk writes
note "a merge that fails while the secondary runs leaves it running"
equal "epoch" "$(msg sec checkpoint)" 2
wait_status sec '^secondary running 2 .* EIO '
matches "get_error" "$(msg sec get_error)" '^EIO disk write [0-9]+ .+'
fill $A 1024 2048 3

note "failover"
msg sec stop failover
wait_status sec '^secondary failover_failed 2 '
matches "inbound" "$(status in)" '^inbound failover_failed 2 closed EIO$'
equal "what is read" "$(tags $A 0 4096)" '2x1024 3x2048 1x1024'
# a write has nowhere to go but the disk; what was there stays
expect_errno EIO fill $A 0 8 4
equal "what is read" "$(tags $A 0 4096)" '2x1024 3x2048 1x1024'

note "tried again too early"
msg sec stop failover
wait_status sec '^secondary failover_failed 2 '
expect_errno EIO msg sec stop
equal "what is read" "$(tags $A 0 4096)" '2x1024 3x2048 1x1024'

note "tried again"
dm_load disk "0 16384 linear /dev/ram0 0" --noflush --nolockfs
msg sec stop failover
wait_status sec '^secondary done 2 '
equal "the disk" "$(tags $D 0 4096)" '2x1024 3x2048 1x1024'
equal "what is read" "$(tags $A 0 4096)" '2x1024 3x2048 1x1024'
fill $A 0 8 4
equal "the disk" "$(tags $D 0 16)" '4x8 2x8'
