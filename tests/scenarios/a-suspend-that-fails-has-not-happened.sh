# A suspend that cannot bring a file system on the device to rest: dm takes it
# back, and messages that would have to wait for the device are answered again.
# dmesg: I/O error|EXT4-fs|JBD2|Buffer I/O|lost (async|sync) page
# stock: how a file system is frozen
. legs.sh

# fails_to_suspend NAME BELOW: there is a file system, and BELOW takes no writes
fails_to_suspend()
{
	local suspended
	mkfs.ext4 -q "/dev/mapper/$1"
	mkdir -p /tmp/fs
	mount "/dev/mapper/$1" /tmp/fs
	dd if=/dev/urandom of=/tmp/fs/file bs=64k count=4 status=none
	fails "$2" write zeroes fua
	check_not within dmsetup suspend "$1"
	suspended=$(dmsetup info -c --noheadings -o suspended "$1")
	equal "state" "$suspended" Active
	fails "$2"
	umount /tmp/fs
}

note "a primary"
faulty local 32768
faulty remote 32768
primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128
msg pri start primary
fails_to_suspend pri local
msg pri checkpoint_all
fill /dev/mapper/pri 0 128 1
msg pri checkpoint >/dev/null
same /dev/mapper/local /dev/mapper/remote
dmsetup suspend pri
expect_errno EAGAIN msg pri checkpoint
dmsetup resume pri
msg pri checkpoint >/dev/null

note "a secondary"
faulty disk 32768
faulty buffer 65536
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
msg sec start secondary
fails_to_suspend sec buffer
fill /dev/mapper/in 0 128 1
msg sec checkpoint_all
holds /dev/mapper/sec 0 128 1
