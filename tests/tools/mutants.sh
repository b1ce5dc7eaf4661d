# shellcheck shell=bash
# What the scenarios about damaged buffers share.

DISK_SECTORS=2048 BUFFER_SECTORS=4160
A=/dev/mapper/sec I=/dev/mapper/in

# random VIEW COUNT: writes, zeroes and discards
random()
{
	random_below 1000000
	check mutate -w -s "$CHOICE" -n "$2" "$1"
}

# A new secondary "sec" with its inbound view, the disk full of something
fresh()
{
	blkdiscard -f -z /dev/ram1 2>/dev/null
	linear disk /dev/ram0 0 $DISK_SECTORS
	linear buffer /dev/ram1 0 $BUFFER_SECTORS
	fill /dev/mapper/disk 0 $DISK_SECTORS 1
	dmsetup create sec --uuid mutants --table \
		"0 $DISK_SECTORS replication secondary /dev/mapper/disk /dev/mapper/buffer"
	inbound in sec
}

# save NAME: disk and buffer as they are when the secondary goes
save()
{
	dm_remove in sec
	pattern cat /dev/mapper/disk 0 $DISK_SECTORS >"$1.disk"
	pattern cat /dev/mapper/buffer 0 $BUFFER_SECTORS >"$1.buffer"
	dm_remove disk buffer
}

# The merge gets nowhere, so that there is a chain of summaries.
slow_merge()
{
	slow disk 1000
	msg sec merge_throttle 1
}

mend_disk()
{
	dm_load disk "0 $DISK_SECTORS linear /dev/ram0 0" --noflush --nolockfs
}

# Images in each stage: none.disk, none.buffer, ...
make_images()
{
	local i
	note "none"
	fresh
	save none

	note "running: epochs large and small, none of them merged"
	fresh
	msg sec start secondary
	slow_merge
	for i in 1 1 1 20 150 30 1; do
		random $I $i
		msg sec checkpoint >/dev/null
	done
	random $I 20
	random $A 20
	save running

	note "merged: running, and nothing to merge"
	fresh
	msg sec start secondary
	random $I 50
	msg sec checkpoint >/dev/null
	wait_status sec ' running 2 [^ ]+ 0 0 0 '
	random $I 10
	save merged

	# a merge that failed waits for a message
	note "failover: with what was written since"
	fresh
	msg sec start secondary
	slow_merge
	random $I 100
	msg sec checkpoint >/dev/null
	random $A 40
	random $I 5
	break_device disk writes
	msg sec stop failover
	wait_status sec ' failover_failed '
	mend_disk
	random $A 10
	save failover

	note "done"
	fresh
	msg sec start secondary
	random $I 40
	msg sec checkpoint >/dev/null
	random $A 40
	msg sec stop failover
	wait_status sec ' done '
	save 'done'
}

# mutants SEED COUNT: fewer where each takes longer
mutants()
{
	local count=$(($2 * SOAK / SLOWNESS))
	make_images
	linear disk /dev/ram0 0 $DISK_SECTORS
	linear buffer /dev/ram1 0 $BUFFER_SECTORS
	# As long as there is one, what all of them share in the kernel stays: to
	# free and make it again each time would take most of the time.
	linear disk2 /dev/ram2 0 $DISK_SECTORS
	linear buffer2 /dev/ram3 0 $BUFFER_SECTORS
	secondary other /dev/mapper/disk2 /dev/mapper/buffer2
	# most of what can be wrong is in a chain
	check mutate -s "$1" -n $count -u mutants /dev/mapper/disk /dev/mapper/buffer \
		running failover none running failover merged running failover 'done'
	is_zero /dev/mapper/disk2 0 $DISK_SECTORS
}
