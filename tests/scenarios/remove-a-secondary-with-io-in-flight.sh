# Removing a secondary and its inbound view with I/O in flight ends in bounded
# time in each stage, and the module can be unloaded.
# limit: 90
# dmesg: I/O error
# stock: removals of dm, processors

linear disk /dev/ram0 0 32768
linear buffer /dev/ram1 0 32768

load()
{
	exec fio --minimal --name=load --allow_file_create=0 --filename="/dev/mapper/$1" --direct=1 --thread --ioengine=libaio \
		--iodepth=8 --rw=randrw --bsrange=512-32k --size=4m \
		--time_based --runtime=$((60 * SLOWNESS)) --norandommap --continue_on_error=all \
		--output=/dev/null >/dev/null 2>&1
}

busy()
{
	until awk '{ exit !($1 + $5 > 20) }' "/sys/block/$(kernel_name "$1")/stat" ||
			! kill -0 "$JOB" 2>/dev/null; do
		sleep 0.05
	done
}

fresh()
{
	blkdiscard -f -z /dev/mapper/buffer
	secondary sec /dev/mapper/disk /dev/mapper/buffer
	inbound in sec
}

torn_away()
{
	local name rc jobs=()
	for name; do
		spawn load "$name"
		jobs+=("$JOB")
		busy "$name"
	done
	for name in in sec; do
		# the device is open: it fails in the end, but not by time
		rc=0
		within dmsetup remove --force $name >/dev/null 2>&1 || rc=$?
		[ $rc -ne 124 ] || fail "remove --force does not end"
	done
	for JOB in "${jobs[@]}"; do
		# a full buffer ends it early
		kill -INT "$JOB" 2>/dev/null || true
		wait "$JOB" || true
		unset "JOBS[$JOB]"
	done
	for name in in sec; do
		! dmsetup info $name >/dev/null 2>&1 || check within dmsetup remove $name
	done
	check rmmod dm_replication
	modprobe dm-replication
}

note "before start"
fresh
torn_away in
note "running"
fresh
msg sec start secondary
torn_away in sec
note "full"
fresh
msg sec start secondary
pattern write /dev/mapper/sec 0 32768 1 2>/dev/null || true
torn_away in sec
note "merging a checkpoint"
fresh
msg sec start secondary
fill /dev/mapper/in 0 16384 1
slow disk 2000
msg sec checkpoint >/dev/null
torn_away in sec
note "merging after a failover"
slow disk 0
fresh
msg sec start secondary
fill /dev/mapper/sec 0 16384 1
slow disk 2000
msg sec stop failover
matches "status" "$(status sec)" ' failover '
torn_away sec
note "done"
slow disk 0
fresh
msg sec start secondary
msg sec stop
torn_away in sec
