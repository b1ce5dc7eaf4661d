# What waits for a remote leg that is gone can be let go: by stop, with failover
# or without, by a suspend, and by a reload of the table. It has not failed, it
# is on the local leg, and the legs differ in dirty regions only.
# dmesg: I/O error
. legs.sh

linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
linear log /dev/ram2 0 64
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
args="region_size 128 dirty_log /dev/mapper/log"

# stalled MODE TAG: three writes wait; their jobs are in WAITING
stalled()
{
	msg pri checkpoint >/dev/null
	break_device remote
	WAITING=()
	spawn op write $P 1000 8 "$2"
	WAITING+=("$JOB")
	wait_status pri ' degraded '
	spawn op write $P 2000 500 "$2"
	WAITING+=("$JOB")
	spawn op fua $P 20000 8 "$2"
	WAITING+=("$JOB")
	sleep 0.7
	[ "$1" = async ] || still_running "${WAITING[0]}"
	still_running "${WAITING[1]}"
	still_running "${WAITING[2]}"
}

# answered TAG
answered()
{
	local job
	for job in "${WAITING[@]}"; do
		reap "$job"
	done
	holds $L 1000 8 "$1"
	holds $L 2000 500 "$1"
	holds $L 20000 8 "$1"
	[ "$(dirty pri)" -ge 6 ] || fail "only $(dirty pri) regions are dirty"
}

# back: it is taken up, and lacks nothing then
back()
{
	mend_device remote /dev/ram1
	[ "$(status_field pri 2)" = running ] || msg pri start primary
	wait_status pri ' running [0-9]+ 256/256 online 0 - '
	same $L $R
}

for mode in sync async; do
	note "$mode: stop failover"
	blkdiscard -f -z -l 4096 /dev/mapper/log
	# shellcheck disable=SC2086 # words
	primary pri $L $R nosync $args $mode on_remote_error stall
	msg pri start primary
	wait_status pri ' 256/256 online 0 - '
	fill $P 0 32768 1
	stalled $mode 2
	check within dmsetup message pri 0 stop failover
	answered 2
	matches "status" "$(status pri)" '^primary done '
	fill $P 0 8 2
	back

	note "$mode: stop"
	stalled $mode 3
	check within dmsetup message pri 0 stop
	answered 3
	matches "status" "$(status pri)" '^primary done '
	back

	note "$mode: suspend"
	stalled $mode 4
	check within dmsetup suspend pri
	answered 4
	matches "status" "$(status pri)" '^primary running [0-9]+ [0-9]+/256 degraded 0 EIO '
	check within dmsetup resume pri
	note "$mode: and it stalls again"
	spawn op write $P 3000 8 4
	sleep 1.2
	still_running "$JOB"
	back
	reap "$JOB"
	msg pri checkpoint >/dev/null
	same $L $R

	note "$mode: suspend without a flush"
	stalled $mode 5
	check within dmsetup suspend --noflush --nolockfs pri
	check within dmsetup resume pri
	sleep 0.5
	back
	for job in "${WAITING[@]}"; do
		reap "$job"
	done
	holds $R 2000 500 5
	holds $R 20000 8 5
	msg pri checkpoint >/dev/null
	same $L $R

	note "$mode: a reload of the table"
	stalled $mode 6
	# shellcheck disable=SC2086 # words
	set -- $args $mode
	check within bash -c '. /t/guest/lib.sh; dm_load "$@"' - pri \
		"0 32768 replication primary $L $R $# $*"
	wait_status pri ' degraded '
	answered 6
	fill $P 0 8 6
	mend_device remote /dev/ram1
	dm_load pri "0 32768 replication primary $L $R $(($# + 2)) $* on_remote_error stall"
	wait_status pri ' running [0-9]+ 256/256 online 0 - '
	same $L $R

	note "$mode: a removal, when they have been let go"
	stalled $mode 7
	check within dmsetup suspend pri
	for job in "${WAITING[@]}"; do
		reap "$job"
	done
	WAITING=()
	check within dmsetup remove pri
	# shellcheck disable=SC2086 # words
	primary pri $L $R $args $mode on_remote_error stall
	answered 7
	back
	dm_remove pri

	note "$mode: a removal while nobody waits"
	# shellcheck disable=SC2086 # words
	primary pri $L $R $args $mode on_remote_error stall
	msg pri start primary
	wait_status pri ' 256/256 online 0 - '
	break_device remote
	spawn op write $P 1000 8 8
	wait_status pri ' degraded '
	[ $mode = async ] || check within dmsetup suspend pri
	reap "$JOB"
	check within dmsetup remove pri
	mend_device remote /dev/ram1
done
