# shellcheck shell=bash
# What the scenarios about memory that cannot be had share: see
# Documentation/fault-injection of the kernel, and faultnth.c.
. legs.sh

SLAB=/sys/kernel/debug/failslab PAGES=/sys/kernel/debug/fail_page_alloc

# Nothing fails but what is asked for; then whatever it is, without a word.
quiet_faults()
{
	local dir
	for dir in $SLAB $PAGES; do
		echo 0 >"$dir/probability"
		echo 0 >"$dir/verbose"
		echo 1 >"$dir/interval"
		echo N >"$dir/ignore-gfp-wait"
	done
}

# resources: what a replication has as long as it is there, and leaves no trace
# of: threads, and slab caches of its bios
resources()
{
	cat /proc/[0-9]*/comm 2>/dev/null | grep '^kworker/R-dm-re' | sort || true
	awk '$1 ~ /^bio-/ { print $1 }' /proc/slabinfo | sort
}

# nth [-u COMMAND] OPERATION...: see faultnth.c
nth()
{
	local said
	said=$(faultnth "$@") || fail "faultnth $*"
	note "$*: $said"
	# less means that nothing was injected
	[[ $said =~ ^[1-9] ]] || fail "no allocation failed"
}

# notable NAME: a device without a table
notable()
{
	dmsetup create "$1" --notable
}

# undone NAME TABLE DEV: makes the programs (because sh runs them) for nth -u of a
# resume of NAME. /tmp/anew leaves it with TABLE loaded and no live one, so that
# DEV, its log or buffer, is not in use; /tmp/blank makes DEV zeroes as well.
undone()
{
	printf '%s\n' "dmsetup remove $1" "dmsetup create $1 --notable" \
		"dmsetup load $1 --table '$2'" >/tmp/anew
	{
		echo "blkdiscard -z -f -l 4096 $3"
		cat /tmp/anew
	} >/tmp/blank
}

# of_anybody: what fails is of whoever asks; the scenario before may have chosen
of_anybody()
{
	local dir
	for dir in $SLAB $PAGES; do
		[ ! -e "$dir/require-start" ] || echo 0 >"$dir/require-start"
		[ ! -e "$dir/require-end" ] || echo 0xffffffffffffffff >"$dir/require-end"
	done
}

quiet_faults
of_anybody
trap quiet_faults EXIT

# only_the_module: what fails at random is called by it, directly or not
only_the_module()
{
	local dir range
	range=$(awk '$4 == "[dm_replication]" && tolower($2) == "t" { print $1 }' /proc/kallsyms |
		sort | sed -n '1p;$p')
	for dir in $SLAB $PAGES; do
		[ -e "$dir/require-start" ] ||
			fail "the kernel lacks CONFIG_FAULT_INJECTION_STACKTRACE_FILTER"
		echo "0x${range%%$'\n'*}" >"$dir/require-start"
		echo "0x${range##*$'\n'}" >"$dir/require-end"
	done
}

# again COMMAND...: there is memory, whatever became of the first try
again()
{
	check "$@" >/dev/null
}

# lacking COMMAND...: it works, or there is no memory for it
lacking()
{
	local said
	said=$("$@" 2>&1) && return
	[[ $said == *"${ERRNO_TEXT[ENOMEM]}"* ]] || fail "$*: $said"
	return 1
}

# lacking_nth N WHAT: calls WHAT_before, WHAT and WHAT_after; the Nth allocation of an
# object fails that is made while WHAT is called, and $LACKED is how many did: none, if
# there are less than N.
# One that fails is a multiple of "interval", and what the kernel counts cannot be set:
# so it is kept here, for as long as the guest is up. When none has failed WHAT is called
# until one does, so that the count is known again.
lacking_nth()
{
	local file=/run/lacking before=0 first=1 tries
	[ ! -e $file ] || before=$(cat $file)
	[ "$before" != lost ] || fail "an earlier failure has left the kernel's count unknown"
	echo lost >$file
	LACKED=0
	for ((tries = 0; tries < 100; tries++)); do
		"$2_before"
		echo $((before + $1)) >$SLAB/interval
		echo 1 >$SLAB/times
		echo 100 >$SLAB/probability
		"$2"
		echo 0 >$SLAB/probability
		"$2_after"
		[ "$(cat $SLAB/times)" != 0 ] || break
		first=0
	done
	[ $tries -lt 100 ] || fail "no allocation failed"
	LACKED=$first
	# an interval of 1 is not counted
	echo $((before + $1 > 1 ? before + $1 : 0)) >$file
	echo 1 >$SLAB/interval
}

# each_lacking WHAT: lacking_nth() over and over, the next time with a later allocation,
# until none is left. Each of the first 64 fails (of these the first and one in SAMPLE),
# of the later ones not each; which is up to the seed.
each_lacking()
{
	local n=1 failed=0
	while :; do
		lacking_nth $n "$1"
		# Seen on User-Mode Linux: the first verify after a resync makes no allocation
		# that counts, the second does. Why is not known; the second one is tried.
		[ $LACKED -eq 1 ] || [ $n -gt 1 ] || lacking_nth $n "$1"
		[ $LACKED -eq 1 ] || break
		failed=$((failed + 1)) n=$((n + 1))
		until sampled $n; do
			n=$((n + 1))
		done
		[ $n -gt 64 ] || continue
		random_below $((n / 8))
		n=$((n + CHOICE))
	done
	note "$1: $failed times, there are less than $n"
	[ $failed -gt 0 ] || fail "no allocation failed"
}

MOST=1000000

# fails_at_random PERCENT: of all allocations, pages in a row or not
fails_at_random()
{
	local dir
	echo 0 >$PAGES/min-order
	for dir in $SLAB $PAGES; do
		echo $MOST >"$dir/times"
		echo "$1" >"$dir/probability"
	done
}

# enough_memory: and there must have been too little
enough_memory()
{
	local failed=$((2 * MOST - $(cat $SLAB/times) - $(cat $PAGES/times)))
	quiet_faults
	note "$failed allocations failed"
	[ $failed -gt 0 ] || fail "no allocation failed"
}
