# A write to what was zeroed or discarded in the same epoch: until it has ended,
# and when it fails, there are zeroes, and not what they had covered. After the
# merge and after a recovery it is the same.
# dmesg: I/O error
. legs.sh

I=/dev/mapper/in A=/dev/mapper/sec D=/dev/mapper/disk
faulty disk 4096
fill $D 0 4096 1

# fails_over VIEW: a write to each of what was zeroed and discarded, which fails
fails_over()
{
	op zeroes "$1" 0 64
	op discard "$1" 128 64
	dmsetup message buffer 0 hold write
	spawn expect_errno EIO pattern write "$1" 16 8 2
	spawn expect_errno EIO pattern write "$1" 130 8 2
	until [ "$(status_field buffer 7)" = 2 ]; do
		sleep 0.1
	done
	is_zero "$1" 0 64
	is_zero "$1" 128 64
	fails buffer write
	dmsetup message buffer 0 hold
	reap_all
	fails buffer
	is_zero "$1" 0 64
	is_zero "$1" 128 64
}

for recover in '' 1; do
	note "recovery: ${recover:-0}"
	faulty buffer 8192
	secondary sec $D /dev/mapper/buffer
	inbound in sec
	msg sec start secondary
	fails_over $A
	holds $I 0 192 1
	# its zeroes are the epoch's, with a write beside them
	fails_over $I
	fill $I 32 8 3
	# a write where one failed finds a place
	fill $I 18 2 3
	if [ -n "$recover" ]; then
		# no merge before it
		msg sec merge_throttle 1
		msg sec checkpoint >/dev/null
		dm_remove in sec
		secondary sec $D /dev/mapper/buffer
	else
		msg sec checkpoint >/dev/null
	fi
	# (a discard promises nothing once it is merged)
	equal "active" "$(tags $A 0 128)" '0x18 3x2 0x12 3x8 0x24 1x64'
	wait_status sec '^secondary running [0-9]+ [0-9/]+ 0 0 0 '
	equal "disk" "$(tags $D 0 128)" '0x18 3x2 0x12 3x8 0x24 1x64'
	fill $D 0 192 1
	[ -n "$recover" ] || dm_remove in
	dm_remove sec buffer
done
