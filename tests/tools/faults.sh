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

# each_lacking WHAT: calls WHAT_before, WHAT and WHAT_after, over and over; while
# WHAT is called one allocation fails, the next time a later one, until none is
# left: first of objects, then of pages; of the later ones not each, and which is up
# to the seed.
each_lacking()
{
	local dir room step failed
	for dir in $SLAB $PAGES; do
		# bytes, and pages: what there is before one fails
		step=256 room=$((SEED % 256)) failed=0
		[ "$dir" = $SLAB ] || step=1 room=0
		echo 0 >$PAGES/min-order
		while :; do
			"$1_before"
			echo $room >"$dir/space"
			echo 1 >"$dir/times"
			echo 100 >"$dir/probability"
			"$1"
			echo 0 >"$dir/probability"
			"$1_after"
			[ "$(cat "$dir/times")" = 0 ] || break
			failed=$((failed + 1)) room=$((room + step + room / 8))
		done
		note "$1: $failed times ${dir##*/}"
		[ "$dir" != $SLAB ] || [ $failed -gt 0 ] || fail "no allocation failed"
	done
	echo 0 >$SLAB/space
	echo 0 >$PAGES/space
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
