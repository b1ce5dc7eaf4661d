# Suspend (with flush and without), resume and reload of a primary with I/O in
# flight: none is lost or fails, and both legs are equal in the end.
# limit: 90
# short
# stock: suspends of dm, processors

linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128
msg pri start primary
slow remote 3
spawn fio --minimal --name=load --filename=/dev/mapper/pri --direct=1 --thread --ioengine=libaio \
	--iodepth=8 --rw=randwrite --bsrange=512-32k --size=16m \
	--time_based --runtime=$((60 * SLOWNESS)) --norandommap --refill_buffers --output=/dev/null
load=$JOB
table="0 32768 replication primary /dev/mapper/local /dev/mapper/remote"

note "suspend and resume"
for options in '' --noflush --nolockfs '--noflush --nolockfs'; do
	# shellcheck disable=SC2086
	check within dmsetup suspend $options pri
	matches "status" "$(status pri)" '^primary running 1 '
	check within dmsetup resume pri
	matches "status" "$(status pri)" ' online 0? ?'
	still_running "$load"
done

note "reload: the same, and others"
for args in '3 nosync region_size 128' '4 nosync region_size 128 sync' \
		'6 nosync region_size 128 sync on_remote_error degrade' \
		'5 nosync region_size 128 group other' '2 region_size 128'; do
	for options in '' --noflush; do
		# shellcheck disable=SC2086
		within bash -c '. /t/guest/lib.sh; dm_load "$@"' - pri "$table $args" $options
		wait_status pri ' running [0-9]+ 256/256 online [0-9]+ -'
		still_running "$load"
	done
done
matches "table" "$(table pri)" 'region_size 128'

note "a table that is refused, or cleared, leaves the live one alone"
check_not dmsetup load pri --table "$table 1 bogus" 2>/dev/null
dmsetup load pri --table "$table 2 region_size 128"
dmsetup clear pri
check msg pri checkpoint

note "another size of regions"
if dmsetup load pri --table "$table 2 region_size 256" 2>/dev/null; then
	dmsetup suspend pri
	dmsetup resume pri
	wait_status pri ' 128/128 online '
else
	note "is refused"
	check msg pri checkpoint
fi
still_running "$load"
kill -INT "$load"
wait "$load" || true
unset "JOBS[$load]"
check msg pri checkpoint
same /dev/mapper/local /dev/mapper/remote
check within dmsetup remove pri
check rmmod dm_replication
