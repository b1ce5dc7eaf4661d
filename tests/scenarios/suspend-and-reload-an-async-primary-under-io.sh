# Suspend, resume and reload of an async primary with copies behind it, from
# sync to async and back: no write is lost or fails. Its removal ends, and what
# was on its way is there.
# limit: 180
. legs.sh

# a primary cannot be removed as long as what is below does not answer
trap 'dmsetup resume remote' EXIT
linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
linear log /dev/ram2 0 64
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
args="region_size 128 dirty_log /dev/mapper/log"
# shellcheck disable=SC2086 # words
primary pri $L $R nosync $args async
msg pri start primary
slow remote 20
spawn fio --minimal --name=load --filename=$P --direct=1 --thread --ioengine=libaio \
	--iodepth=8 --rw=randwrite --bsrange=512-32k --size=16m \
	--time_based --runtime=$((160 * SLOWNESS)) --norandommap --refill_buffers --output=/dev/null
load=$JOB
busy pri

note "suspend and resume"
for options in '' --noflush --nolockfs '--noflush --nolockfs'; do
	# shellcheck disable=SC2086 # words
	check within dmsetup suspend $options pri
	matches "status" "$(status pri)" '^primary running 1 [0-9]+/256 (online|resync) 0 - '
	check within dmsetup resume pri
	still_running "$load"
done

note "reload: sync, async, and how much may be behind"
for mode in sync async '' 'async max_behind 64' 'sync' 'async max_behind 8192' \
		'async on_remote_error stall' 'sync on_remote_error stall' async; do
	for options in '' --noflush; do
		# shellcheck disable=SC2086 # words
		set -- $args $mode
		# shellcheck disable=SC2086 # words
		check within bash -c '. /t/guest/lib.sh; dm_load "$@"' - pri \
			"0 32768 replication primary $L $R $# $*" $options
		still_running "$load"
		wait_status pri ' running [0-9]+ 256/256 online [0-9]+ - '
	done
	msg pri checkpoint >/dev/null
done
matches "table" "$(table pri)" ' async'
end "$load"
msg pri checkpoint >/dev/null
same $L $R
for _ in 1 2; do
	msg pri checkpoint >/dev/null
done

note "a removal while the remote leg is slow"
slow remote $((500 * SLOWNESS))
fill $P 0 256 1
[ "$(status_field pri 6)" -gt 0 ] || fail "nothing is behind"
check within dmsetup remove pri
same $L $R

note "a removal while it does not answer"
# shellcheck disable=SC2086 # words
primary pri $L $R $args async
mend_device remote /dev/ram1
msg pri start primary
wait_status pri ' 256/256 online 0 - '
dmsetup suspend --noflush --nolockfs remote
fill $P 1024 1024 2
equal "behind" "$(status_field pri 6)" 1024
spawn dmsetup remove pri
sleep 0.5
still_running "$JOB"
dmsetup resume remote
reap "$JOB"
check_not dmsetup info pri >/dev/null 2>&1
same $L $R
holds $R 1024 1024 2

note "and under load"
# shellcheck disable=SC2086 # words
primary pri $L $R $args async
msg pri start primary
slow remote 50
spawn fio --minimal --name=load --allow_file_create=0 --filename=$P --direct=1 --thread \
	--ioengine=libaio --iodepth=8 --rw=randwrite --bsrange=512-32k --size=16m \
	--time_based --runtime=$((60 * SLOWNESS)) --norandommap --continue_on_error=all --output=/dev/null
until [ "$(status_field pri 6)" -gt 100 ]; do
	:
done
rc=0
within dmsetup remove --force pri >/dev/null 2>&1 || rc=$?
[ $rc -ne 124 ] || fail "remove --force does not end"
end "$JOB"
! dmsetup info pri >/dev/null 2>&1 || check within dmsetup remove pri
check rmmod dm_replication
same $L $R
