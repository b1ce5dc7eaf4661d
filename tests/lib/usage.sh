# shellcheck shell=bash
# What a guest takes of the host, by the host's own accounting. Each guest is a session
# of processes: QEMU is one with several threads, User-Mode Linux has one more process for
# each address space.

CLOCK_TICKS=$(getconf CLK_TCK)

# guest_cpu SESSION: sets CPU, the processor time in milliseconds that it has used, with
# that of processes which it has waited for
guest_cpu()
{
	local pid stat ticks=0
	local -a field
	while read -r pid; do
		read -r stat 2>/dev/null <"/proc/$pid/stat" || continue
		read -ra field <<<"${stat##*) }"
		ticks=$((ticks + field[11] + field[12] + field[13] + field[14]))
	done < <(pgrep -s "$1")
	CPU=$((ticks * 1000 / CLOCK_TICKS))
}

# guest_late SESSION: sets LATE, the time in microseconds that the session's threads were
# runnable and had no processor, since the last call. The threads of a process wait beside
# each other, processes in turn. LATE_OF has the counts of the call before.
declare -A LATE_OF=()
guest_late()
{
	local pid file delay grown longest
	local -A seen=()
	LATE=0
	while read -r pid; do
		longest=0
		for file in "/proc/$pid/task/"*/schedstat; do
			read -r _ delay _ 2>/dev/null <"$file" || continue
			seen[$file]=$delay
			grown=$((delay - ${LATE_OF[$file]:-0}))
			# another thread with this number
			[ "$grown" -ge 0 ] || grown=$delay
			[ "$grown" -le "$longest" ] || longest=$grown
		done
		LATE=$((LATE + longest / 1000))
	done < <(pgrep -s "$1")
	LATE_OF=()
	for file in "${!seen[@]}"; do
		LATE_OF[$file]=${seen[$file]}
	done
}

# The guest's own time, in OWN_TIME: the microseconds for which it ran, or slept because
# it waited for a timer or for the host's disk. Limits count these: on a host that is
# busy a guest makes progress slowly, and does not hang. A host without
# CONFIG_SCHED_INFO does not count how long a thread waits for a processor; there OWN_TIME
# is the clock's time.
# own_time_begin SESSION; own_time SESSION
own_time_begin()
{
	OWN_TIME=0 LATE_OF=()
	guest_late "$1"
	OWN_SEEN=${EPOCHREALTIME/[.,]/}
}

own_time()
{
	local now=${EPOCHREALTIME/[.,]/}
	guest_late "$1"
	[ $LATE -le $((now - OWN_SEEN)) ] || LATE=$((now - OWN_SEEN))
	OWN_TIME=$((OWN_TIME + now - OWN_SEEN - LATE))
	OWN_SEEN=$now
}

# children_cpu: sets CPU, the milliseconds that this shell's children have used which it has
# waited for
children_cpu()
{
	local stat
	local -a field
	read -r stat <"/proc/$BASHPID/stat"
	read -ra field <<<"${stat##*) }"
	CPU=$(((field[13] + field[14]) * 1000 / CLOCK_TICKS))
}

# cost KERNEL NAME WALL CPU: the seconds of one result, the milliseconds of the processor,
# for tests/run --costs
cost()
{
	printf '%s\t%s\t%s\t%d.%d\n' "$1" "$2" "$3" $(($4 / 1000)) $(($4 % 1000 / 100)) \
		>>"$OUT/costs.tsv"
}

# costs_trim: at the beginning of a run; the last ones will do
costs_trim()
{
	[ -e "$OUT/costs.tsv" ] || return 0
	tail -n 5000 "$OUT/costs.tsv" >"$OUT/costs.tsv.new"
	mv "$OUT/costs.tsv.new" "$OUT/costs.tsv"
}

# costs: prints the latest cost of each result, the most expensive first
costs()
{
	printf '%8s %8s  %-13s %s\n' wall cpu kernel name
	awk -F '\t' '{ line[$1, $2] = sprintf("%8.1f %8.1f  %-13s %s", $3, $4, $1, $2) }
		END { for (i in line) print line[i] }' "$OUT/costs.tsv" | LC_ALL=C sort -k 2,2nr -k 4
}
