# title: First touch: the secondary and dm's copy-on-write targets
# Every block once: what has no place of its own yet gets one.
. /t/scenarios/lib/bench.sh

# the buffer also holds the checkpoint before and summaries
DISK=/dev/ram0 BUFFER=/dev/ram1 MIB=32
written_once /dev/ram0 /dev/ram1 /dev/ram2 /dev/ram3
baseline /dev/ram3
once linear /dev/mapper/lin $MIB once-qd1 once-qd16 read-once-qd16
random linear /dev/mapper/lin read-qd1 write-qd1

for view in in sec; do
	name=secondary-inbound
	[ $view = in ] || name=secondary-active
	for job in once-qd1 once-qd16; do
		blkdiscard -z $BUFFER
		written_once $BUFFER
		secondary sec $DISK $BUFFER
		inbound in sec
		msg sec start secondary
		once $name /dev/mapper/$view $MIB $job
		if [ $job = once-qd16 ]; then
			# the blocks have their place now
			once $name-again /dev/mapper/$view $MIB once-qd16
			once $name /dev/mapper/$view $MIB read-once-qd16
		fi
		dm_remove in sec
	done
done

for job in once-qd1 once-qd16; do
	dm_create origin "0 $RAM_SECTORS snapshot-origin $DISK"
	written_once $BUFFER
	dm_create snap "0 $RAM_SECTORS snapshot $DISK $BUFFER P 8"
	dm_load origin "0 $RAM_SECTORS snapshot-origin $DISK"
	once snapshot-origin /dev/mapper/origin $MIB $job
	dm_remove snap origin

	written_once $BUFFER
	dm_create snap "0 $RAM_SECTORS snapshot $DISK $BUFFER P 8"
	once snapshot /dev/mapper/snap $MIB $job
	dm_remove snap

	written_once /dev/ram2 $BUFFER
	dm_create pool "0 $RAM_SECTORS thin-pool /dev/ram2 $BUFFER 128 0 1 skip_block_zeroing"
	msg pool "create_thin 0"
	dm_create thin "0 $((MIB * 2048)) thin /dev/mapper/pool 0"
	written_once /dev/mapper/thin
	dmsetup suspend thin
	msg pool "create_snap 1 0"
	dmsetup resume thin
	once thin-after-snapshot /dev/mapper/thin $MIB $job
	dm_remove thin pool

	written_once /dev/ram2
	dm_create cache "0 $RAM_SECTORS writecache s $DISK /dev/ram2 4096 0"
	once writecache /dev/mapper/cache $MIB $job
	dm_remove cache
done
