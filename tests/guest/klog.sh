# shellcheck shell=bash
# What the kernel had to say since a scenario began.

# Never acceptable, whatever a scenario declares.
KLOG_SPLAT='BUG|WARNING|Oops|Call Trace|INFO: (task|rcu|possible|trying|suspicious)'
KLOG_SPLAT+='|rcu:.*(stall|detected)|possible (circular|recursive|irq lock|deadlock)'
KLOG_SPLAT+='|inconsistent lock state|held lock freed|suspicious RCU|lockdep'
KLOG_SPLAT+='|KASAN|KCSAN|KFENCE|UBSAN|\bhung\b|\bleak|refcount_t|general protection'
KLOG_SPLAT+='|Objects remaining|still has objects|page allocation failure|Out of memory(:| and no)'
KLOG_SPLAT+='|scheduling while atomic|sleeping function called|unable to handle'
KLOG_SPLAT+='|list_(add|del) corruption|bad page state|double free|soft lockup'
KLOG_SPLAT+='|bio too big|Unknown symbol|blocked for more than|stack-protector'
KLOG_SPLAT+='|ODEBUG|pagealloc:'
# see klog_after()
KLOG_SPLAT+='|harness: this place is gone from the log'
# What KCSAN finds in the kernel itself is not the module's affair. A report is
# about the module when one of the two stacks begins with it, or with a function
# or two of a library that it has called.
klog_races()
{
	awk '
	/BUG: KCSAN: / { report = 1; text = ""; ours = 0; depth = 9 }
	!report { print; next }
	{ text = text $0 "\n"; depth++ }
	/(read|write).* to 0x.* bytes by / { depth = 0 }
	depth && depth <= 3 && /\[(dm_replication|planted)\]/ { ours = 1 }
	/=========$/ { if (ours) printf "%s", text; report = 0 }
	END { if (report) printf "%s", text }'
}

# Acceptable where a scenario declares it: `# dmesg: REGEX`
KLOG_ERROR='I/O error|critical [a-z]+ error|lost async page write|EXT4-fs error'
KLOG_ERROR+='|attempt to access beyond end of device'

KLOG_MARK='harness: begin '

klog_begin()
{
	# who taints the kernel is the last one in its guest
	KLOG_TAINT=${KLOG_TAINT-$(cat /proc/sys/kernel/tainted)}
	# A serial number, so that a scenario run twice has two marks.
	KLOG_LAST="$KLOG_MARK$1 $((KLOG_COUNT++))"
	echo "$KLOG_LAST" >/dev/kmsg
	KLOG_NEXT=${KLOG_NEXT:-$KLOG_LAST}
}

# klog_after MARK
klog_after()
{
	dmesg | awk -v mark="$1" 'seen; index($0, mark) { seen = 1 }
		END { if (!seen) print "harness: this place is gone from the log: " mark }'
}

klog()
{
	klog_after "$KLOG_LAST"
}

# Before each klog_check: it looks at what has come since the one before, and what
# comes while it does is for the next one as well.
klog_seal()
{
	KLOG_FROM=$KLOG_NEXT
	KLOG_NEXT="harness: checked $((KLOG_COUNT++))"
	echo "$KLOG_NEXT" >/dev/kmsg
}

# klog_check ALLOWED: prints the first line that must not be there
klog_check()
{
	local log line taint
	# What follows the watchdog's mark is what it had the kernel show.
	log=$(klog_after "$KLOG_FROM" | sed '/harness: no end after/,$d' | klog_races)
	line=$(grep -E -m1 "$KLOG_SPLAT" <<<"$log") && { echo "$line"; return 1; }
	line=$(grep -E "$KLOG_ERROR" <<<"$log" | { if [ -n "$1" ]; then grep -vE "$1"; else cat; fi; } |
		head -n 1)
	[ -z "$line" ] || { echo "$line"; return 1; }
	# Bad page, died, warning, soft lockup: bits 5, 7, 9, 14
	taint=$(cat /proc/sys/kernel/tainted)
	if [ $((taint & ~KLOG_TAINT & (1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))) -ne 0 ]; then
		echo "tainted: $taint"
		return 1
	fi
}

# leak_check: prints the first allocation that nothing points to any more. What
# is younger than five seconds does not count yet.
leak_check()
{
	local leaks=/sys/kernel/debug/kmemleak first
	echo scan >$leaks
	sleep 5
	echo scan >$leaks
	first=$(head -n 40 $leaks)
	echo clear >$leaks
	[ -z "$first" ] || { echo "$first"; return 1; }
}
