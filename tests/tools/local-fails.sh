# shellcheck shell=bash
# What happens when the local leg fails, for each of $MODES: sync, async.
. legs.sh

faulty local 4096
faulty remote 4096
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri

# again ARG...: legs that are equal, regions of 128 sectors
again()
{
	[ ! -e $P ] || dm_remove pri
	primary pri $L $R nosync region_size 128 "$@"
	fill $L 0 4096 1
	fill $R 0 4096 1
}

# error_of OP: it is as get_error has it
error_of()
{
	matches "get_error" "$(msg pri get_error)" "^EIO local $(name_of "$1") "
}

for mode in ${MODES:?}; do
	for what in write zeroes discard fua; do
		note "$mode: $what"
		all=$what
		# on 6.1 the kernel writes zeroes instead when these fail
		[ $what != zeroes ] || all="zeroes write"
		again "$mode"
		# shellcheck disable=SC2086 # words
		fails local $all
		expect_errno EIO op $what $P 1000 8 2
		fails local
		holds $L 0 4096 1
		equal "dirty before start" "$(dirty pri)" 1
		equal "get_error" "$(msg pri get_error)" not-running

		again "$mode"
		msg pri start primary
		for _ in 1 2 3; do
			msg pri checkpoint >/dev/null
		done
		before=$(asked remote write)
		# shellcheck disable=SC2086 # words
		fails local $all
		expect_errno EIO op $what $P 1000 8 2
		error_of $what
		wait_status pri '^primary running 4 32/32 online 0 EIO '
		fails local
		holds $L 0 4096 1
		msg pri checkpoint >/dev/null
		same $L $R
		# what went to the remote leg at once, and a region; twice where it is tried twice
		copied=$(($(asked remote write) - before))
		[ $copied -ge 128 ] || fail "$copied sectors were copied"
		[ $copied -le 272 ] || fail "$copied sectors were copied"

		fails remote write
		fill $P 2000 8 3
		wait_status pri ' degraded '
		expect_errno EIO msg pri checkpoint
		fails remote
		n=$(dirty pri)
		# shellcheck disable=SC2086 # words
		fails local $all
		expect_errno EIO op $what $P 3000 8 2
		fails local
		equal "dirty when degraded" "$(dirty pri)" $((n + 1))
		msg pri stop
		n=$(dirty pri)
		# shellcheck disable=SC2086 # words
		fails local $all
		expect_errno EIO op $what $P 3500 8 2
		fails local
		equal "dirty when done" "$(dirty pri)" $((n + 1))
		msg pri start primary
		wait_status pri ' running [0-9]+ 32/32 online 0 - '
		same $L $R
		holds $L 3000 1000 1
	done

	note "$mode: write, and the remote leg answers later"
	again "$mode"
	msg pri start primary
	dmsetup message remote 0 hold write
	fails local write
	spawn expect_errno EIO op write $P 1000 8 2
	until [ "$(status_field remote 7)" = 1 ]; do
		sleep 0.1
	done
	matches "get_error" "$(msg pri get_error)" '^EIO local write '
	dmsetup message remote 0 hold
	fails local
	reap "$JOB"
	wait_status pri ' 32/32 online 0 EIO '
	same $L $R

	note "$mode: flush"
	again "$mode"
	fails local flush
	expect_errno EIO op flush $P
	fails local
	msg pri start primary
	for _ in 1 2 3; do
		msg pri checkpoint >/dev/null
	done
	equal "dirty" "$(dirty pri)" 0
	fill $P 128 8 2
	fill $P 512 8 2
	msg pri checkpoint >/dev/null
	fill $P 1024 8 2
	before=$(asked remote write)
	fails local flush
	expect_errno EIO op flush $P
	error_of flush
	fails local
	wait_status pri '^primary running 5 32/32 online 0 EIO '
	until copied=$(($(asked remote write) - before)) && [ $copied -ge $((3 * 128)) ]; do
		sleep 0.1
	done
	equal "sectors copied" "$copied" $((3 * 128))
	wait_status pri '^primary running 5 32/32 online 0 EIO '
	same $L $R

	note "$mode: flush in a checkpoint"
	fill $P 2048 8 2
	fails local flush
	expect_errno EIO msg pri checkpoint
	fails local
	wait_status pri '^primary running 5 32/32 online 0 EIO '
	equal "epoch" "$(msg pri checkpoint)" 6
	same $L $R

	note "$mode: flush in a stop"
	fails local flush
	expect_errno EIO msg pri stop
	fails local
	# it goes on as if nobody had asked; what it sends may be lost on the other side
	wait_status pri '^primary running 6 32/32 online 0 EIO '
	fill $P 3072 8 3
	until [ "$(status_field pri 6)" = 0 ]; do
		sleep 0.1
	done
	same $L $R
	msg pri stop
	matches "status" "$(status pri)" '^primary done '
	fails local flush
	expect_errno EIO op flush $P
	fails local
	# writes wait for a remote leg that is gone, which this one is not
	again "$mode" on_remote_error stall
	msg pri start primary
	fails local flush
	expect_errno EIO msg pri stop
	fails local
	fill $P 3072 8 4
	wait_status pri '^primary running 1 32/32 online 0 EIO '
	msg pri checkpoint >/dev/null
	same $L $R

	note "$mode: flush of a write with FUA"
	again "$mode"
	msg pri start primary
	for _ in 1 2 3; do
		msg pri checkpoint >/dev/null
	done
	fill $P 128 8 2
	msg pri checkpoint >/dev/null
	fill $P 1024 8 2
	before=$(asked remote write)
	fails local fua
	expect_errno EIO op fua $P 2048 8 3
	fails local
	until copied=$(($(asked remote write) - before)) && [ $copied -ge $((3 * 128)) ]; do
		sleep 0.1
	done
	wait_status pri ' 32/32 online 0 EIO '
	# its own region may have been copied twice, and what went there at once is there
	copied=$(($(asked remote write) - before))
	[ $copied -le $((4 * 128 + 16)) ] || fail "$copied sectors were copied"
	same $L $R

	note "$mode: read"
	again "$mode"
	fails local read
	expect_errno EIO op read $P 1000 8 1
	fails local
	msg pri start primary
	fill $P 1000 8 2
	msg pri checkpoint >/dev/null
	before=$(asked local write)
	fails local read
	check op read $P 1000 8 2
	error_of read
	equal "sectors written back" $(($(asked local write) - before)) 8
	equal "remote leg" "$(status_field pri 5)" online
	note "$mode: read, over several regions, with local writes that fail too"
	fails local read write
	check op read $P 300 500 1
	fails local
	same $L $R
	note "$mode: read of a region that is dirty"
	msg pri stop failover
	fails local read
	expect_errno EIO op read $P 1000 8 2
	fails local
	msg pri start primary
	wait_status pri ' 32/32 online 0 - '
	fails remote write
	fill $P 100 8 3
	wait_status pri ' degraded '
	fails local read
	expect_errno EIO op read $P 1000 8 2
	fails local
	fails remote
	dm_load pri "$(table pri)"
	wait_status pri ' 32/32 online 0 - '
	fill $P 100 8 4
	same $L $R
done

note "read of a region that is yet to be copied"
dm_remove pri
linear far /dev/ram1 0 4096
slow far 100
primary pri $L /dev/mapper/far region_size 128
fill $L 0 4096 5
msg pri start primary
fails local read
expect_errno EIO op read $P 4000 8 5
fails local
matches "status" "$(status pri)" ' (resync|degraded) '
# the resync may have met it too
wait_status pri ' (degraded|online) '
msg pri stop
slow far 0
msg pri start primary
wait_status pri ' 32/32 online 0 - '
same $L /dev/mapper/far 0 4096
