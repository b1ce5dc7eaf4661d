# shellcheck shell=bash
# What the benchmarks have at hand, on top of tests/guest/lib.sh. All times are
# of the guest's clock, which counts instructions: one is a nanosecond.

BENCH=/t/scenarios

# figure SYSTEM WORK VALUE UNIT: one line of the result
#   /s: more is better. us, bytes: less is better. -: neither
figure()
{
	echo "@figure $1 $2 $3 $4"
}

# written_once DEV...: a ramdisk gets its pages with the first write
written_once()
{
	local dev
	for dev; do
		dd if=/dev/zero of="$dev" bs=1M oflag=direct status=none \
			count=$(($(sectors "$dev") / 2048))
	done
}

# fio_rate JOBS SECTION: operations per second
fio_rate()
{
	fio --section="$2" --output-format=json "$BENCH/fio/$1.fio" |
		python3 "$BENCH/lib/fio-rate.py"
}

# random SYSTEM DEV JOB...: jobs of fio/random.fio
random()
{
	local job
	for job in "${@:3}"; do
		figure "$1" "$job" "$(DEV=$2 RUNTIME=1 fio_rate random "$job")" /s
	done
}

# once SYSTEM DEV MIB JOB...: jobs of fio/once.fio
once()
{
	local job
	for job in "${@:4}"; do
		figure "$1" "$job" "$(DEV=$2 SIZE=${3}m fio_rate once "$job")" /s
	done
}

# baseline DEV: "lin" above it, what others are compared with. What is done only
# once after a boot is behind us then, and not in a figure.
baseline()
{
	linear lin "$1"
	DEV=/dev/mapper/lin RUNTIME=1 fio_rate random write-qd1 >/dev/null
}

# start_primary LOCAL REMOTE [OPTION...]: "pri", as long as REMOTE
start_primary()
{
	dm_create pri "0 $(sectors "$2") replication primary $1 $2 $(($# - 1)) nosync ${*:3}"
	msg pri start primary
}

# checkpoint_us HOW...: how long one takes, see checkpoints.py
checkpoint_us()
{
	python3 "$BENCH/lib/checkpoints.py" once "$@" | cut -d ' ' -f 2
}
