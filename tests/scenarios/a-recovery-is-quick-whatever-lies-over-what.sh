# A recovery does not go through all that is mapped for each entry: thousands of
# large discards below thousands of small zeroes take seconds, not hours.
# It finds what was there.

modprobe faulty
dm_create below "0 262144 faulty"
linear disk /dev/mapper/below
linear buffer /dev/ram1
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
msg sec start secondary

# blank OP FIRST SECTORS STEP COUNT: so many of them, STEP sectors apart
blank()
{
	python3 - "$@" <<-END
		import fcntl, os, struct, sys
		request = {'discard': 0x1277, 'zeroes': 0x127f}[sys.argv[1]]
		first, sectors, step, count = map(int, sys.argv[2:])
		fd = os.open('/dev/mapper/in', os.O_WRONLY)
		for i in range(count):
		    fcntl.ioctl(fd, request, struct.pack('QQ', (first + i * step) * 512, sectors * 512))
	END
}

# each of the older ones covers all of the newer ones
blank discard 0 131072 0 10000
fill /dev/mapper/in 1000 8 1
blank zeroes 20000 1 2 20000
fill /dev/mapper/in 70001 8 2
fill /dev/mapper/in 140000 8 3
used=$(status_field sec 4)
msg sec merge_throttle 1
dmsetup message below 0 fail write zeroes discard
msg sec checkpoint >/dev/null
dm_remove in sec
note "buffer: $used"

# a mistake takes an hour, which the limit of a scenario ends
secondary sec /dev/mapper/disk /dev/mapper/buffer
A=/dev/mapper/sec
equal "epoch" "$(status_field sec 3)" 2
is_zero $A 0 1000
equal "the parts" "$(tags $A 1000 16)" '1x8 0x8'
is_zero $A 1008 68992
equal "the parts" "$(tags $A 70000 16)" '0x1 2x8 0x7'
equal "the parts" "$(tags $A 139990 20)" '0x10 3x8 0x2'
dmsetup message below 0 fail
msg sec stop
wait_status sec ' done '
equal "the disk" "$(tags /dev/mapper/disk 70000 16)" '0x1 2x8 0x7'
