# shellcheck shell=bash
# The clean state that each scenario starts from, and the way back to it.
export DM_DISABLE_UDEV=1

RAM_DISKS=8
RAM_KIB=131072

load_test_devices()
{
	modprobe brd rd_nr=$RAM_DISKS rd_size=$RAM_KIB
	modprobe dm-mod
}

prepare()
{
	load_test_devices || return
	if [ -n "$MODULE" ]; then
		modprobe dm-replication || return
	fi
	SEED=${JOB_SEED:-$((SRANDOM & 0x7fffffff))}
	# a scenario that makes many devices does without the long waits
	echo 0 >/sys/kernel/rcu_expedited
	# where there is swap it is memory that goes there, and not the programs
	# that go from memory
	echo 200 >/proc/sys/vm/swappiness
}

# All processes but PID 1 and this one (that is what -1 means on Linux).
kill_leftovers()
{
	kill -KILL -1 2>/dev/null
	wait
}

remove_mounts()
{
	local dir
	awk '$2 ~ "^/mnt/" { print $2 }' /proc/self/mounts | sort -r |
	while read -r dir; do
		umount "$dir" || umount -l "$dir"
	done
}

# Stacks come down from the top: each round takes what nobody holds.
# A device that cannot go gets an error table, so that its I/O ends.
remove_dm_devices()
{
	local name before left rounds=0
	while left=$(dmsetup ls 2>/dev/null | awk '/\(/ { print $1 }') && [ -n "$left" ]; do
		before=$left
		for name in $left; do
			dmsetup remove "$name" >/dev/null 2>&1
		done
		left=$(dmsetup ls 2>/dev/null | awk '/\(/ { print $1 }')
		[ "$left" = "$before" ] || continue
		rounds=$((rounds + 1))
		case $rounds in
		1|2)
			# dying processes may still have it open
			for name in $left; do
				dmsetup resume "$name" >/dev/null 2>&1
			done
			sleep 0.2
			;;
		3)
			for name in $left; do
				timeout 20 dmsetup remove --force "$name" >/dev/null 2>&1
			done
			;;
		*)
			echo "dm devices cannot be removed: ${left//$'\n'/ }"
			return 1
			;;
		esac
	done
}

unload()
{
	local module=$1 tries=0
	while [ -e "/sys/module/$module/initstate" ]; do
		rmmod "$module" && return 0
		# what has just ended may still hold it
		tries=$((tries + 1))
		if [ $tries -eq 10 ]; then
			echo "$module cannot be unloaded"
			return 1
		fi
		sleep 0.1
	done
}

# Fails, saying why, when the guest cannot be used for another scenario.
clean_up()
{
	local module dev
	remove_mounts
	for dev in /sys/block/nbd*/pid; do
		[ ! -e "$dev" ] || nbd-client -d "/dev/$(basename "${dev%/pid}")" >/dev/null
	done
	losetup -D
	remove_dm_devices || return
	# Test modules may use the module's interface: they go first.
	while read -r module; do
		unload "$module" || return
	done </t/test-modules
	unload dm_replication || return
	# Reloaded, ramdisks are empty again, and nobody can hold one secretly.
	unload brd || return
	for module in scsi_debug null_blk nbd loop dm_log_writes dm_flakey dm_delay; do
		unload "$module" || true
	done
}
