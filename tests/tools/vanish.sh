# shellcheck shell=bash
# What the scenarios about a device below that goes away share: $HOW says whether its
# mapping is removed by force ("mapping"), or its driver takes it away ("driver").
. legs.sh

CONFIG=/sys/kernel/config
modprobe null_blk nr_devices=0
mountpoint -q $CONFIG || mount -t configfs configfs $CONFIG
trap 'rmdir $CONFIG/nullb/* 2>/dev/null || true' EXIT

# device NAME MIB: what is to vanish. Its path is in $DEV.
device()
{
	local dir=$CONFIG/nullb/$1
	if [ "$HOW" = mapping ]; then
		linear "$1" /dev/ram0 0 $(($2 * 2048))
		blkdiscard -z -f "/dev/mapper/$1"
		DEV=/dev/mapper/$1
		return
	fi
	mkdir "$dir"
	echo 512 >"$dir/blocksize"
	echo 1 >"$dir/memory_backed"
	echo "$2" >"$dir/size"
	echo 1 >"$dir/power"
	DEV=/dev/$1
	[ -b "$DEV" ] || DEV=/dev/nullb$(cat "$dir/index")
}

vanish()
{
	if [ "$HOW" = mapping ]; then
		# it is in use, and its mapping goes all the same
		check_not dmsetup remove --force "$1" 2>/dev/null
	else
		echo 0 >"$CONFIG/nullb/$1/power"
	fi
}

gone()
{
	if [ "$HOW" = mapping ]; then
		dm_remove "$1"
	else
		rmdir "$CONFIG/nullb/$1"
	fi
}

# make_primary LOCAL REMOTE [ARG...]: it runs, legs are equal, 32 regions
make_primary()
{
	fill "$1" 0 4096 1
	fill "$2" 0 4096 1
	dm_create pri "0 4096 replication primary $1 $2 $(($# + 1)) nosync region_size 128 ${*:3}"
	msg pri start primary
	fill /dev/mapper/pri 0 8 2
	msg pri checkpoint >/dev/null
}

# make_secondary DISK BUFFER: it runs; sectors 0 to 7 are in the inbound layer,
# and 8 to 15 in the active one
make_secondary()
{
	fill "$1" 0 2048 1
	dm_create sec "0 2048 replication secondary $1 $2"
	inbound in sec
	msg sec start secondary
	fill /dev/mapper/in 0 8 2
	fill /dev/mapper/sec 8 8 3
}
