# A leg, dirty log, disk or buffer that goes away while it is in use, be it that
# its mapping was removed by force or that its driver took it away: what needs
# it fails, what does not goes on, and nothing hangs. The primary or secondary
# can be removed. (Flushes succeed: neither has a cache.)
# dmesg: I/O error|access beyond end
# stock: drivers that take devices away: null_blk
. vanish.sh

P=/dev/mapper/pri I=/dev/mapper/in A=/dev/mapper/sec

faulty one 4096
faulty log 64
faulty disk 2048
faulty buffer 2176
for HOW in mapping driver; do
	for mode in sync async; do
		note "$HOW: the local leg of a primary, $mode"
		device it 2
		make_primary "$DEV" /dev/mapper/one $mode
		vanish it
		# from the remote leg, until a write would make that the better one
		check op read $P 256 128 1
		matches "get_error" "$(msg pri get_error)" '^EIO local (read|write) 256 '
		expect_errno EIO op write $P 128 8 3
		wait_status pri ' degraded 0 EIO '
		expect_errno EIO op read $P 256 128 1
		check_not msg pri checkpoint
		msg pri stop failover
		expect_errno EIO op read $P 256 8 1
		dm_remove pri
		gone it

		note "$HOW: the remote leg of a primary, $mode"
		device it 2
		make_primary /dev/mapper/one "$DEV" $mode
		vanish it
		check op write $P 128 8 3
		check op flush $P
		expect_errno EIO msg pri checkpoint
		wait_status pri ' degraded 0 EIO '
		matches "get_error" "$(msg pri get_error)" '^EIO remote (write|flush) '
		check op read $P 128 8 3
		msg pri stop
		msg pri start primary
		wait_status pri '^primary running .* degraded 0 EIO '
		check op write $P 0 4096 4
		dm_remove pri
		gone it
	done

	note "$HOW: the dirty log"
	device it 1
	faulty two 4096
	make_primary /dev/mapper/one /dev/mapper/two dirty_log "$DEV"
	vanish it
	check op write $P 0 8 3
	expect_errno EIO op write $P 128 8 3
	matches "get_error" "$(msg pri get_error)" '^EIO dirty_log write 128 '
	check op read $P 128 8 1
	msg pri checkpoint >/dev/null
	same /dev/mapper/one /dev/mapper/two
	dm_remove pri two
	gone it

	note "$HOW: the disk"
	device it 1
	make_secondary "$DEV" /dev/mapper/buffer
	vanish it
	check op write $I 100 8 2
	check op read $I 100 8 2
	expect_errno EIO op read $I 200 8 1
	matches "get_error" "$(msg sec get_error)" '^EIO disk read 200 '
	msg sec checkpoint >/dev/null
	check op read $A 100 8 2
	expect_errno EIO msg sec stop
	wait_status sec '^secondary failover_failed '
	expect_errno EIO op write $A 0 8 4
	dm_remove in sec
	op zeroes /dev/mapper/buffer 0 8
	gone it

	note "$HOW: the buffer"
	device it 2
	make_secondary /dev/mapper/disk "$DEV"
	vanish it
	expect_errno EIO op write $I 100 8 2
	expect_errno EIO op read $I 0 8 2
	check op read $I 8 8 1
	check op read $A 0 8 1
	matches "get_error" "$(msg sec get_error)" '^EIO inbound write 100 '
	for what in checkpoint stop 'stop failover'; do
		# shellcheck disable=SC2086 # words
		expect_errno EIO msg sec $what
	done
	matches "status" "$(status sec)" '^secondary running 1 '
	dm_remove in sec
	gone it
	# nothing was merged: the disk is the last checkpoint
	op read /dev/mapper/disk 0 2048 1
done
