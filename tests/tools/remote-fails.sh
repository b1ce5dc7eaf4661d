# shellcheck shell=bash
# What happens when the remote leg fails, for each of $MODES: sync, async.
. legs.sh

# a primary cannot be removed as long as what is below does not answer
trap 'dmsetup resume remote' EXIT
faulty local 4096
faulty remote 4096
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri

# again ARG...: legs that are equal and at rest, regions of 128 sectors
again()
{
	[ ! -e $P ] || dm_remove pri
	primary pri $L $R nosync region_size 128 "$@"
	fill $L 0 4096 1
	fill $R 0 4096 1
	msg pri start primary
	for _ in 1 2 3; do
		msg pri checkpoint >/dev/null
	done
	matches "status" "$(status pri)" '^primary running 4 32/32 online 0 - '
}

# degraded OP DIRTY: it failed that, and so many regions are dirty
degraded()
{
	wait_status pri ' degraded '
	matches "get_error" "$(msg pri get_error)" "^EIO remote $(name_of "$1") "
	expect_errno EIO msg pri checkpoint
	matches "status" "$(status pri)" "^primary running 4 $((32 - $2))/32 degraded 0 EIO "
}

# back: a reload takes it up again
back()
{
	fails remote
	dm_load pri "$(table pri)"
	wait_status pri ' running [0-9]+ 32/32 online 0 - '
	msg pri checkpoint >/dev/null
	same $L $R
	equal "get_error" "$(msg pri get_error)" ok
}

for mode in ${MODES:?}; do
	for what in write zeroes discard fua; do
		note "$mode: $what"
		again "$mode"
		if [ "$mode$what" = asyncfua ]; then
			# what is durable there is for a checkpoint to say
			fails remote fua flush
			op fua $P 1000 8 2
			fails remote
			msg pri checkpoint >/dev/null
			equal "FUA on the remote leg" "$(asked remote fua)" "$fua"
			same $L $R
			continue
		fi
		fails remote $what
		check op $what $P 1000 8 2
		degraded $what 1
		check op $what $P 1000 16 2
		check op $what $P 2000 8 2
		equal "dirty" "$(dirty pri)" 2
		back
		fua=$(asked remote fua)
	done

	note "$mode: several at once"
	again "$mode"
	fails remote write zeroes discard flush fua
	spawn op write $P 0 1024 2
	spawn op zeroes $P 1024 1024 2
	spawn op fua $P 2048 64 2
	spawn op flush $P
	reap_all
	wait_status pri ' degraded '
	expect_errno EIO msg pri checkpoint
	equal "dirty" "$(dirty pri)" 17
	back

	note "$mode: flush"
	again "$mode"
	fill $P 128 8 2
	msg pri checkpoint >/dev/null
	fill $P 512 8 2
	fails remote flush
	check op flush $P
	if [ "$mode" = sync ]; then
		wait_status pri ' degraded '
		matches "get_error" "$(msg pri get_error)" "^EIO remote flush "
		expect_errno EIO msg pri checkpoint
		matches "status" "$(status pri)" '^primary running 5 30/32 degraded 0 EIO '
		check op flush $P
		back
	else
		matches "status" "$(status pri)" '^primary running 5 32/32 online '
		fails remote
	fi

	note "$mode: flush in a checkpoint"
	again "$mode"
	fill $P 128 8 2
	fails remote flush
	expect_errno EIO msg pri checkpoint
	degraded flush 1
	back

	note "$mode: flush in a stop"
	again "$mode"
	fails remote flush
	expect_errno EIO msg pri stop
	degraded flush 0
	back

	note "$mode: write in a checkpoint"
	again "$mode"
	dmsetup suspend --noflush --nolockfs remote
	spawn op write $P 128 8 2
	one=$JOB
	until [ "$(status_field pri 6)" = 8 ] || [ "$mode" = sync ]; do
		sleep 0.1
	done
	[ "$mode" = async ] || sleep 0.5
	spawn expect_errno EIO msg pri checkpoint
	two=$JOB
	sleep 0.3
	still_running "$two"
	fails remote write
	dmsetup resume remote
	reap "$one"
	reap "$two"
	degraded write 1
	back

	note "$mode: flush in a start"
	again "$mode"
	msg pri stop
	matches "status" "$(status pri)" '^primary done 5 32/32 '
	fails remote flush
	expect_errno EIO msg pri start primary
	matches "status" "$(status pri)" '^primary done 5 32/32 '
	equal "get_error" "$(msg pri get_error)" not-running
	dm_remove pri
	primary pri $L $R nosync region_size 128 "$mode"
	expect_errno EIO msg pri start primary
	matches "status" "$(status pri)" '^primary none 0 32/32 '
	fails remote
	msg pri start primary
	matches "status" "$(status pri)" '^primary running 1 32/32 online '

	note "$mode: write in a resync"
	again "$mode"
	msg pri stop
	fill $P 0 4096 2
	fails remote write
	msg pri start primary
	wait_status pri ' degraded '
	matches "get_error" "$(msg pri get_error)" "^EIO remote write "
	expect_errno EIO msg pri checkpoint
	equal "dirty" "$(dirty pri)" 32
	back

	note "$mode: zeroes in a resync"
	msg pri stop
	op zeroes $P 0 4096
	fails remote write zeroes
	msg pri start primary
	wait_status pri ' degraded '
	equal "dirty" "$(dirty pri)" 32
	back
	is_zero $R 0 4096

	note "$mode: read in a verify"
	again "$mode"
	fails remote read
	msg pri verify
	wait_status pri ' ended:'
	degraded read 1
	back

	note "$mode: read in a repair"
	again "$mode"
	fails local read
	fails remote read
	expect_errno EIO op read $P 1000 8 1
	matches "get_error" "$(msg pri get_error)" "^EIO remote read "
	fails local
	fails remote
	check op read $P 1000 8 1

	note "$mode: nothing is asked of it before start, or when done"
	fails remote read write zeroes discard flush fua
	msg pri stop failover
	for what in write zeroes discard fua flush read; do
		[ $what != read ] || check op write $P 1000 8 2
		check op $what $P 1000 8 2
	done
	matches "status" "$(status pri)" '^primary done [0-9]+ [0-9]+/32 '
	fails remote
	msg pri start primary
	wait_status pri ' 32/32 online 0 - '
	same $L $R
done
