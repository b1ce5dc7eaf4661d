# A remote leg that fails under load: the workload sees no error, get_error
# says it, the legs differ in dirty regions only, and start copies these only.
# dmesg: I/O error

linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
primary pri $L $R nosync region_size 128
msg pri start primary

# regions_that_differ: how many of 64 KiB
regions_that_differ()
{
	pattern cat $L 0 32768 >/tmp/local
	pattern cat $R 0 32768 >/tmp/remote
	python3 -c '
a, b = open("/tmp/local", "rb").read(), open("/tmp/remote", "rb").read()
print(sum(a[i:i + 65536] != b[i:i + 65536] for i in range(0, len(a), 65536)))'
}

# outage all|writes: under load
outage()
{
	local clean
	# what was sent before is at rest: a failure no longer casts doubt on it
	for _ in 1 2 3; do
		msg pri checkpoint >/dev/null
	done
	spawn fio --minimal --name=load --filename=$P --direct=1 --thread --ioengine=libaio --iodepth=8 \
		--rw=randwrite --bsrange=4k-16k --size=4m --offset=4m --number_ios=400 --norandommap \
		--refill_buffers --rate_iops=200 --output=/dev/null
	load=$JOB
	sleep 0.3
	break_device remote "$1"
	wait_status pri ' degraded '
	matches "get_error" "$(msg pri get_error)" '^EIO remote write [0-9]+ .'
	still_running "$load"
	expect_errno EIO msg pri checkpoint
	reap "$load"
	matches "status" "$(status pri)" ' degraded 0 EIO '
	clean=$(status_field pri 4)
	DIRTY=$((256 - ${clean%/*}))
	[ "$DIRTY" -gt 0 ] || fail "no region is dirty"
	[ "$DIRTY" -le 64 ] || fail "$DIRTY regions are dirty, written were 64 at most"
	mend_device remote /dev/ram1
	differ=$(regions_that_differ)
	[ "$differ" -le "$DIRTY" ] || fail "$differ regions differ, $DIRTY are dirty"
	note "$DIRTY regions are dirty, $differ differ"
	# degraded is degraded: nothing brings it back but an order
	fill $P 0 8 1
	holds $L 0 8 1
	is_zero $R 0 8
	clean=$(status_field pri 4)
	DIRTY=$((256 - ${clean%/*}))
}

# resynced: only what was dirty, and all of it
resynced()
{
	local copied
	wait_status pri ' running [0-9]+ 256/256 online 0 -'
	same $L $R
	copied=$(($(written remote) - before))
	[ $copied -eq $((DIRTY * 128)) ] || fail "$copied sectors copied, $((DIRTY * 128)) were dirty"
	equal "get_error" "$(msg pri get_error)" ok
	check msg pri checkpoint
	fill $P 0 16 2
	holds $R 0 16 2
	blkdiscard -f -z -o 0 -l 8192 $P
}

note "stop and start"
outage writes
before=$(written remote)
msg pri stop
equal "stage" "$(status_field pri 2)" "done"
msg pri start primary
resynced

note "the same with a table reload"
outage all
before=$(written remote)
dm_load pri "$(table pri)"
resynced
