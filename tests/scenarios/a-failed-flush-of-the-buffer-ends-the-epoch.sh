# A device may have dropped what a failed flush was for, and the next one
# succeeds all the same. So the epoch is never committed, whoever asks; creating
# the secondary again leads back to the last checkpoint.
# dmesg: I/O error

# Ramdisks take no flushes, dm-log-writes does: it is below the superblocks, and
# fails where they lie. The flush comes before they are written.
dm_create cached "0 16 log-writes /dev/ram2 /dev/ram5"
buffer_over()
{
	echo "0 16 $1
16 16368 linear /dev/ram1 16"
}
linear disk /dev/ram0 0 16384
buffer_over 'linear /dev/mapper/cached 0' | dm_create buffer -
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
A=/dev/mapper/sec I=/dev/mapper/in

fill $I 0 16384 1
msg sec start secondary
fill $I 0 100 2
equal "epoch" "$(msg sec checkpoint)" 2
fill $I 0 100 3
fill $A 200 100 4
dm_load buffer "$(buffer_over 'flakey /dev/mapper/cached 0 0 100000 1 error_writes')" \
	--noflush --nolockfs
expect_errno EIO msg sec checkpoint
dm_load buffer "$(buffer_over 'linear /dev/mapper/cached 0')" --noflush --nolockfs
for request in checkpoint stop 'stop failover'; do
	klog_since
	# shellcheck disable=SC2086
	expect_errno EIO msg sec $request
	klog_has 'a flush or superblock of the buffer failed'
done
matches "status" "$(status sec)" '^secondary running 2 '
equal "inbound" "$(tags $I 0 400)" '3x100 1x300'
fill $I 100 100 5

dm_remove in sec
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
matches "status" "$(status sec)" '^secondary running 2 '
equal "active" "$(tags $A 0 400)" '2x100 1x300'
fill $I 0 100 6
equal "epoch" "$(msg sec checkpoint)" 3
equal "active" "$(tags $A 0 400)" '6x100 1x300'
