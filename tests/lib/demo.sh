# shellcheck shell=bash
# The demo's two guests: "primary" and "standby", joined by a network of
# their own, each with a port on which it takes commands.

# On top of what the tests' guests have
DEMO_PACKAGES=(postgresql-15 qemu-utils)
# Safety net, not an oracle: no command takes that long, on any machine.
COMMAND_LIMIT=${COMMAND_LIMIT:-900}

declare -A DEMO_PID=() DEMO_IN=() DEMO_OUT=()

demo_console()
{
	printf '%s/console-%s.log\n' "$DEMO_OUT_DIR" "$1"
}

demo_job()
{
	local dir
	dir=$(mktemp -d "$RUN/job.XXXXXX")
	printf '%s=%s\n' MODULE 1 MODE demo NAME "$2" ADDRESS "$3" >"$dir/env"
	tar -c -f "$1" -C "$dir" .
	rm -rf "$dir"
}

# What is under test and the agent, as the guests' /t
demo_payload()
{
	tar -c -f "$2" -C "$(build_dir "$1").stage" . -C "$TESTS" guest demo.d
}

# demo_start KERNEL NAME ADDRESS MAC server=on|off DISK...
demo_start()
{
	local k=$1 name=$2 disk in out
	demo_job "$RUN/$name.tar" "$name" "$3"
	guest_command "$k" "$RUN/payload.tar" "$RUN/$name.tar"
	# Two guests, two CPUs. On several, QEMU 7.2 may let one run into the
	# breakpoint of a patch that another made to the kernel's code.
	MACHINE+=(-smp 1)
	for disk in "${@:6}"; do
		MACHINE+=(-drive "if=virtio,format=raw,file=$RUN/$disk,discard=unmap")
	done
	# Not even the loopback device: a socket in a directory of ours. Its path
	# is relative, for it must be short.
	# shellcheck disable=SC2054
	MACHINE+=(-netdev stream,id=net,"$5",addr.type=unix,addr.path=net
		-device virtio-net-pci,netdev=net,mac="$4"
		-serial "file:$(demo_console "$name")"
		-chardev "pipe,id=demo,path=$name"
		-device virtserialport,chardev=demo,name=demo)
	mkfifo "$RUN/$name.in" "$RUN/$name.out"
	# in both directions, so that nobody waits for the other end
	exec {in}<>"$RUN/$name.in" {out}<>"$RUN/$name.out"
	DEMO_IN[$name]=$in DEMO_OUT[$name]=$out
	# shellcheck disable=SC2016
	TMPDIR=$RUN bash -c 'cd "$0" && exec "$@"' "$RUN" "${MACHINE[@]}" \
		</dev/null >"$DEMO_OUT_DIR/qemu-$name.log" 2>&1 &
	DEMO_PID[$name]=$!
}

demo_alive()
{
	[ -n "${DEMO_PID[$1]-}" ] && kill -0 "${DEMO_PID[$1]}" 2>/dev/null
}

demo_kill()
{
	local pid=${DEMO_PID[$1]-}
	[ -n "$pid" ] || return 0
	unset "DEMO_PID[$1]"
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

# demo_answer NAME: the output of what it was told, line by line to stdout if
# ECHO is set, all of it in ANSWER. Its exit code is the command's.
demo_answer()
{
	local name=$1 line part='' rc code='' deadline=$((SECONDS + COMMAND_LIMIT))
	ANSWER=
	while :; do
		rc=0
		IFS= read -r -t 2 -u "${DEMO_OUT[$name]}" line || rc=$?
		part+=$line
		if [ $rc -ne 0 ]; then
			demo_alive "$name" ||
				demo_failed "the $name guest died: $(console_reason "$(demo_console "$name")")"
			[ $SECONDS -lt $deadline ] ||
				demo_failed "no answer from the $name guest after $COMMAND_LIMIT s"
			continue
		fi
		line=$part part=
		if [[ $line =~ ^(.*)@@rc\ ([0-9]+)$ ]]; then
			code=${BASH_REMATCH[2]} line=${BASH_REMATCH[1]}
			[ -n "$line" ] || break
		fi
		ANSWER+=$line$'\n'
		[ -z "${ECHO-}" ] || printf '%s\n' "$line"
		[ -z "$code" ] || break
	done
	ANSWER=${ANSWER%$'\n'}
	return "$code"
}

# demo_tell NAME COMMAND
demo_tell()
{
	demo_alive "$1" ||
		demo_failed "the $1 guest died: $(console_reason "$(demo_console "$1")")"
	printf '%s\n@@go\n' "$2" >&"${DEMO_IN[$1]}"
	demo_answer "$1"
}

# What is at hand when something failed. Once only: it may fail as well.
demo_collect()
{
	local name COMMAND_LIMIT=60 ECHO='' ANSWER
	[ -z "${DEMO_COLLECTED-}" ] || return 0
	DEMO_COLLECTED=1
	for name in "${!DEMO_PID[@]}"; do
		demo_alive "$name" || continue
		demo_tell "$name" 'dmsetup table; dmsetup status; cat /proc/self/mounts
			tail -n 50 /srv/pg/log /tmp/*.log; dmesg'
		printf '%s\n' "$ANSWER" >"$DEMO_OUT_DIR/state-$name.log"
	done
}
