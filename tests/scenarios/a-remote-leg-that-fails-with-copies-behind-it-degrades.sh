# A remote leg that fails while async writes are on their way to it: the
# workload sees nothing, what it may lack is dirty, and a resync makes the legs
# equal. Also when the device is removed and the dirty log is all that is left.
# dmesg: I/O error
. legs.sh

# a primary cannot be removed as long as what is below does not answer
trap 'dmsetup resume remote' EXIT
linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
linear log /dev/ram2 0 64
L=/dev/mapper/local R=/dev/mapper/remote G=/dev/mapper/log P=/dev/mapper/pri

# differing: regions that do, a number a line
differing()
{
	pattern cat $L 0 32768 >/tmp/local
	pattern cat $R 0 32768 >/tmp/remote
	python3 -c '
a, b = open("/tmp/local", "rb").read(), open("/tmp/remote", "rb").read()
for i in range(0, len(a), 65536):
    if a[i:i + 65536] != b[i:i + 65536]:
        print(i // 65536)'
}

# marked: all regions that have a mark in the log, likewise
marked()
{
	pattern cat $G 16 8 | python3 -c '
import sys
block = sys.stdin.buffer.read()
for i in range(256):
    if block[32 + i // 8] >> i % 8 & 1:
        print(i)'
}

primary pri $L $R nosync region_size 128 async max_behind 4096 dirty_log $G
msg pri start primary
wait_status pri ' 256/256 online 0 - '

for round in 1 2 3; do
	note "round $round"
	fill $P 0 32768 $round
	for _ in 1 2 3; do
		msg pri checkpoint >/dev/null
	done
	slow remote 100
	spawn fio --minimal --name=load --filename=$P --direct=1 --thread --ioengine=libaio --iodepth=8 \
		--rw=randwrite --bs=8k --size=8m --rate_iops=300 --norandommap --refill_buffers \
		--time_based --runtime=$((60 * SLOWNESS)) --output=/dev/null
	load=$JOB
	busy pri
	until [ "$(status_field pri 6)" -gt 500 ]; do
		:
	done
	# what is on its way meets it
	dmsetup suspend --noflush --nolockfs remote
	sleep 0.3
	[ "$(status_field pri 6)" -gt 0 ] || fail "nothing is behind"
	dmsetup load remote <<<"0 32768 error"
	dmsetup resume remote
	wait_status pri ' degraded '
	matches "get_error" "$(msg pri get_error)" '^EIO remote write [0-9]+ '
	still_running "$load"
	end "$load"
	expect_errno EIO msg pri checkpoint
	matches "status" "$(status pri)" ' degraded 0 EIO '
	mend_device remote /dev/ram1
	differing >/tmp/differing
	marked >/tmp/marked
	n=$(wc -l </tmp/differing)
	[ "$n" -gt 0 ] || fail "the legs do not differ"
	[ "$n" -le "$(dirty pri)" ] || fail "$n regions differ, $(dirty pri) are dirty"
	without=$(grep -vxFf /tmp/marked /tmp/differing) || true
	equal "regions that differ without a mark" "$without" ''
	note "$n regions differ, $(dirty pri) are dirty, $(wc -l </tmp/marked) have a mark"
	case $round in
	1) dm_load pri "$(table pri)" ;;
	2)
		msg pri stop
		msg pri start primary
		;;
	3)
		was=$(dirty pri)
		dm_remove pri
		primary pri $L $R region_size 128 async dirty_log $G
		equal "dirty" "$(dirty pri)" "$was"
		msg pri start primary
		;;
	esac
	wait_status pri ' 256/256 online 0 - '
	msg pri checkpoint >/dev/null
	same $L $R
done
