# A pair from the first copy to the failover, as QEMU's own test has it: the
# standby never sees the primary's writes before a checkpoint, nor the primary
# the standby's; after the failover there is the checkpoint and, on top, what
# the standby wrote since.
# dmesg: I/O error
# stock: the way that the demo goes

linear local /dev/ram2 0 16384
fill /dev/mapper/local 0 16384 1
replica 16384 32768
P=/dev/mapper/pri A=/dev/mapper/sec I=/dev/mapper/in
primary pri /dev/mapper/local $I region_size 128

note "the first full copy goes straight to the disk"
msg pri start primary
wait_status pri ' 128/128 online '
same /dev/mapper/local /dev/mapper/disk
slow disk 50
msg sec start secondary
same $A /dev/mapper/local

note "both write"
fill $P 0 1024 2
fill $A 512 1024 3
equal "active" "$(tags $A 0 2048)" '1x512 3x1024 1x512'
equal "inbound" "$(tags $I 0 2048)" '2x1024 1x1024'
equal "primary" "$(tags $P 0 2048)" '2x1024 1x1024'

note "a checkpoint: the primary's writes are in, the standby's are gone"
msg pri checkpoint
msg sec checkpoint
for view in $A $I $P; do
	equal "$view" "$(tags "$view" 0 2048)" '2x1024 1x1024'
done

note "both write again, and the primary dies"
fill $P 2048 512 4
fill $P 0 64 4
fill $A 256 512 5
equal "active" "$(tags $A 0 3072)" '2x256 5x512 2x256 1x2048'
equal "inbound" "$(tags $I 0 3072)" '4x64 2x960 1x1024 4x512 1x512'
msg sec stop failover
equal "active" "$(tags $A 0 3072)" '2x256 5x512 2x256 1x2048'
matches "status" "$(status in)" '^inbound (failover|done) 2 closed'
expect_errno EIO pattern write $I 0 8 6
expect_errno EIO pattern check $I 4096 8 1
equal "active" "$(tags $A 0 3072)" '2x256 5x512 2x256 1x2048'

note "the primary, still there, goes on alone"
fill $P 0 128 7
wait_status pri ' degraded '
matches "get_error" "$(msg pri get_error)" '^EIO remote write [0-9]+ '
expect_errno EIO msg pri checkpoint

note "the standby goes on through the merge"
fill $A 3000 100 8
wait_status sec ' done '
same $A /dev/mapper/disk
equal "active" "$(tags $A 0 4096)" '2x256 5x512 2x256 1x1976 8x100 1x996'
holds $A 4096 12288 1
fill $A 0 8 9
holds /dev/mapper/disk 0 8 9
equal "inbound" "$(status_field in 4)" closed
