# on_remote_error stall: when the remote leg fails, the write that met it is not
# answered, new ones wait, reads go on. When the leg is back all are answered,
# and a resync makes the legs equal.
# dmesg: I/O error
. legs.sh

linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri

for mode in sync async; do
	note "$mode"
	primary pri $L $R nosync region_size 128 on_remote_error stall $mode
	fill $P 0 32768 1
	matches "status" "$(status pri)" '^primary none 0 0/256 degraded 0 - '
	msg pri start primary
	wait_status pri ' 256/256 online 0 - '
	for _ in 1 2 3; do
		msg pri checkpoint >/dev/null
	done
	fill $P 0 8 2

	for round in 3 4; do
		break_device remote
		spawn op write $P 1000 8 $round
		one=$JOB
		wait_status pri ' degraded '
		klog_since
		expect_errno EIO msg pri checkpoint
		matches "get_error" "$(msg pri get_error)" '^EIO remote write [0-9]+ '
		spawn op write $P 2000 64 $round
		two=$JOB
		spawn op zeroes $P 12800 1000
		three=$JOB
		spawn op fua $P 20000 8 $round
		four=$JOB
		note "$mode: nobody is answered, reads are"
		sleep 1.5
		[ $mode = async ] || still_running "$one"
		still_running "$two"
		still_running "$three"
		still_running "$four"
		check op read $P 4096 128 1
		matches "status" "$(status pri)" ' degraded 0 EIO '
		if [ $round = 3 ]; then
			fill /dev/ram1 1000 8 99
			note "$mode: the remote leg is back"
			mend_device remote /dev/ram1
		else
			note "$mode: the remote leg is back, and fails again"
			dm_load remote "0 32768 flakey /dev/ram1 0 0 100000 1 error_writes" --noflush --nolockfs
			sleep 1.5
			mend_device remote /dev/ram1
		fi
		wait_status pri ' 256/256 online 0 - '
		reap "$one"
		reap "$two"
		reap "$three"
		reap "$four"
		fill $P 5000 8 $round
		msg pri checkpoint >/dev/null
		same $L $R
		holds $R 1000 8 $round
		holds $R 2000 64 $round
		is_zero $R 12800 1000
		holds $R 20000 8 $round
		equal "get_error" "$(msg pri get_error)" ok
	done

	note "$mode: a load that is held up and goes on"
	spawn fio --minimal --name=load --filename=$P --direct=1 --thread --ioengine=libaio --iodepth=8 \
		--rw=randwrite --bs=8k --size=16m --time_based --runtime=$((100 * SLOWNESS)) \
		--norandommap --rate_iops=300 --refill_buffers --output=/dev/null
	for _ in 1 2; do
		busy pri
		break_device remote
		wait_status pri ' degraded '
		still_running "$JOB"
		mend_device remote /dev/ram1
		wait_status pri ' online '
	done
	# it was told of no error
	still_running "$JOB"
	end "$JOB"
	msg pri checkpoint >/dev/null
	matches "status" "$(status pri)" ' 256/256 online 0 - '
	same $L $R
	dm_remove pri
done
