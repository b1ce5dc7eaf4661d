# shellcheck shell=bash
# Two guests with a network between them, conducted by the host: for tests/pair/NAME.sh, which
# run_host_tests runs here, and for the demo.
#
#	pair_guest NAME DISK=MIB...	before the boot: one of the two, and disks of its own,
#					which outlive it; in the guest they are /dev/pair/DISK
#	pair_boot KERNEL		both of them; the first has the address 192.0.2.1 on net0,
#					the second 192.0.2.2
#	pair_on NAME COMMAND		shell lines, shown with their output; they must succeed
#	pair_ask NAME COMMAND		the same, not shown. The output of both is in ANSWER
#	pair_try NAME COMMAND		the same as pair_ask; its exit code is the command's
#	pair_cut NAME			its power goes, at once; pair_boot_again NAME
#	pair_link NAME down|up		its end of the cable
#	pair_delay NAME MS, pair_loss NAME PERCENT, pair_rate NAME MBIT
#					of what it sends; 0 is none
#	pair_end			both kernels' logs are looked at; the guests are gone
#
# Commands run with tests/guest/lib.sh and transports.sh, with "set -e -o pipefail", each in a
# shell of its own. A guest that dies is noticed as the end of what it says, and is a failure.
#
# A power cut loses what a real one may lose where the guest is QEMU's: each boot writes to
# fresh overlays of its disks, and QEMU notes only at a flush where in an overlay a block is,
# so a block written for the first time in this boot, and not flushed, is lost. With User-Mode
# Linux all that its disk has acknowledged is there.

# On top of what the tests' guests have; the demo's, too
PAIR_PACKAGES=(postgresql-15 qemu-utils open-iscsi iputils-ping wireguard-tools)
# Safety net, not an oracle: no command of a stock kernel's guest takes as much of its time.
COMMAND_LIMIT=${COMMAND_LIMIT:-900}

PAIR_IMAGE_DIR='' PAIR_NAMES=() PAIR_ENV=() PAIR_COLLECTED=''
declare -A PAIR_PID=() PAIR_IN=() PAIR_OUT=() PAIR_MONITOR=() PAIR_BOOTS=()
declare -A PAIR_DISKS=() PAIR_ADDRESS=() PAIR_NETEM=() PAIR_LINK=()

# any_pair_test NAME...
any_pair_test()
{
	local name
	for name; do
		[ ! -e "$TESTS/pair/$name.sh" ] || return 0
	done
	return 1
}

# The image of a pair's guests, beside that of the others
pair_image_ensure()
{
	local GUEST_PACKAGES=("${GUEST_PACKAGES[@]}" "${PAIR_PACKAGES[@]}") IMAGE_DIR=
	image_ensure
	PAIR_IMAGE_DIR=$IMAGE_DIR
	touch "$PAIR_IMAGE_DIR/ready"
}

# --- Failing

# pair_fail WHY: saves both guests' state, then fails the test
pair_fail()
{
	pair_collect
	host_fail "$*"
}

# pair_console NAME: the log of this boot's console
pair_console()
{
	printf '%s/console-%s-%s.log\n' "$PAIR_LOGS" "$1" "${PAIR_BOOTS[$1]}"
}

# Once only: it may fail as well.
pair_collect()
{
	local name COMMAND_LIMIT=60
	[ -z "$PAIR_COLLECTED" ] || return 0
	PAIR_COLLECTED=1
	for name in "${PAIR_NAMES[@]}"; do
		(pair_try "$name" 'dmsetup table; dmsetup status --noflush
			tail -n 50 /srv/pg/log /tmp/*.log; ip address; tc -s qdisc; ps ax; dmesg --color=never'
			printf '%s\n' "$ANSWER" >"$PAIR_LOGS/state-$name.log") >/dev/null 2>&1
	done
}

# pair_died NAME
pair_died()
{
	wait "${PAIR_PID[$1]}" 2>/dev/null
	unset "PAIR_PID[$1]"
	pair_fail "the $1 guest died: $(console_reason "$(pair_console "$1")")"
}

# --- Booting

# pair_guest NAME DISK=MIB...
pair_guest()
{
	PAIR_NAMES+=("$1")
	PAIR_DISKS[$1]=${*:2}
	PAIR_ADDRESS[$1]=192.0.2.${#PAIR_NAMES[@]}
	PAIR_BOOTS[$1]=0
}

# pair_overlay NAME DISK MIB: for this boot
pair_overlay()
{
	local disk=$HOST_RUN/$1.$2 boot=${PAIR_BOOTS[$1]}
	if [ "$boot" -eq 1 ]; then
		qemu-img create -q -f qcow2 -o cluster_size=4096 "$disk.1" "$3M"
	else
		qemu-img create -q -f qcow2 -o cluster_size=4096 -F qcow2 \
			-b "$disk.$((boot - 1))" "$disk.$boot"
	fi || pair_fail "qemu-img"
	MACHINE+=(-drive "if=virtio,format=qcow2,file=$disk.$boot,discard=unmap")
}

# pair_qemu NAME MAC: what its machine has on top of guest_command's
pair_qemu()
{
	local disk monitor
	# Two guests, two CPUs. On several, QEMU 7.2 may let one run into the
	# breakpoint of a patch that another made to the kernel's code.
	MACHINE+=(-smp 1)
	for disk in ${PAIR_DISKS[$1]}; do
		pair_overlay "$1" "${disk%=*}" "${disk#*=}"
	done
	if [ -z "${PAIR_MONITOR[$1]-}" ]; then
		mkfifo "$HOST_RUN/$1.monitor".{in,out}
		exec {monitor}<>"$HOST_RUN/$1.monitor.in"
		PAIR_MONITOR[$1]=$monitor
	fi
	# shellcheck disable=SC2054
	MACHINE+=(-netdev stream,id=net,server=off,addr.type=unix,addr.path="$1.net"
		-device virtio-net-pci,netdev=net,mac="$2"
		-serial "file:$(pair_console "$1")"
		-chardev "pipe,id=monitor,path=$1.monitor"
		-mon chardev=monitor,mode=readline
		-chardev stdio,id=pair,signal=off
		-device virtserialport,chardev=pair,name=pair)
}

# pair_um NAME MAC: the same for User-Mode Linux
pair_um()
{
	local disk n=4
	# of the boot before
	rm -rf "$HOST_RUN/$1.um"
	mkdir "$HOST_RUN/$1.um"
	for disk in ${PAIR_DISKS[$1]}; do
		[ -e "$HOST_RUN/$1.${disk%=*}" ] || truncate -s "${disk#*=}M" "$HOST_RUN/$1.${disk%=*}"
		MACHINE+=("ubd${n}c=$1.${disk%=*}")
		n=$((n + 1))
	done
	MACHINE+=(uml_dir="$1.um" "vec0:transport=bess,dst=$1.net,mac=$2" "ssl1=fd:0,fd:1")
	# its copies on write
	MACHINE=("${MACHINE[@]/=disk0,/=$1.um/disk0,}")
	MACHINE=("${MACHINE[@]/=disk1,/=$1.um/disk1,}")
}

# pair_spawn NAME LOG COMMAND...: a program, a session of its own, that takes commands on its
# stdin and answers on its stdout. We have the only other ends, so the end of it is the end
# of what it says. Its directory is that of the run: the path of a socket must be short.
pair_spawn()
{
	local name=$1 in out said fifo=$HOST_RUN/$1
	rm -f "$fifo.in" "$fifo.out"
	mkfifo "$fifo.in" "$fifo.out"
	# open for both, so that open() does not block
	exec {in}<>"$fifo.in" {out}<>"$fifo.out"
	(
		cd "$HOST_RUN" || exit
		TMPDIR=$HOST_RUN exec setsid "${@:3}" <"$fifo.in" >&"$out" {in}>&- {out}>&-
	) 2>"$2" &
	PAIR_PID[$name]=$!
	exec {said}<"$fifo.out" {out}>&-
	PAIR_IN[$name]=$in PAIR_OUT[$name]=$said
}

# pair_start NAME
pair_start()
{
	local name=$1 MODE=pair JOB_ENV IMAGE_DIR=$PAIR_IMAGE_DIR disk disks='' mac
	local log=$PAIR_LOGS/qemu-$1.log
	PAIR_BOOTS[$name]=$((PAIR_BOOTS[$name] + 1))
	for disk in ${PAIR_DISKS[$name]}; do
		disks+="${disk%=*} "
	done
	JOB_ENV=("NAME=$name" "ADDRESS=${PAIR_ADDRESS[$name]}" "DISKS='$disks'" "${PAIR_ENV[@]}")
	job "$PAIR_KERNEL" "$HOST_RUN/$name.job" ''
	guest_command "$PAIR_KERNEL" "$HOST_RUN/payload.tar" "$HOST_RUN/$name.job"
	mac=52:54:00:00:00:0${PAIR_ADDRESS[$name]##*.}
	if is_um "$PAIR_KERNEL"; then
		pair_um "$name" "$mac"
		# its console is its stderr
		log=$(pair_console "$name")
	else
		pair_qemu "$name" "$mac"
	fi
	pair_spawn "$name" "$log" "${MACHINE[@]}"
}

# pair_up NAME: returns when it takes commands
pair_up()
{
	pair_answer "$1" "its boot" || pair_fail "the $1 guest does not come up"
	PAIR_NETEM[$1]=
}

# pair_boot KERNEL
pair_boot()
{
	local name kind=stream
	PAIR_KERNEL=$1
	mkdir -p "$PAIR_LOGS"
	payload "$1" "$HOST_RUN/payload.tar" "$TESTS/pair"
	! is_um "$1" || kind=packet
	pair_spawn wire "$PAIR_LOGS/wire.log" "$TESTS/lib/wire" $kind "${PAIR_NAMES[@]}"
	pair_wire_answer
	for name in "${PAIR_NAMES[@]}"; do
		pair_start "$name"
	done
	for name in "${PAIR_NAMES[@]}"; do
		pair_up "$name"
	done
}

pair_boot_again()
{
	echo "--- $1: boots again"
	pair_start "$1"
	pair_up "$1"
}

# --- Commands

pair_alive()
{
	[ -n "${PAIR_PID[$1]-}" ] || pair_fail "the $1 guest is not running"
}

# pair_answer NAME COMMAND: what it says to that, line by line to stdout if ECHO is set, all
# of it in ANSWER. Its exit code is the command's.
pair_answer()
{
	local name=$1 pid=${PAIR_PID[$1]} line part='' rc code='' limit look=0
	limit=$((COMMAND_LIMIT * $(kernel_slowness "$PAIR_KERNEL")))
	own_time_begin "$pid"
	ANSWER=
	while [ -z "$code" ]; do
		rc=0
		IFS= read -r -t 5 -u "${PAIR_OUT[$name]}" line || rc=$?
		part+=$line
		if [ $SECONDS -ge $look ]; then
			look=$((SECONDS + 5))
			own_time "$pid"
			[ $((OWN_TIME / 1000000)) -lt "$limit" ] ||
				pair_fail "no answer from the $name guest after $limit s: $2"
		fi
		[ $rc -le 128 ] || continue
		[ $rc -eq 0 ] || pair_died "$name"
		line=$part part=
		if [[ $line =~ ^(.*)@@rc\ ([0-9]+)$ ]]; then
			code=${BASH_REMATCH[2]} line=${BASH_REMATCH[1]}
			[ -n "$line" ] || break
		fi
		ANSWER+=$line$'\n'
		[ -z "${ECHO-}" ] || printf '%s\n' "$line"
	done
	ANSWER=${ANSWER%$'\n'}
	return "$code"
}

pair_try()
{
	pair_alive "$1"
	printf '%s\n@@go\n' "$2" >&"${PAIR_IN[$1]}"
	pair_answer "$@"
}

pair_ask()
{
	local ECHO=
	pair_try "$@" || pair_fail "exit code $? on the $1: $2: $ANSWER"
}

pair_on()
{
	local ECHO=1
	printf '%s# %s\n' "$1" "$2"
	pair_try "$@" || pair_fail "exit code $? on the $1: $2"
}

# --- What happens to hosts and networks

# pair_gone NAME: kills all processes of the guest (User-Mode Linux has many) and waits for
# them
pair_gone()
{
	local pid=${PAIR_PID[$1]-} in=${PAIR_IN[$1]-} said=${PAIR_OUT[$1]-}
	[ -n "$pid" ] || return 0
	unset "PAIR_PID[$1]"
	# the shell would tell that it was killed
	{
		pkill -KILL -s "$pid"
		kill -KILL "$pid"
		wait "$pid"
	} 2>/dev/null
	while pgrep -s "$pid" >/dev/null; do
		sleep 0.05
	done
	exec {in}<&- {said}<&-
}

pair_cut()
{
	echo "--- $1: power cut"
	pair_alive "$1"
	pair_gone "$1"
	HOST_CONSOLE=$(pair_console "$1") host_check_console
}

# pair_other NAME: the address of the other one
pair_other()
{
	local name
	for name in "${PAIR_NAMES[@]}"; do
		[ "$name" = "$1" ] || echo "${PAIR_ADDRESS[$name]}"
	done
}

pair_wire_answer()
{
	IFS= read -r -u "${PAIR_OUT[wire]}" ANSWER ||
		pair_fail "the network died: $(tail -n 1 "$PAIR_LOGS/wire.log")"
}

# pair_wire COMMAND: see tests/lib/wire
pair_wire()
{
	echo "$1" >&"${PAIR_IN[wire]}"
	pair_wire_answer
}

# With QEMU the guest is told, and has noticed when it returns; with User-Mode Linux it is not.
# Once both ends are up it returns when packets pass: an address that did not answer is not
# asked for again at once.
pair_link()
{
	local state=on name
	echo "--- $1: link $2"
	[ "$2" = up ] || state=off
	pair_wire "$2 $1"
	if ! is_um "$PAIR_KERNEL" && [ -n "${PAIR_PID[$1]-}" ]; then
		echo "set_link net $state" >&"${PAIR_MONITOR[$1]}"
		pair_ask "$1" "until [ \$(cat /sys/class/net/net0/operstate) = $2 ]; do sleep 0.1; done"
	fi
	PAIR_LINK[$1]=$2
	[[ ${PAIR_LINK[*]} != *down* ]] || return 0
	for name in "${PAIR_NAMES[@]}"; do
		[ -n "${PAIR_PID[$name]-}" ] || return 0
	done
	pair_ask "$1" "until ping -q -c 1 -W 1 $(pair_other "$1"); do sleep 0.1; done"
}

# pair_netem NAME WHAT VALUE: one of its settings
pair_netem()
{
	local rest=${PAIR_NETEM[$1]}
	rest=$(sed -E "s/$2 [^ ]+ ?//" <<<"$rest")
	[ "${3//[^1-9]/}" = '' ] || rest+="$2 $3 "
	PAIR_NETEM[$1]=$rest
	echo "--- $1: netem ${rest:-none}"
	if [ -n "$rest" ]; then
		pair_ask "$1" "modprobe sch_netem; tc qdisc replace dev net0 root netem limit 100000 $rest"
	else
		pair_ask "$1" 'tc qdisc delete dev net0 root'
	fi
}

pair_delay()
{
	pair_netem "$1" delay "$2ms"
}

pair_loss()
{
	pair_netem "$1" loss "$2%"
}

pair_rate()
{
	pair_netem "$1" rate "$2mbit"
}

# --- The end

pair_kill()
{
	local name
	for name in "${!PAIR_PID[@]}"; do
		pair_gone "$name"
	done
}

pair_end()
{
	local name
	for name in "${PAIR_NAMES[@]}"; do
		[ -n "${PAIR_PID[$name]-}" ] || continue
		pair_ask "$name" 'dmesg --color=never'
		HOST_CONSOLE=$PAIR_LOGS/dmesg-$name.log
		printf '%s\n' "$ANSWER" >"$HOST_CONSOLE"
		host_check_console
	done
	pair_kill
}
