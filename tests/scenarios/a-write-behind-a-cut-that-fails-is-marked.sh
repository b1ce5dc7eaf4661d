# A write that comes while a checkpoint waits for the remote leg's flush is for
# the next epoch: the remote leg does not get it yet. When the flush fails that
# leg is given up, and what waited behind the cut is marked and copied later. It
# is acknowledged, or waits for the remote leg with on_remote_error stall.
# dmesg: I/O error
. legs.sh

L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri

for stall in '' 'on_remote_error stall'; do
	note "${stall:-acknowledged}"
	faulty local 2048
	faulty remote 2048
	# shellcheck disable=SC2086
	primary pri $L $R nosync region_size 128 $stall
	msg pri start primary
	fill $P 0 64 1
	msg pri checkpoint >/dev/null
	msg pri checkpoint >/dev/null
	dmsetup message remote 0 hold flush
	spawn dmsetup message pri 0 checkpoint
	checkpoint=$JOB
	wait_held remote 1
	spawn fill $P 256 8 2
	writer=$JOB
	until [ "$(tags $L 256 8)" = 2x8 ]; do
		sleep 0.1
	done
	equal "remote leg" "$(tags $R 256 8)" 0x8
	still_running "$writer"
	fails remote flush
	dmsetup message remote 0 hold
	reap_failed "$checkpoint" 2>/dev/null
	if [ -n "$stall" ]; then
		wait_status pri '^primary running 3 15/16 degraded 0 EIO '
		still_running "$writer"
		equal "remote leg" "$(tags $R 256 8)" 0x8
		fails remote
	else
		reap "$writer"
		matches "status" "$(status pri)" '^primary running 3 15/16 degraded 0 EIO '
		fails remote
		dm_load pri "$(table pri)"
	fi
	wait_status pri '^primary running 3 16/16 online 0 - '
	[ -z "$stall" ] || reap "$writer"
	same $L $R
	msg pri checkpoint >/dev/null
	dm_remove pri local remote
done
