# shellcheck shell=bash
# What the scenarios about damaged dirty logs share. Images are the NAME.log of
# mutate's log.c.

# prepare_legs SECTORS REGION_SIZE LOG_SECTORS: the local leg is full of
# something, and stays as it is: all that is written is what is there
prepare_legs()
{
	LEG_SECTORS=$1 REGION_SIZE=$2 LOG_SECTORS=$3
	linear local /dev/ram0 0 "$LEG_SECTORS"
	linear remote /dev/ram1 0 "$LEG_SECTORS"
	linear log /dev/ram2 0 "$LOG_SECTORS"
	fill /dev/mapper/local 0 "$LEG_SECTORS" 1
}

# logged [nosync]: the primary "p", with a log that is there, or a new one
logged()
{
	dmsetup create p --uuid mutants --table "0 $LEG_SECTORS replication primary \
		/dev/mapper/local /dev/mapper/remote $(($# + 4)) \
		region_size $REGION_SIZE dirty_log /dev/mapper/log $*"
}

new_log()
{
	blkdiscard -f -z -l 4096 /dev/mapper/log 2>/dev/null
	logged "$@"
}

# same_again COUNT: writes that change nothing, near each other and far away
same_again()
{
	local i first
	for ((i = 0; i < $1; i++)); do
		random_below $((LEG_SECTORS / (i % 3 ? 64 : 1) - 64))
		first=$CHOICE
		fill /dev/mapper/p "$first" $((1 + RANDOM % 40)) 1
	done
}

# save NAME: the log as it is when the primary goes
save()
{
	dm_remove p
	pattern cat /dev/mapper/log 0 "$LOG_SECTORS" >"$1.log"
}

# Logs of several primaries, some of them of the same one at another time
make_logs()
{
	note "all: nothing is in sync"
	new_log
	save all

	note "clean: all is in sync; then written; then after checkpoints"
	new_log nosync
	save clean
	logged
	same_again 12
	save written
	logged
	msg p start primary
	same_again 3
	msg p checkpoint >/dev/null
	same_again 4
	msg p checkpoint >/dev/null
	same_again 2
	save checkpoints

	note "last: the ends of the leg, with a remote leg that failed"
	new_log nosync
	msg p start primary
	msg p checkpoint >/dev/null
	break_device remote writes
	fill /dev/mapper/p 0 1 1
	fill /dev/mapper/p $((LEG_SECTORS - 1)) 1 1
	same_again 2
	save last
}

# log_mutants SEED COUNT
log_mutants()
{
	local count=$(($2 * SOAK / SLOWNESS))
	make_logs
	# one that nothing was written to
	linear blank /dev/ram3 0 "$LEG_SECTORS"
	# As long as there is one, what all of them share in the kernel stays.
	linear disk2 /dev/ram4 0 2048
	linear remote2 /dev/ram5 0 2048
	primary other /dev/mapper/disk2 /dev/mapper/remote2 nosync
	check mutate -s "$1" -n $count -u mutants -r "$REGION_SIZE" \
		/dev/mapper/local /dev/mapper/blank /dev/mapper/log \
		all clean written checkpoints last written checkpoints
}
