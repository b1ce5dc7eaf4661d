# The test devices are what lib.sh says: empty ramdisks, patterns that tell a
# wrong sector from a right one, devices that break and mend as told.
# dmesg: I/O error, dev (dm-[0-9]+|ram[0-9]),
# stock: what all scenarios use

equal "size of a ramdisk" "$(sectors /dev/ram0)" "$RAM_SECTORS"
is_zero /dev/ram0 0 "$RAM_SECTORS"

note "patterns"
fill /dev/ram0 64 128 1
holds /dev/ram0 64 128 1
is_zero /dev/ram0 0 64
is_zero /dev/ram0 192 64
check_not pattern check /dev/ram0 64 128 2
check_not pattern check /dev/ram0 64 129 1
check_not pattern zero /dev/ram0 63 2
# the right content at the wrong place
dd if=/dev/ram0 of=/dev/ram1 iflag=direct oflag=direct bs=512 skip=64 count=8 2>/dev/null
check_not pattern check /dev/ram1 0 8 1
matches "sector 0" "$(pattern show /dev/ram1 0 1)" 'tag 1 of sector 64'
check_not pattern compare /dev/ram0 /dev/ram1 0 1024
dd if=/dev/ram0 of=/dev/ram1 iflag=direct oflag=direct bs=64k count=8 2>/dev/null
same /dev/ram0 /dev/ram1

note "a device that breaks and mends"
linear leg /dev/ram2
fill /dev/mapper/leg 0 16 3
break_device leg writes
expect_errno EIO pattern write /dev/mapper/leg 0 16 4
holds /dev/mapper/leg 0 16 3
mend_device leg /dev/ram2
break_device leg drop
fill /dev/mapper/leg 0 16 4
mend_device leg /dev/ram2
holds /dev/mapper/leg 0 16 3
break_device leg
expect_errno EIO pattern check /dev/mapper/leg 0 16 3
mend_device leg /dev/ram2
fill /dev/mapper/leg 0 16 5
holds /dev/ram2 0 16 5

note "a device with a bad range"
broken spotted /dev/ram3 2048 8
fill /dev/mapper/spotted 0 2048 6
expect_errno EIO pattern write /dev/mapper/spotted 2048 8 6
fill /dev/mapper/spotted 2056 2048 6
dm_remove spotted leg
equal "devices" "$(dmsetup ls)" "No devices found"

note "jobs"
spawn true
reap "$JOB"
spawn false
reap_failed "$JOB"
