# shellcheck shell=bash
# Boots guests and runs scenarios in them, one after the other. A guest that
# died, hangs or is no longer clean is replaced by a fresh one.
#
# The guest writes to a virtio port, which ends in a FIFO here: the scenarios'
# output, and between it lines of its own (see tests/guest/session):
#	@@harness up
#	@@harness begin NAME LIMIT
#	@@harness end NAME ok|FAIL [why]
#	@@harness gcov DATA		what was reached since it is up
#	@@harness dirty			it has done enough
#	@@harness done			all of it, and nothing came after

# Safety nets, not oracles: nothing that works gets near them.
BOOT_LIMIT=${BOOT_LIMIT:-180}
GRACE=${GRACE:-60}

GUEST_PID='' GUEST_FD='' LANE=1

# guest_command KERNEL PAYLOAD JOB: fills QEMU
guest_command()
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
	QEMU=(qemu-system-x86_64 -nodefaults -no-reboot -display none
		-machine "$machine" -accel "$accel" -smp "$smp" -m "${GUEST_MEMORY:-$mem}" -cpu "$cpu"
		-kernel "${KERNEL_DIR[$k]}/vmlinuz"
		-initrd "${KERNEL_DIR[$k]}/initramfs"
		-append "$append ${GUEST_APPEND-}"
		-drive "if=virtio,format=raw,file=$IMAGE_DIR/root.img,snapshot=on"
		-drive "if=virtio,format=raw,file=${KERNEL_DIR[$k]}/modules.img,snapshot=on"
		-drive "if=virtio,format=raw,file=$payload,readonly=on"
		-drive "if=virtio,format=raw,file=$job,readonly=on"
		-device virtio-serial-pci)
	[ -z "${ICOUNT-}" ] || QEMU+=(-icount "shift=0,sleep=off")
}

# guest_start KERNEL PAYLOAD JOB CONSOLE_LOG RUN_DIR
guest_start()
{
	local fifo=$5/harness
	guest_command "$1" "$2" "$3"
	rm -f "$fifo"
	mkfifo "$fifo"
	TMPDIR=$5 "${QEMU[@]}" -serial "file:$4" \
		-chardev file,id=harness,path=/dev/stdout \
		-device virtserialport,chardev=harness,name=harness \
		</dev/null >"$fifo" 2>"$5/qemu.log" &
	GUEST_PID=$!
	exec {GUEST_FD}<"$fifo"
}

guest_kill()
{
	if [ -n "$GUEST_PID" ]; then
		kill -KILL "$GUEST_PID" 2>/dev/null
		wait "$GUEST_PID" 2>/dev/null
		exec {GUEST_FD}<&-
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

# verdict KERNEL NAME ok|FAIL SECONDS LOG [why]
verdict()
{
	local tail=
	if [ "$3" = FAIL ]; then
		[ -z "${6-}" ] || echo "--- FAIL: $6" >>"$5"
		tail="  ${6:+$6  }"
		[ -n "${ECHO-}" ] || tail+="(log: $5)"
	fi
	# The line says that the result is there: it comes last.
	printf '%s %s %s\n' "$3" "$1" "$2" >>"$RESULTS"
	printf '%-4s %-4s %-40s %6.1fs%s\n' "$3" "$1" "$2" "$4" "$tail"
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
		[ -z "${ICOUNT-}" ] || echo "ICOUNT=1"
		[ -z "${LEAKS-}" ] || echo "LEAKS=1"
		[ -z "${COVERAGE-}" ] || echo "COVERAGE=1"
		[ -z "${JOB_ENV-}" ] || printf 'export %s\n' "${JOB_ENV[@]}"
	} >"$dir/env"
	[ -z "${COMMAND-}" ] || printf '%s\n' "$COMMAND" >"$dir/exec.sh"
	tar -c -f "$file" -C "$dir" .
	rm -rf "$dir"
}

# One boot: takes scenarios off REMAINING as they end.
run_boot()
{
	local k=$1 payload=$2 console=$3 run=$4 line rc name='' log='' begun deadline why
	local up='' ended='' rest word boot_limit limit grace
	boot_limit=$((BOOT_LIMIT * $(kernel_slowness "$k"))) limit=$boot_limit
	grace=$((GRACE * $(kernel_slowness "$k")))
	job "$k" "$run/job.tar" "${REMAINING[@]}"
	: >"$console"
	guest_start "$k" "$payload" "$run/job.tar" "$console" "$run"
	deadline=$((SECONDS + boot_limit))
	begun=$EPOCHREALTIME
	while :; do
		rc=0
		IFS= read -r -t "$((deadline > SECONDS ? deadline - SECONDS : 1))" \
			-u "$GUEST_FD" line || rc=$?
		line=${line%$'\r'}
		if [ $rc -gt 128 ] || [ $SECONDS -ge $deadline ]; then
			why="no end after $((SECONDS - deadline + limit)) s: the guest hangs"
			break
		elif [ $rc -ne 0 ]; then
			why=
			break
		fi
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
			;;
		begin)
			limit=$((rest + grace))
			# the guest's seconds are longer there
			[ -z "${ICOUNT-}" ] || limit=$((limit * 5))
			deadline=$((SECONDS + limit))
			begun=$EPOCHREALTIME
			log=$(scenario_log "$k" "$name")
			mkdir -p "${log%/*}"
			: >"$log"
			;;
		end)
			read -r word rest <<<"$rest"
			verdict "$k" "$name" "$word" "$(elapsed "$begun")" "$log" "$rest"
			EXEC_RESULT=$word
			REMAINING=("${REMAINING[@]:1}")
			name=
			deadline=$((SECONDS + boot_limit))
			if [ -n "${SOAK_END-}" ] &&
					{ grep -q '^FAIL ' "$RESULTS" || [ $SECONDS -ge "$SOAK_END" ]; }; then
				REMAINING=() ended=1
				break
			fi
			;;
		gcov)
			base64 -d <<<"$name" >"$run/gcov-$boot.tar.gz"
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

# run_scenarios KERNEL SCENARIO_DIR NAME...: what runs beside it on the same
# kernel has another LANE
run_scenarios()
{
	local k=$1 dir=$2 run boot=0 console before failures=0
	shift 2
	REMAINING=("$@")
	run=$RUN/$k/$LANE
	mkdir -p "$run" "$OUT/$k"
	payload "$k" "$run/payload.tar" "$dir"
	trap guest_kill EXIT
	trap 'exit 130' INT TERM
	while [ ${#REMAINING[@]} -gt 0 ]; do
		boot=$((boot + 1))
		console=$OUT/$k/console-$LANE-$boot.log
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
