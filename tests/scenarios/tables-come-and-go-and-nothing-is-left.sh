# Create, load, I/O, suspend (with flush and without), reload, remove and
# unload, over and over: it ends each time, and takes no memory. 1000 times
# with --soak 25.
# limit: 120
# soak

loops=$((40 * SOAK / SLOWNESS))
M=/dev/mapper
linear local /dev/ram0 0 8192
linear remote /dev/ram1 0 8192
linear log /dev/ram2 0 64
linear disk /dev/ram3 0 8192
linear buffer /dev/ram4 0 16384
# the ramdisks have all of their pages before
for name in local remote log disk buffer; do
	fill "$M/$name" 0 "$(sectors "$M/$name")" 1
done

# memory_used: KiB that the kernel does not get back by itself
memory_used()
{
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^(MemTotal|VmallocUsed|Percpu):/ { n += $2 }
		/^(MemFree|Buffers|Cached|AnonPages|PageTables|SReclaimable):/ { n -= $2 }
		# what each processor keeps at hand is free, too
		$1 == "count:" { n -= $2 * 4 }
		END { print n }' /proc/meminfo /proc/zoneinfo
}

# reload NAME TABLE: once with a flush, once without
reload()
{
	dmsetup load "$1" --table "$2"
	dmsetup suspend "$1"
	dmsetup resume "$1"
	dmsetup suspend --noflush --nolockfs "$1"
	dmsetup load "$1" --table "$2"
	dmsetup resume "$1"
}

# a_primary OPTIONS...
a_primary()
{
	local first
	random_below 8000
	first=$CHOICE
	blkdiscard -f -z $M/log
	primary pri $M/local $M/remote region_size 128 "$@"
	fill $M/pri "$first" 100 "$loop"
	msg pri start primary
	[ $((loop % 2)) -eq 0 ] || msg pri checkpoint >/dev/null
	fill $M/pri "$first" 50 $((loop + 1))
	reload pri "$(table pri)"
	holds $M/pri "$first" 50 $((loop + 1))
	holds $M/pri $((first + 50)) 50 "$loop"
	dm_remove pri
	holds $M/local "$first" 50 $((loop + 1))
}

a_secondary()
{
	local first
	random_below 8000
	first=$CHOICE
	blkdiscard -f -z $M/buffer
	secondary sec $M/disk $M/buffer
	inbound in sec
	msg sec start secondary
	fill $M/in "$first" 100 "$loop"
	[ $((loop % 8)) -lt 4 ] || msg sec checkpoint >/dev/null
	fill $M/sec "$first" 50 $((loop + 1))
	reload in "$(table in)"
	reload sec "$(table sec)"
	holds $M/sec "$first" 50 $((loop + 1))
	holds $M/in "$first" 100 "$loop"
	dm_remove in
	[ $((loop % 16)) -lt 8 ] || msg sec stop failover
	dm_remove sec
}

before=''
for ((loop = 1; loop <= loops; loop++)); do
	case $((loop % 4)) in
	0) a_secondary ;;
	1) a_primary sync ;;
	2) a_primary async max_behind 1024 ;;
	3) a_primary dirty_log $M/log async ;;
	esac
	check rmmod dm_replication
	modprobe dm-replication
	# the first ones fill what is kept on purpose
	[ $loop -ne 12 ] || before=$(memory_used)
done
if [ -n "$before" ]; then
	grew=$(($(memory_used) - before))
	note "$loops times, $grew KiB more are used"
	[ $grew -lt 2048 ] || fail "memory is lost: $grew KiB in $((loops - 12)) loops"
else
	note "too few times to tell what they have taken: see --leaks"
fi
