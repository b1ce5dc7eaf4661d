# title: The pauses that checkpoints make
# limit: 3600
# A load of one write of 4 KiB after the other, and ten checkpoints a second.
# What it sees: its latencies, and the longest of them. QEMU is not here: its
# standby aborts when checkpoints come under such a load.
. /t/scenarios/lib/bench.sh

# load SYSTEM DEV HOW...: see checkpoints.py, whose own start is over by the time
# that fio begins to count
load()
{
	local count shortest median longest name value
	fio --name=load --filename="$2" --rw=randwrite --bs=4k --ioengine=io_uring --direct=1 \
		--runtime=2 --ramp_time=500ms --time_based --norandommap --lat_percentiles=1 --output-format=json \
		--output=/tmp/load.json &
	python3 "$BENCH/lib/checkpoints.py" each-100-ms $! "${@:3}" >/tmp/checkpoints
	wait $!
	python3 "$BENCH/lib/latencies.py" </tmp/load.json >/tmp/latencies
	while read -r name value unit; do
		figure "$1" "$name" "$value" "$unit"
	done </tmp/latencies
	read -r count shortest median longest </tmp/checkpoints
	[ "$count" -ge 10 ] || fail "only $count checkpoints"
	[ "$3" = nothing ] || figure "$1" checkpoint-median "$median" us-loaded
}

written_once /dev/ram0 /dev/ram1 /dev/ram2 /dev/ram3
baseline /dev/ram3
load linear /dev/mapper/lin nothing

S=131072
for mode in sync async; do
	dm_create sec "0 $S replication secondary /dev/ram1 /dev/ram2 0"
	inbound in sec
	msg sec start secondary
	dm_create pri "0 $S replication primary /dev/ram0 /dev/mapper/in 2 nosync $mode"
	msg pri start primary
	load primary-$mode-without /dev/mapper/pri nothing
	load primary-$mode /dev/mapper/pri dm pri checkpoint sec checkpoint
	dm_remove pri in sec
	blkdiscard -z /dev/ram2
	written_once /dev/ram2
done

dm_create origin "0 $S snapshot-origin /dev/ram1"
dm_create snap "0 $S snapshot /dev/ram1 /dev/ram2 P 8"
dm_load origin "0 $S snapshot-origin /dev/ram1"
load snapshot-origin-without /dev/mapper/origin nothing
load snapshot-origin /dev/mapper/origin snapshot origin snap "0 $S snapshot /dev/ram1 /dev/ram2 P 8" /dev/ram2
dm_remove snap origin
