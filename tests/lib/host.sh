# shellcheck shell=bash
# Tests that the host conducts. tests/host/NAME.sh boots a guest with disks that outlive
# it, and takes its power away. In the guest runs tests/host/inside/NAME.sh. What it prints
# comes over a serial line; a write there has left the guest when tcdrain(3) returns.
# tests/pair/NAME.sh conducts two guests: see pair.sh.

HOST_TEST_NEEDS=(qemu-img:qemu-utils)

host_test_names()
{
	local f
	for f in "$TESTS"/{host,pair}/*.sh; do
		[ ! -e "$f" ] || basename "$f" .sh
	done
}

# host_test NAME: where it is, if there is such a test
host_test()
{
	local f
	for f in "$TESTS"/{host,pair}/"$1.sh"; do
		[ ! -e "$f" ] || { echo "$f"; return; }
	done
	return 1
}

host_fail()
{
	echo "$*" >"$HOST_RUN/why"
	exit 1
}

# host_boot 'IMAGE[,OPTION...] ...' NAME=VALUE...: the images are the disks vde,
# vdf, ..., with options of QEMU's -drive; the variables are the guest's
host_boot()
{
	local image
	JOB_ENV=("${@:2}")
	job "$k" "$HOST_RUN/job.tar" "$name"
	guest_command "$k" "$HOST_RUN/payload.tar" "$HOST_RUN/job.tar"
	for image in $1; do
		MACHINE+=(-drive "if=virtio,format=qcow2,file=$HOST_RUN/$image")
	done
	HOST_CONSOLE=$OUT/$k/console-$name-$((++HOST_BOOTS)).log
	rm -f "$HOST_RUN/serial"
	mkfifo "$HOST_RUN/serial"
	# open for both, so that open() does not block
	exec {HOST_SERIAL}<>"$HOST_RUN/serial"
	TMPDIR=$HOST_RUN setsid "${MACHINE[@]}" -serial "file:$HOST_CONSOLE" \
		-serial "file:$HOST_RUN/serial" </dev/null &
	GUEST_PID=$!
	own_time_begin "$GUEST_PID"
	# shellcheck disable=SC2153
	HOST_LIMIT=$(((BOOT_LIMIT + GRACE) * $(kernel_slowness "$k")))
}

# The guest's next line in LINE; false when there is none any more
host_line()
{
	local part='' patience=1
	while :; do
		if IFS= read -r -t "$patience" -u "$HOST_SERIAL" LINE; then
			LINE=$part${LINE%$'\r'}
			echo "$LINE"
			return 0
		fi
		part+=$LINE
		own_time "$GUEST_PID"
		[ $((OWN_TIME / 1000000)) -lt "$HOST_LIMIT" ] || host_fail "the guest hangs: $LINE"
		[ "$patience" = 1 ] || return 1
		# once more when it is dead: there may be something in the pipe
		kill -0 "$GUEST_PID" 2>/dev/null || patience=0.1
	done
}

# What the kernel had to say against it since it was up: early in its boot a
# debug kernel may find mistakes that are not ours.
host_check_console()
{
	local splat
	splat=$(tr -d '\r' <"$HOST_CONSOLE" | sed '1,/harness: begin /d' | klog_races |
		grep -aE -m1 "$KLOG_SPLAT") || return 0
	tail -n 60 "$HOST_CONSOLE"
	host_fail "kernel: $splat"
}

# host_cut FUNCTION: the power goes; what the guest had said is still read
host_cut()
{
	kill -KILL "$GUEST_PID"
	wait "$GUEST_PID" 2>/dev/null
	while host_line; do
		"$1"
	done
	exec {HOST_SERIAL}<&-
	GUEST_PID=
	host_check_console
}

# The guest has ended by itself.
host_end()
{
	wait "$GUEST_PID"
	exec {HOST_SERIAL}<&-
	GUEST_PID=
	host_check_console
}

# Guests that its shell has waited for count as its own.
host_cpu()
{
	children_cpu
	CPU=$((CPU - before))
}

# run_host_tests KERNEL NAME...
run_host_tests()
{
	local k=$1 name log begun before
	shift
	for name; do
		log=$(scenario_log "$k" "$name")
		mkdir -p "${log%/*}" "$RUN/$k/$name"
		begun=$EPOCHREALTIME
		children_cpu
		before=$CPU
		if (
			HOST_RUN=$RUN/$k/$name HOST_BOOTS=0 MODE=host
			trap '[ -z "$GUEST_PID" ] || kill -KILL "$GUEST_PID"; pair_kill' EXIT
			. "$TESTS/guest/klog.sh"
			PAIR_LOGS=$OUT/$k/$name
			payload "$k" "$HOST_RUN/payload.tar" "$TESTS/host/inside"
			. "$(host_test "$name")"
		) >"$log" 2>&1; then
			host_cpu
			verdict "$k" "$name" ok "$(elapsed "$begun")" "$log"
		else
			host_cpu
			verdict "$k" "$name" FAIL "$(elapsed "$begun")" "$log" \
				"$(cat "$RUN/$k/$name/why" 2>/dev/null)"
		fi
		rm -rf "${RUN:?}/$k/$name"
	done
}
