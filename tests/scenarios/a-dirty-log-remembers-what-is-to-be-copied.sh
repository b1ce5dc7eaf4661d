# What the remote leg lacks, or could lose, survives a removal or a crash with a
# dirty log, and no more than that is copied. So does the number of the epoch.
# dmesg: I/O error
. legs.sh

linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
linear log /dev/ram2 0 64
L=/dev/mapper/local R=/dev/mapper/remote G=/dev/mapper/log P=/dev/mapper/pri

# logged [ARG...]: 256 regions
logged()
{
	primary pri $L $R region_size 128 dirty_log $G "$@"
}

# crash FILE: what the log had when it was saved is what it has
crash()
{
	dm_remove pri
	dd if="$1" of=$G bs=4096 oflag=direct conv=notrunc status=none
	logged "${@:2}"
}

# copies N: start copies so many regions, and then the legs are equal
copies()
{
	local before
	equal "dirty" "$(dirty pri)" "$1"
	before=$(written remote)
	msg pri start primary
	wait_status pri ' running [0-9]+ 256/256 online 0 - '
	equal "sectors copied" $(($(written remote) - before)) $(($1 * 128))
	same $L $R
}

# marks: how many the log has
marks()
{
	pattern cat $G 16 8 | python3 -c '
import sys
block = sys.stdin.buffer.read()
print(sum(bin(x).count("1") for i in range(0, 4096, 512) for x in block[i + 32:i + 512]))'
}

# rest: nothing that was sent is in doubt any more, and the log says so
rest()
{
	for _ in 1 2 3; do
		msg pri checkpoint >/dev/null
	done
	until [ "$(marks)" = 0 ]; do
		sleep 0.1
	done
}

for mode in sync async; do
	note "$mode: a new log knows nothing"
	blkdiscard -f -z -l 4096 $G
	fill $L 0 32768 1
	logged $mode
	matches "status" "$(status pri)" '^primary none 0 0/256 degraded 0 - - -$'
	dm_remove pri
	logged $mode
	copies 256
	rest
	matches "status" "$(status pri)" '^primary running 4 256/256 online 0 - '
	dm_remove pri

	note "$mode: all is in sync"
	logged $mode
	matches "status" "$(status pri)" '^primary none 4 256/256 degraded 0 - - -$'
	copies 0
	rest

	note "$mode: a remote leg that failed"
	break_device remote writes
	for region in 0 100 255; do
		fill $P $((region * 128 + 60)) 8 2
	done
	wait_status pri ' degraded '
	expect_errno EIO msg pri checkpoint
	equal "dirty" "$(dirty pri)" 3
	dm_remove pri
	logged $mode
	matches "status" "$(status pri)" '^primary none 8 253/256 degraded 0 - - -$'
	note "$mode: and writes before start; nosync is for a new log"
	fill $P $((7 * 128)) 1 3
	dm_remove pri
	logged nosync $mode
	matches "status" "$(status pri)" '^primary none 8 252/256 degraded 0 - - -$'
	mend_device remote /dev/ram1
	copies 4
	rest

	note "$mode: a crash of both hosts"
	for region in 10 11 200; do
		fill $P $((region * 128)) 128 4
	done
	pattern cat $G 0 64 >/tmp/log
	crash /tmp/log $mode
	# the other one may have lost what it did not make durable
	fill $R $((10 * 128)) 256 1
	matches "status" "$(status pri)" '^primary none 12 253/256 '
	copies 3
	equal "local" "$(tags $L $((9 * 128)) 512)" '1x128 4x256 1x128'

	note "$mode: after one checkpoint"
	rest
	fill $P 0 8 5
	msg pri checkpoint >/dev/null
	fill $P 128 8 5
	pattern cat $G 0 64 >/tmp/log
	crash /tmp/log $mode
	matches "status" "$(status pri)" '^primary none 17 254/256 '
	note "$mode: after two, and a removal"
	copies 2
	rest
	dm_remove pri
	logged $mode
	copies 0

	note "$mode: a crash while done"
	rest
	msg pri stop
	fill $P 512 8 6
	pattern cat $G 0 64 >/tmp/log
	dm_remove pri
	dd if=/tmp/log of=$G bs=4096 oflag=direct conv=notrunc status=none
	logged $mode
	copies 1

	note "$mode: a crash after a verify has found what others wrote"
	rest
	fill $R 650 1 9
	msg pri verify
	wait_status pri ' ended:256/256:1$'
	wait_status pri ' 256/256 online '
	pattern cat $G 0 64 >/tmp/log
	crash /tmp/log $mode
	fill $R 650 1 9
	copies 1

	note "$mode: a crash in a resync"
	rest
	msg pri stop failover
	fill $P 0 12800 7
	slow remote $((60 * SLOWNESS))
	msg pri start primary
	wait_status pri ' resync '
	until left=$(dirty pri) && [ "$left" -lt 90 ]; do
		sleep 0.05
	done
	pattern cat $G 0 64 >/tmp/log
	left=$(dirty pri)
	[ "$left" -gt 0 ] || fail "the resync ended too early"
	crash /tmp/log $mode
	slow remote 0
	[ "$(dirty pri)" -ge "$left" ] || fail "$(dirty pri) are dirty, $left were left"
	msg pri start primary
	wait_status pri ' 256/256 online 0 - '
	same $L $R
	dm_remove pri
	mend_device remote /dev/ram1
done
