# Where a region's mark cannot be written, a write to it fails and reaches
# neither leg; all else goes on, and so does this when the log is back. That the
# number of a checkpoint cannot be noted does not fail the checkpoint.
# dmesg: I/O error
. legs.sh

L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
faulty local 4096
faulty remote 4096
faulty log 64

# sectors that the legs were asked to write
both()
{
	echo "$(asked local write) $(asked local zeroes) $(asked local discard)" \
		"$(asked remote write) $(asked remote zeroes) $(asked remote discard)"
}

# unmarked: writes of each kind to regions without a mark
unmarked()
{
	local what before
	before=$(both)
	for what in write zeroes discard fua; do
		expect_errno EIO op $what $P 2560 8 2
		expect_errno EIO op $what $P 4000 96 2
	done
	# over the end of a region with a mark
	expect_errno EIO op write $P 2552 16 1
	equal "what the legs were asked for" "$(both)" \
		"$(awk -v both="$before" -v n="$1" 'BEGIN { $0 = both; $1 += 8; $4 += n; print }')"
	holds $L 2552 16 1
	holds $R 2552 16 1
}

for fault in write fua; do
	for mode in sync async; do
		note "$mode, the log fails $fault: before start"
		blkdiscard -z -f /dev/mapper/log
		primary pri $L $R nosync region_size 128 dirty_log /dev/mapper/log $mode
		fill $L 0 4096 1
		fill $R 0 4096 1
		fill $P 0 256 1
		fill $P 2432 128 1
		fails log $fault
		unmarked 0
		fill $P 0 256 2
		fails log

		note "$mode, the log fails $fault: running"
		msg pri start primary
		wait_status pri ' 32/32 online 0 - '
		fails log $fault
		before=$(dirty pri)
		unmarked 8
		matches "get_error" "$(msg pri get_error)" '^EIO dirty_log write [0-9]+ '
		matches "status" "$(status pri)" '^primary running 1 32/32 online 0 EIO '
		fill $P 0 256 3
		op zeroes $P 128 8
		op flush $P

		note "$mode, the log fails $fault: a checkpoint"
		equal "epoch" "$(msg pri checkpoint)" 2
		fails log
		same $L $R
		fill $P 2560 8 2
		fill $P 4000 96 2
		msg pri checkpoint >/dev/null
		same $L $R

		note "$mode, the log fails $fault: degraded"
		fails remote write
		fill $P 0 8 3
		wait_status pri ' degraded '
		fails remote
		fails log $fault
		before=$(both)
		for what in write zeroes discard fua; do
			expect_errno EIO op $what $P 1024 8 2
		done
		equal "what the legs were asked for" "$(both)" "$before"
		fill $P 0 128 4
		fails log
		fill $P 1024 8 2
		msg pri stop
		msg pri start primary
		wait_status pri ' 32/32 online 0 - '
		same $L $R
		dm_remove pri
	done
done

note "a log that cannot be read, or formatted"
fails log read
refused 'dirty log' "0 4096 replication primary $L $R 4 region_size 128 dirty_log /dev/mapper/log"
fails log
blkdiscard -z -f /dev/mapper/log
fails log write
refused 'Cannot format the dirty log' "0 4096 replication primary $L $R 4 region_size 128 dirty_log /dev/mapper/log"
fails log
