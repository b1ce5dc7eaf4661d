# A discard of the whole device, which is taken in parts of 64 MiB,
# covers all of it, and costs a few entries only.
# stock: limits of discards, a loop device

# Ramdisks take no discards on every kernel, loop devices do.
modprobe loop
truncate -s 128M /run/disk
loop=$(losetup --find --show /run/disk)
linear disk "$loop" 0 262144
linear buffer /dev/ram1 0 262144
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
A=/dev/mapper/sec I=/dev/mapper/in
fill $I 0 8192 1
fill $I 131000 200 1
fill $I 262136 8 1
msg sec start secondary
for round in 1 2; do
	note "round $round"
	fill $I 0 8 2
	fill $I 130000 2000 2
	fill $I 262140 4 2
	blkdiscard -f $I
	equal "the first part" "$(tags $I 0 8192)" 0x8192
	equal "between two" "$(tags $I 130000 3000)" 0x3000
	equal "the end" "$(tags $I 260000 2144)" 0x2144
	equal "active" "$(tags $A 131000 201)" '1x200 0x1'
	msg sec checkpoint >/dev/null
	wait_status sec ' 0 0 0 - -$'
	equal "merged" "$(tags /dev/mapper/disk 130000 3000)" 0x3000
	fill $I 0 8192 1
	fill $I 131000 200 1
	msg sec checkpoint >/dev/null
done
dm_remove in sec disk
losetup --detach "$loop"
rm /run/disk
