# Before start the active view answers EIO and the inbound view goes straight
# to the disk; start takes what is on the disk as the first checkpoint.

linear disk /dev/ram0 0 16384
linear buffer /dev/ram1 0 8192
fill /dev/mapper/disk 0 16384 1
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
A=/dev/mapper/sec I=/dev/mapper/in

expect_errno EIO pattern check $A 0 8 1
expect_errno EIO pattern write $A 0 8 2
expect_errno EIO pattern check $A 16383 1 1
holds $I 0 16384 1
# a full copy is larger than the buffer
fill $I 0 16384 2
holds /dev/mapper/disk 0 16384 2
fill $I 1001 3 3
holds /dev/mapper/disk 1001 3 3
equal "status" "$(status sec | cut -d ' ' -f 1-3,5-8)" 'secondary none 0 0 0 0 -'
expect_errno EIO pattern check $A 0 8 2

msg sec start secondary
matches "status" "$(status sec)" '^secondary running 1 '
equal "the first checkpoint" "$(tags $A 1000 10)" '2x1 3x3 2x6'
holds $A 0 1001 2
holds $A 1004 15380 2
same $A $I
fill $I 0 8 4
equal "the disk" "$(tags /dev/mapper/disk 0 10)" 2x10
equal "the active view" "$(tags $A 0 10)" 2x10
