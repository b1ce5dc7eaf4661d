# A secondary with a buffer that was in use comes back, without start, in the
# stage it had, at exactly the last checkpoint.

replica 16384 16384
A=/dev/mapper/sec I=/dev/mapper/in

again()
{
	dm_remove in sec
	secondary sec /dev/mapper/disk /dev/mapper/buffer
	inbound in sec
}

note "none"
fill $I 0 16384 1
again
matches "status" "$(status sec)" '^secondary none 0 [0-9]+/[0-9]+ 0 0 0 - -$'
expect_errno EIO pattern check $A 0 8 1
holds $I 0 16384 1

note "running"
msg sec start secondary
fill $I 0 8 2
again
matches "status" "$(status sec)" '^secondary running 1 [0-9]+/[0-9]+ 0 0 0 - -$'
holds $A 0 16384 1
equal "get_error" "$(msg sec get_error)" ok

note "open epochs are gone, checkpoints are not"
slow disk 100
fill $I 0 2048 2
fill $I 4000 1 2
equal "epoch" "$(msg sec checkpoint)" 2
fill $I 100 50 3
fill $A 200 50 4
again
matches "status" "$(status sec)" '^secondary running 2 [0-9]+/[0-9]+ 0 0 [0-9]+ - '
for view in $A $I; do
	equal "$view" "$(tags "$view" 0 8192)" '2x2048 1x1952 2x1 1x4191'
done
fill $I 100 50 5
equal "epoch" "$(msg sec checkpoint)" 3
equal "epoch" "$(msg sec checkpoint)" 4
again
matches "status" "$(status sec)" '^secondary running 4 '
equal "active" "$(tags $A 0 2048)" '2x100 5x50 2x1898'

note "a copy of both devices, taken in the middle of an epoch, is a crash"
slow disk 0
wait_status sec ' 0 0 0 - -$'
fill $I 1000 10 6
fill $I 1000 10 7
fill $A 1000 10 8
linear disk2 /dev/ram2 0 16384
linear buffer2 /dev/ram3 0 16384
dd if=/dev/mapper/disk of=/dev/mapper/disk2 bs=64k iflag=direct oflag=direct 2>/dev/null
dd if=/dev/mapper/buffer of=/dev/mapper/buffer2 bs=64k iflag=direct oflag=direct 2>/dev/null
secondary sec2 /dev/mapper/disk2 /dev/mapper/buffer2
matches "status" "$(status sec2)" '^secondary running 4 [0-9]+/[0-9]+ 0 0 '
equal "active" "$(tags /dev/mapper/sec2 0 2048)" '2x100 5x50 2x1898'

note "failover and done"
slow disk 100
msg sec stop failover
again
matches "status" "$(status sec)" '^secondary (failover|done) 4 '
equal "active" "$(tags $A 0 2048)" '2x100 5x50 2x850 8x10 2x1038'
equal "inbound" "$(status_field in 4)" closed
slow disk 0
wait_status sec ' done '
again
matches "status" "$(status sec)" '^secondary done 4 [0-9]+/[0-9]+ 0 0 0 - -$'
equal "active" "$(tags $A 0 2048)" '2x100 5x50 2x850 8x10 2x1038'
same $A /dev/mapper/disk
