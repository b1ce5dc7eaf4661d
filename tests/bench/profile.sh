# title: Where the instructions go: by function
# packages: linux-perf
# Samples at each 50,000th instruction of the guest's clock: a function's share of
# the samples is its share of the instructions of a request.
. /t/scenarios/lib/bench.sh

# profile SYSTEM DEV JOB
profile()
{
	local rate symbol instructions
	# the sampling itself is left out: the rate is that without it
	rate=$(DEV=$2 RUNTIME=1 fio_rate random "$3")
	DEV=$2 RUNTIME=2 perf record --quiet --all-cpus -o /tmp/samples -e cpu-clock -F 20000 -- \
		fio --section="$3" --output=/dev/null "$BENCH/fio/random.fio"
	perf report -i /tmp/samples --stdio --sort symbol --percentage absolute 2>/dev/null |
		awk -v rate="$rate" '
		NR == FNR { if ($4 == "[dm_replication]") ours[$3]; next }
		$1 !~ /^[0-9.]+%$/ || $2 != "[k]" { next }
		{ where = $3 in ours ? "dm_replication:" : "kernel:" }
		count[where]++ < 40 {
			printf "%s%s %.0f\n", where, $3, $1 / 100 * 1e9 / rate
		}' /proc/kallsyms - >/tmp/functions
	while read -r symbol instructions; do
		figure "$1:$3" "$symbol" "$instructions" instructions
	done </tmp/functions
}

written_once /dev/ram0 /dev/ram1 /dev/ram2 /dev/ram3
baseline /dev/ram3
profile linear /dev/mapper/lin write-qd1
start_primary /dev/ram0 /dev/ram1
profile primary-sync /dev/mapper/pri write-qd1
profile primary-sync /dev/mapper/pri read-qd1
dm_remove pri
start_primary /dev/ram0 /dev/ram1 async
profile primary-async /dev/mapper/pri write-qd1
dm_remove pri
dm_create sec "0 131072 replication secondary /dev/ram1 /dev/ram2 0"
inbound in sec
msg sec start secondary
profile secondary-inbound /dev/mapper/in write-qd1
dm_remove in sec
