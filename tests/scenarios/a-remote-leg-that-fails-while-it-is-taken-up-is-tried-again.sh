# on_remote_error stall: the remote leg answers again, but what it had been sent
# before it failed fails now, while it is taken up. It is tried again, and again.
# limit: 120
# dmesg: I/O error
. legs.sh

P=/dev/mapper/pri L=/dev/mapper/local R=/dev/mapper/remote
for mode in sync async; do
	note "$mode"
	faulty local 4096
	faulty one 2048
	faulty two 2048
	dm_create remote - <<-END
		0 2048 linear /dev/mapper/one 0
		2048 2048 linear /dev/mapper/two 0
	END
	primary pri $L $R nosync region_size 128 on_remote_error stall $mode
	msg pri start primary
	for tag in 1 2; do
		before=$(asked two flush)
		dmsetup message two 0 hold write
		spawn fill $P 3000 8 $tag
		second=$JOB
		until [ "$(status_field two 7)" -gt 0 ]; do
			sleep 0.1
		done
		fails one write
		spawn fill $P 0 8 $tag
		first=$JOB
		wait_status pri ' degraded '
		fails one
		until [ "$(asked two flush)" -gt "$before" ]; do
			sleep 0.1
		done
		note "$mode: it is being taken up"
		fails two write
		dmsetup message two 0 hold
		fails two
		reap "$first"
		reap "$second"
		wait_status pri ' 32/32 online 0 '
		holds $R 0 8 $tag
		holds $R 3000 8 $tag
	done
	check msg pri checkpoint >/dev/null
	same $L $R
	dm_remove pri local remote one two
done
