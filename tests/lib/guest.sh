# shellcheck shell=bash
# Boots guests and runs scenarios in them, one after the other. A guest that
# died, hangs or is no longer clean is replaced by a fresh one.
#
# The guest writes to a port, which ends in a FIFO here: the scenarios' output, and
# between it lines of its own (see tests/guest/session):
#	@@harness up
#	@@harness begin NAME LIMIT
#	@@harness end NAME ok|FAIL [why]
#	@@harness gcov DATA		what was reached since it is up
#	@@harness dirty			it has done enough
#	@@harness done			all of it, and nothing came after
# It reads from the port as well:
#	hung NAME LIMIT			that scenario has used up its time

# Safety nets, not oracles, in seconds of the guest's own time (see usage.sh): nothing
# that works gets near them.
BOOT_LIMIT=${BOOT_LIMIT:-180}
GRACE=${GRACE:-60}

GUEST_PID='' GUEST_FD='' GUEST_IN='' LANE=1 BOOTS=0

# um_command KERNEL PAYLOAD JOB: fills MACHINE for User-Mode Linux. Paths of its own are
# relative, for that of a socket must be short: its directory is the run's.
um_command()
{
	local k=$1 payload=$2 job=$3 mem=2048 append memory=/dev/shm fixed=()
	append='loglevel=4 log_buf_len=32M printk.devkmsg=on panic=-1 oops=panic'
	if [[ $k == *-debug ]]; then
		mem=3072
		# KASAN takes what SLUB's checks do to its first objects for a fault
		append+=' slab_debug=-'
		# a scan takes as long as many a scenario
		[ -n "${LEAKS-}" ] || append+=' kmemleak=off'
	fi
	# Its memory is a file, which programs run from.
	if ! [ -w $memory ] || grep -qE '^[^ ]+ /dev/shm [^ ]+ [^ ]*noexec' /proc/self/mounts ||
			[ "$(df --output=avail -m $memory | tail -n 1)" -lt $((mem * 2)) ]; then
		memory=.
	fi
	# At random addresses its own may collide with the host's; a container may refuse this.
	! setarch -R true 2>/dev/null || fixed=(setarch -R)
	# c: it takes no lock on the shared image, and writes to its own copy-on-write file
	# shellcheck disable=SC2054 # commas of the program's own
	MACHINE=(env TMPDIR="$memory" "${fixed[@]}" "${KERNEL_DIR[$k]}/vmlinuz"
		mem="${GUEST_MEMORY:-$mem}M" uml_dir=. umid=um
		"ubd0c=disk0,$IMAGE_DIR/root.img" "ubd1c=disk1,${KERNEL_DIR[$k]}/modules.img"
		"ubd2rc=$payload" "ubd3rc=$job" "initrd=${KERNEL_DIR[$k]}/initramfs"
		con=null con0=null,fd:2 stderr=1 ssl=null)
	read -ra append <<<"$append ${GUEST_APPEND-}"
	MACHINE+=("${append[@]}")
}

# qemu_command KERNEL PAYLOAD JOB: fills MACHINE for a machine that QEMU emulates
qemu_command()
{
	local k=$1 payload=$2 job=$3 append smp=2 mem=2048 machine=pc accel=tcg,thread=single
	# Bytes written one by one to a page that programs ran from: for each of
	# them the emulator looks for code that it has translated.
	local cpu=max,erms=off,fsrm=off
	append='console=ttyS0 loglevel=4 log_buf_len=32M printk.devkmsg=on'
	append+=' mitigations=off panic=-1 oops=panic'
	# a host that is busy may make its timer late
	append+=' no_timer_check'
	if is_compiled "$k"; then
		# the firmware of the other one has methods that take minutes there
		machine=q35
		append+=' printk.time=1'
	fi
	case $k in
	*-debug)
		# shadow memory, stacks of all that was allocated, what was freed
		mem=4096
		# Half as slow: two processors take turns here, and wait for each
		# other's. Theirs is the stock kernels' part, and KCSAN's.
		smp=1
		# without a stack each: KASAN has them
		append+=' slab_debug=FZP page_poison=1'
		# twice as slow, and a scan takes as long as many a scenario
		[ -n "${LEAKS-}" ] || append+=' kmemleak=off'
		;;
	*-kcsan)
		# One processor waits for what another one does to the same
		# memory: they have to run at the same time. Of a hundred reads
		# and writes one is watched.
		accel=tcg,thread=multi
		append+=' kcsan.skip_watch=100 kcsan.udelay_task=200'
		;;
	esac
	if [ -n "${ICOUNT-}" ]; then
		smp=${GUEST_CPUS:-1} mem=4096 accel=tcg cpu=max
		append+=' nokaslr'
	else
		# A program's code is at the same place each time: the emulator has
		# translated it then. Short ones take a quarter of the time.
		append+=' norandmaps'
	fi
	MACHINE=(qemu-system-x86_64 -nodefaults -no-reboot -display none
		-machine "$machine" -accel "$accel" -smp "$smp" -m "${GUEST_MEMORY:-$mem}" -cpu "$cpu"
		-kernel "${KERNEL_DIR[$k]}/vmlinuz"
		-initrd "${KERNEL_DIR[$k]}/initramfs"
		-append "$append ${GUEST_APPEND-}"
		-drive "if=virtio,format=raw,file=$IMAGE_DIR/root.img,snapshot=on"
		-drive "if=virtio,format=raw,file=${KERNEL_DIR[$k]}/modules.img,snapshot=on"
		-drive "if=virtio,format=raw,file=$payload,readonly=on"
		-drive "if=virtio,format=raw,file=$job,readonly=on"
		-device virtio-serial-pci)
	[ -z "${ICOUNT-}" ] || MACHINE+=(-icount "shift=0,sleep=off")
}

# guest_command KERNEL PAYLOAD JOB: fills MACHINE
guest_command()
{
	if is_um "$1"; then
		um_command "$@"
	else
		qemu_command "$@"
	fi
}

# guest_start KERNEL PAYLOAD JOB CONSOLE_LOG RUN_DIR
guest_start()
{
	local console=$4 run=$5
	guest_command "$1" "$2" "$3"
	if is_um "$1"; then
		# the console is its stderr, the harness's port its stdin and stdout
		MACHINE+=('ssl1=fd:0,fd:1')
		rm -f "$run"/disk?
	else
		MACHINE+=(-serial "file:$console" -chardev "pipe,id=harness,path=$run/harness"
			-device 'virtserialport,chardev=harness,name=harness')
		console=$run/qemu.log
	fi
	rm -f "$run"/harness.{in,out}
	mkfifo "$run"/harness.{in,out}
	# open for both, so that open() does not block
	exec {GUEST_IN}<>"$run/harness.in"
	: >"$run/qemu.log"
	# shellcheck disable=SC2016
	TMPDIR=$run setsid bash -c 'cd "$0" && exec "$@"' "$run" "${MACHINE[@]}" \
		<"$run/harness.in" >"$run/harness.out" 2>>"$console" &
	GUEST_PID=$!
	# once its writer is gone, there is nothing more to read
	exec {GUEST_FD}<"$run/harness.out"
	own_time_begin "$GUEST_PID"
}

guest_kill()
{
	if [ -n "$GUEST_PID" ]; then
		# User-Mode Linux is many processes
		pkill -KILL -s "$GUEST_PID"
		# it may not be a session of its own yet
		kill -KILL "$GUEST_PID" 2>/dev/null
		wait "$GUEST_PID" 2>/dev/null
		exec {GUEST_FD}<&- {GUEST_IN}<&-
	fi
	GUEST_PID=
}

# Why a guest went away, in its own words.
console_reason()
{
	local why
	why=$(tr -d '\r' <"$1" |
	      grep -aoE -m1 '(BUG|Oops|Kernel panic|general protection|Out of memory).*')
	echo "${why:-the guest went away}"
}

# verdict KERNEL NAME ok|FAIL SECONDS LOG [why]: CPU are the milliseconds that it took
verdict()
{
	local tail=
	cost "$1" "$2" "$4" "${CPU:-0}"
	if [ "$3" = FAIL ]; then
		[ -z "${6-}" ] || echo "--- FAIL: $6" >>"$5"
		tail="  ${6:+$6  }"
		[ -n "${ECHO-}" ] || tail+="(log: $5)"
	fi
	# The line says that the result is there: it comes last.
	printf '%s %s %s\n' "$3" "$1" "$2" >>"$RESULTS"
	printf '%-4s %-4s %-40s %6.1fs%s\n' "$3" "$1" "$2" "$4" "$tail"
	CPU=0
}

elapsed()
{
	awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'
}

# scenario_log KERNEL NAME
scenario_log()
{
	printf '%s/%s/%s.log\n' "$OUT" "$1" "$2"
}

# The guest's output goes into the scenario's log, and for --exec to stdout.
output()
{
	printf '%s\n' "$1" >>"$2"
	[ -z "${ECHO-}" ] || printf '%s\n' "$1" >&3
}

# job KERNEL FILE SCENARIO...: what this boot has to do
job()
{
	local k=$1 file=$2 dir
	shift 2
	dir=$(mktemp -d "$RUN/job.XXXXXX")
	printf '%s\n' "$@" >"$dir/scenarios"
	{
		echo "MODULE=${MODULE-}"
		echo "SEED=${SEED-}"
		echo "LIMIT=${LIMIT-}"
		echo "MODE=${MODE:-run}"
		echo "SLOWNESS=$(kernel_slowness "$k")"
		echo "SOAK=$SOAK"
		echo "SAMPLE=${SAMPLE:-1}"
		[ -z "${ICOUNT-}" ] || echo "ICOUNT=1"
		[ -z "${LEAKS-}" ] || echo "LEAKS=1"
		[ -z "${COVERAGE-}" ] || echo "COVERAGE=1"
		[ -z "${JOB_ENV-}" ] || printf 'export %s\n' "${JOB_ENV[@]}"
	} >"$dir/env"
	[ -z "${COMMAND-}" ] || printf '%s\n' "$COMMAND" >"$dir/exec.sh"
	tar -c -f "$file" -C "$dir" .
	rm -rf "$dir"
}

# allow SECONDS: from now on the guest may use so much time of its own
allow()
{
	own_time "$GUEST_PID"
	guest_cpu "$GUEST_PID"
	CPU_BEGUN=$CPU
	ALLOWED=$1
	OWN_LIMIT=$((OWN_TIME + $1 * 1000000))
}

# used_up: has it?
used_up()
{
	# this costs a look at each of its processes
	[ $SECONDS -ge "$NEXT_LOOK" ] || return 1
	NEXT_LOOK=$((SECONDS + 2))
	own_time "$GUEST_PID"
	[ "$OWN_TIME" -ge "$OWN_LIMIT" ]
}

# since_allowed: CPU becomes what the guest has used since then
since_allowed()
{
	guest_cpu "$GUEST_PID"
	CPU=$((CPU - CPU_BEGUN))
	# of a guest that has died nothing is known any more
	[ "$CPU" -ge 0 ] || CPU=0
}

# One boot: takes scenarios off REMAINING as they end.
run_boot()
{
	local k=$1 payload=$2 console=$3 run=$4 line part='' rc name='' log='' begun why
	local up='' ended='' told='' rest word boot_limit limit grace
	boot_limit=$((BOOT_LIMIT * $(kernel_slowness "$k")))
	grace=$((GRACE * $(kernel_slowness "$k")))
	job "$k" "$run/job.tar" "${REMAINING[@]}"
	: >"$console"
	begun=$EPOCHREALTIME
	guest_start "$k" "$payload" "$run/job.tar" "$console" "$run"
	NEXT_LOOK=0
	allow "$boot_limit"
	while :; do
		rc=0
		IFS= read -r -t 2 -u "$GUEST_FD" line || rc=$?
		if used_up; then
			if [ -n "$name" ] && [ -z "$told" ]; then
				# it says itself what hangs, if it can
				told=1
				echo "hung $name $ALLOWED" >&"$GUEST_IN"
				OWN_LIMIT=$((OWN_TIME + grace * 1000000))
			else
				why="no end after $ALLOWED s: the guest hangs"
				break
			fi
		fi
		if [ $rc -gt 128 ]; then
			# a part of a line may have come
			part+=$line
			continue
		elif [ $rc -ne 0 ]; then
			why=
			break
		fi
		line=$part${line%$'\r'} part=
		if [[ $line != *'@@harness '* ]]; then
			[ -z "$name" ] || output "$line" "$log"
			continue
		fi
		rest=${line%%@@harness *}
		[ -z "$rest" ] || [ -z "$name" ] || output "$rest" "$log"
		read -r word name rest <<<"${line##*@@harness }"
		case $word in
		up)
			up=1 name=
			since_allowed
			cost "$k" '(boot)' "$(elapsed "$begun")" "$CPU"
			;;
		begin)
			limit=$rest told=
			# the guest's seconds are longer there
			[ -z "${ICOUNT-}" ] || limit=$((limit * 5))
			allow "$limit"
			begun=$EPOCHREALTIME
			log=$(scenario_log "$k" "$name")
			mkdir -p "${log%/*}"
			: >"$log"
			;;
		end)
			read -r word rest <<<"$rest"
			since_allowed
			verdict "$k" "$name" "$word" "$(elapsed "$begun")" "$log" "$rest"
			EXEC_RESULT=$word
			REMAINING=("${REMAINING[@]:1}")
			name=
			allow "$boot_limit"
			if [ -n "${SOAK_END-}" ] &&
					{ grep -q '^FAIL ' "$RESULTS" || [ $SECONDS -ge "$SOAK_END" ]; }; then
				REMAINING=() ended=1
				break
			fi
			;;
		gcov)
			base64 -d <<<"$name" >"$run/gcov-$BOOTS.tar.gz"
			name=
			;;
		done)
			ended=1 name=
			;;
		dirty)
			ended=1
			# it powers itself off; nothing to wait for
			name=
			break
			;;
		esac
	done
	since_allowed
	guest_kill
	if [ -n "$name" ]; then
		# read what came before the end of it
		{
			echo "--- console"
			tail -n 120 "$console"
		} >>"$log"
		[ -z "${ECHO-}" ] || tail -n 60 "$console" >&2
		verdict "$k" "$name" FAIL "$(elapsed "$begun")" "$log" \
			"${why:-$(console_reason "$console")}"
		EXEC_RESULT=FAIL
		REMAINING=("${REMAINING[@]:1}")
	elif [ -z "$up" ]; then
		return 1
	elif [ -z "$ended" ]; then
		# between two of them, or after the last
		log=$(scenario_log "$k" after-the-last)
		cp "$console" "$log"
		verdict "$k" after-the-last FAIL 0 "$log" \
			"${why:-$(console_reason "$console")}"
		EXEC_RESULT=FAIL
	fi
}

# run_scenarios KERNEL SCENARIO_DIR NAME...: what runs beside it has another LANE
run_scenarios()
{
	local k=$1 dir=$2 run console before failures=0
	shift 2
	REMAINING=("$@")
	run=$RUN/$k/$LANE
	mkdir -p "$run" "$OUT/$k"
	payload "$k" "$run/payload.tar" "$dir"
	trap guest_kill EXIT
	trap 'exit 130' INT TERM
	while [ ${#REMAINING[@]} -gt 0 ]; do
		BOOTS=$((BOOTS + 1))
		console=$OUT/$k/console-$LANE-$BOOTS.log
		before=${#REMAINING[@]}
		run_boot "$k" "$run/payload.tar" "$console" "$run" || {
			say "kernel $k: the guest did not come up"
			cat "$run/qemu.log" >&2
			tail -n 40 "$console" >&2
		}
		if [ ${#REMAINING[@]} -eq "$before" ]; then
			# a boot without progress: once may be chance
			failures=$((failures + 1))
			[ $failures -ge 2 ] || continue
			for name in "${REMAINING[@]}"; do
				verdict "$k" "$name" FAIL 0 "$console" "the guest does not boot"
			done
			EXEC_RESULT=FAIL
			break
		fi
		failures=0
	done
	guest_kill
	trap - EXIT INT TERM
}
