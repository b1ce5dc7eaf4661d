# A buffer or dirty log whose counts are as high as they can be is taken up; what
# would have to count further is refused, and what is there stays.
. legs.sh

D=/dev/mapper/disk B=/dev/mapper/buffer G=/dev/mapper/log
MOST=$(((1 << 63) - 1))

# recount DEV COPY OFFSET NUMBER: in a superblock, with the checksum that fits then
recount()
{
	python3 - "$@" <<-'END'
		import struct, sys
		path, copy, offset, number = sys.argv[1], *map(int, sys.argv[2:])
		with open(path, 'r+b', buffering=0) as f:
		    f.seek(copy * 4096)
		    block = bytearray(f.read(4096))
		    struct.pack_into('<Q', block, offset, number)
		    struct.pack_into('<I', block, 8, 0)
		    crc = 0xffffffff
		    for byte in block:
		        crc ^= byte
		        for _ in range(8):
		            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
		    struct.pack_into('<I', block, 8, crc)
		    f.seek(copy * 4096)
		    f.write(block)
		    f.flush()
	END
	blockdev --flushbufs "$1"
}

linear disk /dev/ram0 0 4096
linear buffer /dev/ram1 0 8192

# a_buffer COPY OFFSET NUMBER: a running one with checkpoint 2, its superblock changed
a_buffer()
{
	fill $D 0 4096 1
	op zeroes $B 0 16
	secondary sec $D $B
	inbound in sec
	msg sec start secondary
	fill /dev/mapper/in 0 500 2
	msg sec checkpoint >/dev/null
	# the merge's superblock is the last
	wait_status sec '^secondary running 2 0/'
	dm_remove in sec
	recount $B "$@"
	secondary sec $D $B
	inbound in sec
}

holds_2()
{
	equal "$1" "$(tags "$1" 0 1000)" '2x500 1x500'
}

# refused EPOCH: a checkpoint is, and all is as it was, now and after a restart
refused()
{
	fill /dev/mapper/in 600 8 3
	expect_errno EOVERFLOW msg sec checkpoint
	matches "status" "$(status sec)" "^secondary running $1 "
	# nothing is lost by that
	holds /dev/mapper/in 600 8 3
	dm_remove in sec
	secondary sec $D $B
	matches "status" "$(status sec)" "^secondary running $1 "
	holds_2 /dev/mapper/sec
	dm_remove sec
}

# Formatting, start (twice), checkpoint and merge have written sequences 1 to 6: the
# even ones are copy 0.
note "the epoch"
a_buffer 0 64 $MOST
refused $MOST
note "the sequence: the merge has to end once more, and cannot"
a_buffer 1 32 $MOST
refused 2

note "a dirty log"
linear log /dev/ram2 0 256
linear local /dev/ram3 0 4096
linear remote /dev/ram4 0 4096
primary pri /dev/mapper/local /dev/mapper/remote region_size 128 nosync dirty_log $G
msg pri start primary
msg pri checkpoint >/dev/null
msg pri stop
fill /dev/mapper/pri 0 300 2
dm_remove pri
recount $G 1 32 $MOST
primary pri /dev/mapper/local /dev/mapper/remote region_size 128 nosync dirty_log $G
equal "dirty" "$(dirty pri)" 3
msg pri start primary
wait_status pri ' 32/32 online '
same /dev/mapper/local /dev/mapper/remote
fill /dev/mapper/pri 1000 8 3
matches "get_error" "$(msg pri get_error)" ' dirty_log write 0 '
dm_remove pri
primary pri /dev/mapper/local /dev/mapper/remote region_size 128 nosync dirty_log $G
[ "$(dirty pri)" -ge 3 ] || fail "only $(dirty pri) regions are dirty"
