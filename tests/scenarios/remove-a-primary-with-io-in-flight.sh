# Removing a primary with I/O in flight ends in bounded time, in each stage,
# also while its remote leg hangs, and the module can be unloaded.
# limit: 90
# dmesg: I/O error
# short
# stock: removals of dm, processors

linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768

# load: goes on over errors until the device is gone
load()
{
	exec fio --minimal --name=load --allow_file_create=0 --filename=/dev/mapper/pri --direct=1 --thread --ioengine=libaio \
		--iodepth=8 --rw=randrw --bsrange=512-32k --size=16m \
		--time_based --runtime=$((60 * SLOWNESS)) --norandommap --continue_on_error=all \
		--output=/dev/null >/dev/null 2>&1
}

# torn_away: what --remove --force does is put an error table in place
torn_away()
{
	local rc
	spawn load
	until [ "$(cut -d ' ' -f 9 <"/sys/block/$(kernel_name pri)/stat" | tr -d ' ')" != 0 ] ||
			awk '{ exit !($5 > 20) }' "/sys/block/$(kernel_name pri)/stat"; do
		sleep 0.05
	done
	still_running "$JOB"
	# the device is open: it fails in the end, but not by time
	rc=0
	within dmsetup remove --force pri >/dev/null 2>&1 || rc=$?
	[ $rc -ne 124 ] || fail "remove --force does not end"
	kill -INT "$JOB" 2>/dev/null || true
	wait "$JOB" || true
	unset "JOBS[$JOB]"
	! dmsetup info pri >/dev/null 2>&1 || check within dmsetup remove pri
	check rmmod dm_replication
	modprobe dm-replication
}

note "before start"
primary pri /dev/mapper/local /dev/mapper/remote nosync
torn_away
note "running"
primary pri /dev/mapper/local /dev/mapper/remote nosync
msg pri start primary
torn_away
note "resync, with a slow remote leg"
primary pri /dev/mapper/local /dev/mapper/remote region_size 128
slow remote 200
msg pri start primary
matches "status" "$(status pri)" ' resync '
torn_away
note "degraded"
slow remote 0
primary pri /dev/mapper/local /dev/mapper/remote nosync
msg pri start primary
break_device remote writes
fill /dev/mapper/pri 0 8 1
torn_away
mend_device remote /dev/ram1
note "done"
primary pri /dev/mapper/local /dev/mapper/remote nosync
msg pri start primary
msg pri stop
torn_away

note "with a remote leg that does not answer"
primary pri /dev/mapper/local /dev/mapper/remote nosync
msg pri start primary
dmsetup suspend --noflush remote
spawn pattern write /dev/mapper/pri 0 64 1
one=$JOB
spawn dmsetup remove --force --noudevsync pri
two=$JOB
sleep 1
# nobody can end I/O that a lower device keeps; once it answers all must go
dmsetup resume remote
wait "$one" || true
wait "$two" || true
unset "JOBS[$one]" "JOBS[$two]"
! dmsetup info pri >/dev/null 2>&1 || check within dmsetup remove pri
check rmmod dm_replication
