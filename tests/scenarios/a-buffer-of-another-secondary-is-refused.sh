# A buffer is taken up by the secondary that it belongs to only. Whatever does
# not fit is refused with the reason, and nothing is changed on it.

linear disk /dev/ram0 0 16384
linear buffer /dev/ram1 0 16384
D=/dev/mapper/disk B=/dev/mapper/buffer A=/dev/mapper/sec

# refuses REGEX: the present disk and buffer make no secondary
refuses()
{
	local sums rc=0
	sums="$(checksum $D) $(checksum $B)"
	klog_since
	secondary sec $D $B 2>/dev/null || rc=$?
	# a table that was loaded but cannot be resumed leaves the device behind
	! dmsetup info sec >/dev/null 2>&1 || dm_remove sec
	[ $rc -ne 0 ] || fail "accepted, expected: $1"
	klog_has "replication.*$1"
	equal "disk and buffer" "$(checksum $D) $(checksum $B)" "$sums"
}

# accepts REGEX: they do, and the status is so
accepts()
{
	secondary sec $D $B
	matches "status" "$(status sec)" "$1"
	equal "active" "$(tags $A 0 2000)" '2x1000 1x1000'
	dm_remove sec
}

fill $D 0 16384 1
dmsetup create sec -u replica-1 <<<"0 16384 replication secondary $D $B"
inbound in sec
msg sec start secondary
fill /dev/mapper/in 0 1000 2
fill $A 5000 1000 3
msg sec checkpoint >/dev/null
dm_remove in sec
accepts '^secondary running 2 '

note "another disk or length in a reload, while the buffer is in use"
linear other_disk /dev/ram2 0 16384
secondary sec $D $B
for line in "0 16384 replication secondary /dev/mapper/other_disk $B" \
	"0 16000 replication secondary $D $B"; do
	expect_errno EBUSY dmsetup load sec <<<"$line"
done
matches "status" "$(status sec)" '^secondary running 2 '
equal "active" "$(tags $A 0 2000)" '2x1000 1x1000'
dm_remove sec other_disk

note "another dm UUID"
expect_errno EINVAL dmsetup create sec -u replica-2 <<<"0 16384 replication secondary $D $B"
dmsetup create other -u replica-1 <<<"0 16384 replication secondary $D $B"
dm_remove other

note "another length of the disk"
dm_load disk "0 16376 linear /dev/ram0 0"
refuses 'belongs to a secondary of 16384 sectors, this one has 16376'
dm_load disk "0 20000 linear /dev/ram0 0"
refuses 'belongs to a secondary of 16384 sectors, this one has 20000'
dm_load disk "0 16384 linear /dev/ram0 0"

note "a buffer that shrank, and one that grew"
dm_load buffer "0 16383 linear /dev/ram1 0"
refuses 'shrank: it had 16384 sectors, now it has 16383'
dm_load buffer "0 20000 linear /dev/ram1 0"
accepts '^secondary running 2 [0-9]+/16128 '
dm_load buffer "0 16384 linear /dev/ram1 0"

note "another disk of that length"
dm_load disk "0 16384 linear /dev/ram2 0"
refuses 'The disk is not the buffer.s'
dm_load disk "0 16384 linear /dev/ram0 0"
accepts '^secondary running 2 '

note "a disk that somebody wrote to"
fill $D 8192 8 4
refuses 'written to by others: sector 8192 differs'
fill $D 8192 8 1
accepts '^secondary running 2 '

note "what is damaged"
# spoil SECTOR: flips a byte there, twice is nothing
spoil()
{
	python3 - "$B" "$1" <<-'END'
	import os, sys, mmap
	fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
	m = mmap.mmap(-1, 512)
	os.preadv(fd, [m], int(sys.argv[2]) * 512)
	m[100] ^= 0x55
	os.pwritev(fd, [m], int(sys.argv[2]) * 512)
	END
}
spoil 0
spoil 8
refuses 'superblocks are damaged'
spoil 0
spoil 8
accepts '^secondary running 2 '

note "something else lies over copy 0, copy 1 is still there"
dd if=$B of=/tmp/copy0 bs=4096 count=1 iflag=direct 2>/dev/null
pattern write $B 0 8 9
refuses 'holds something else'
dd if=/tmp/copy0 of=$B bs=4096 count=1 oflag=direct 2>/dev/null
accepts '^secondary running 2 '

note "given up"
blkdiscard -f -z -l 4096 $B
fill $D 0 16384 1
secondary sec $D $B
matches "status" "$(status sec)" '^secondary none 0 0/'
