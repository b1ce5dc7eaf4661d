# A call on a group goes on when the device whose message asked for it is removed,
# and ends well.
# short
# stock: races between processors

# pair NAME FIRST: a secondary of group g, its disk and buffer
pair()
{
	linear "$1-disk" /dev/ram0 "$2" 8192
	linear "$1-buffer" /dev/ram1 "$2" 8192
	secondary "$1" "/dev/mapper/$1-disk" "/dev/mapper/$1-buffer" group g
}

# two_pairs TAG: "two" has something to merge, and cannot
two_pairs()
{
	pair one 0
	pair two 8192
	inbound in two
	msg one start_all secondary
	fill /dev/mapper/in 0 4096 "$1"
	dmsetup suspend two-disk
}

without_pairs()
{
	dm_remove one-disk one-buffer two-disk two-buffer
	blkdiscard -f -z -l $((8192 * 512)) -o 0 /dev/ram1
	blkdiscard -f -z -l 4096 -o $((8192 * 512)) /dev/ram1
}

for round in 1 2 3; do
	note "round $round"
	two_pairs "$round"
	# "one" has nothing to merge; then "two" is asked, which has
	spawn dmsetup message one 0 stop_all
	wait_status two '^secondary failover '
	equal "the device that asked" "$(status_field one 2)" 'done'
	# its message gives up, what it has begun goes on
	check within dmsetup remove one
	reap_failed "$JOB" 2>/dev/null
	matches "status" "$(status two)" '^secondary failover '
	dmsetup resume two-disk
	wait_status two '^secondary done '
	holds /dev/mapper/two-disk 0 4096 "$round"

	# the inbound view is asked: its suspend does not wait for the merge
	msg two start secondary
	fill /dev/mapper/in 0 4096 "1$round"
	dmsetup suspend two-disk
	spawn dmsetup message in 0 stop_all
	wait_status two '^secondary failover '
	check within dmsetup suspend in
	reap_failed "$JOB" 2>/dev/null
	matches "status" "$(status two)" '^secondary failover '
	expect_errno EAGAIN dmsetup message in 0 stop_all
	dmsetup resume in
	dmsetup resume two-disk
	wait_status two '^secondary done '
	check dmsetup message in 0 stop_all
	holds /dev/mapper/two-disk 0 4096 "1$round"
	dm_remove in two
	without_pairs
done

note "the devices and the module go while it is under way"
for round in 4 5 6; do
	two_pairs "$round"
	spawn dmsetup message one 0 stop_all
	asleep "$JOB"
	kill -KILL "$JOB"
	reap_failed "$JOB" 2>/dev/null
	dmsetup resume two-disk
	dm_remove in two one
	check rmmod dm_replication
	modprobe dm-replication
	without_pairs
done
