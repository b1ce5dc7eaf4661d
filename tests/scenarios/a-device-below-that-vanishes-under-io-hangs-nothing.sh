# A leg, disk or buffer that goes away while there is I/O: what is in flight ends, with
# an error where it needs the device, and goes on where it does not. The primary or
# secondary can be removed, and the device that is left holds what it must.
# dmesg: I/O error|access beyond end
. vanish.sh

P=/dev/mapper/pri I=/dev/mapper/in

# load DEV: begins to write to it, from now on; its job is in $LOAD
load()
{
	spawn fio --minimal --name=load --filename="$1" --direct=1 --thread --ioengine=libaio \
		--iodepth=16 --rw=randrw --bsrange=512-16k --randseed="$SEED" --time_based \
		--runtime=100 --norandommap --output=/dev/null
	LOAD=$JOB
	busy "${1##*/}" "$LOAD"
}

# stopped: it ends by itself, with an error
stopped()
{
	within tail --pid="$LOAD" -f /dev/null || fail "I/O hangs"
	reap_failed "$LOAD" 2>/dev/null
}

# unharmed NAME: it goes on until it is ended
unharmed()
{
	busy "$1" "$LOAD"
	end "$LOAD"
}

faulty one 4096
faulty disk 2048
faulty buffer 131072
for HOW in mapping driver; do
	for mode in sync async; do
		note "$HOW: the local leg of a primary, $mode"
		device it 2
		make_primary "$DEV" /dev/mapper/one $mode
		load $P
		vanish it
		stopped
		wait_status pri ' degraded 0 EIO '
		matches "get_error" "$(msg pri get_error)" '^EIO local (read|write) '
		check dm_remove pri
		gone it

		note "$HOW: the remote leg of a primary, $mode"
		device it 2
		make_primary /dev/mapper/one "$DEV" $mode
		load $P
		vanish it
		wait_status pri ' degraded 0 EIO '
		unharmed pri
		matches "get_error" "$(msg pri get_error)" '^EIO remote (write|flush) '
		expect_errno EIO msg pri checkpoint
		fill $P 0 4096 3
		check dm_remove pri
		holds /dev/mapper/one 0 4096 3
		gone it
	done

	note "$HOW: the disk, while there are checkpoints"
	device it 1
	make_secondary "$DEV" /dev/mapper/buffer
	fill $I 0 2048 4
	vanish it
	msg sec checkpoint >/dev/null
	# all of it is in the buffer
	load $I
	wait_status sec ' EIO '
	matches "get_error" "$(msg sec get_error)" '^EIO disk write '
	check msg sec checkpoint >/dev/null
	unharmed in
	check dm_remove in sec
	op zeroes /dev/mapper/buffer 0 8
	gone it

	note "$HOW: the buffer"
	device it 64
	make_secondary /dev/mapper/disk "$DEV"
	load $I
	vanish it
	stopped
	for what in checkpoint stop 'stop failover'; do
		# shellcheck disable=SC2086 # words
		expect_errno EIO msg sec $what
	done
	matches "status" "$(status sec)" '^secondary running 1 .* EIO '
	check dm_remove in sec
	gone it
	# nothing was merged: the disk is the last checkpoint
	op read /dev/mapper/disk 0 2048 1
done
