# shellcheck shell=bash
# What a scenario has at hand. Scenarios run with bash -eu and pipefail; any
# command that fails ends them, and fail() says why.
#
# At the beginning of each: dm-replication freshly loaded, no dm device, and
# ramdisks /dev/ram0../dev/ram7 of 128 MiB each, all zeroes. What is left at
# the end is removed by the harness, which fails the scenario if it cannot.
#
# Sizes and offsets are in sectors of 512 bytes, unless a name says otherwise.

. /t/guest/clean.sh

MODULE=${MODULE-}
SEED=${SEED:-1}
# How much more than usual is to be tried of what is random; how slow it all is
SOAK=${SOAK:-1}
SLOWNESS=${SLOWNESS:-1}
# Of long loops one case in SAMPLE is tried; for programs, too
export SAMPLE=${SAMPLE:-1} SEED
# $RANDOM repeats with the same SEED
RANDOM=$SEED
# /dev/ramN, in sectors
RAM_SECTORS=$((RAM_KIB * 2))

# --- Saying and checking

note()
{
	printf -- '- %s\n' "$*"
}

# Where fail() says why, even in a command whose stderr goes elsewhere
exec {REPORT}>&2

fail()
{
	printf -- '--- FAIL: %s\n' "$*" >&$REPORT
	local i
	for ((i = 0; i < ${#FUNCNAME[@]} - 2; i++)); do
		printf -- '---   %s, called from %s line %s\n' "${FUNCNAME[i]}" \
			"${BASH_SOURCE[i + 1]##*/}" "${BASH_LINENO[i]}" >&$REPORT
	done
	# Out of any subshell too: its parent runs with -e.
	exit 1
}

# check CMD...: it must succeed
check()
{
	"$@" || fail "exit code $?: $*"
}

# check_not CMD...: it must fail, and not by what within() does
check_not()
{
	local rc=0
	"$@" || rc=$?
	[ $rc -ne 0 ] || fail "succeeded: $*"
	[ $rc -ne 124 ] || fail "exit code 124: $*"
}

# equal WHAT GOT EXPECTED
equal()
{
	[ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"
}

# matches WHAT GOT REGEX (extended, anywhere in it)
matches()
{
	[[ $2 =~ $3 ]] || fail "$1: got '$2', expected something like '$3'"
}

declare -A ERRNO_TEXT=(
	[EPERM]='Operation not permitted' [ENOENT]='No such file or directory'
	[EINTR]='Interrupted system call' [EIO]='Input/output error'
	[ENXIO]='No such device or address' [E2BIG]='Argument list too long'
	[EAGAIN]='Resource temporarily unavailable' [ENOMEM]='Cannot allocate memory'
	[EACCES]='Permission denied' [ENOTBLK]='Block device required'
	[EBUSY]='Device or resource busy' [EEXIST]='File exists'
	[ENODEV]='No such device' [EINVAL]='Invalid argument'
	[EFBIG]='File too large' [ENOSPC]='No space left on device'
	[EROFS]='Read-only file system' [EDOM]='Numerical argument out of domain'
	[ERANGE]='Numerical result out of range' [ENODATA]='No data available'
	[ENOLINK]='Link has been severed' [EPROTO]='Protocol error'
	[EBADMSG]='Bad message' [EOVERFLOW]='Value too large for defined data type'
	[EILSEQ]='Invalid or incomplete multibyte or wide character'
	[EOPNOTSUPP]='Operation not supported' [ENOTCONN]='Transport endpoint is not connected'
	[ESHUTDOWN]='Cannot send after transport endpoint shutdown'
	[ETIMEDOUT]='Connection timed out' [EALREADY]='Operation already in progress'
	[EINPROGRESS]='Operation now in progress' [ESTALE]='Stale file handle'
	[EUCLEAN]='Structure needs cleaning' [EREMOTEIO]='Remote I/O error'
	[EMEDIUMTYPE]='Wrong medium type' [ECANCELED]='Operation canceled'
	[ENOTTY]='Inappropriate ioctl for device' [ENAMETOOLONG]='File name too long'
)

# expect_errno ENAME CMD...: it must fail, and say that error
expect_errno()
{
	local text=${ERRNO_TEXT[$1]-} said rc=0
	[ -n "$text" ] || fail "expect_errno: $1 is not in lib.sh's table"
	said=$("${@:2}" 2>&1) || rc=$?
	[ $rc -ne 0 ] || fail "succeeded, expected $1: ${*:2}"
	[[ $said == *"$text"* ]] || fail "expected $1 ($text), got: $said (${*:2})"
}

# outcome EXPECTED CMD...: it must succeed (ok), or fail and say that error
outcome()
{
	if [ "$1" = ok ]; then
		check "${@:2}"
	else
		expect_errno "$@"
	fi
}

# within CMD...: what has not ended by then hangs, and never would. A guest's clock goes on
# while its host has no processor for it, so this is many times what anything takes.
within()
{
	timeout $((90 * SLOWNESS)) "$@"
}

# --- Kernel log

# klog_since: marks a place; klog_has REGEX: a line after it matches
klog_since()
{
	KLOG_PLACE="harness: place $SRANDOM"
	echo "$KLOG_PLACE" >/dev/kmsg
}

klog_lines()
{
	dmesg | awk -v mark="${KLOG_PLACE:-harness: begin }" \
		'index($0, mark) { seen = 1; text = ""; next } seen { text = text $0 "\n" }
		 END { printf "%s", text }'
}

klog_has()
{
	klog_lines | grep -E "$1" >/dev/null || fail "kernel log has no line like '$1'"
}

# --- Devices

# Opens of a mapped device by the harness itself (udev there is none).
# dm_create NAME TABLE: the table's lines; `-` takes them from stdin
dm_create()
{
	local table=$2
	[ "$table" != - ] || table=$(cat)
	dmsetup create "$1" <<<"$table"
}

dm_remove()
{
	[ $# -eq 0 ] || dmsetup remove "$@"
}

# dm_load NAME TABLE [SUSPEND OPTIONS]: another table for a device in use
dm_load()
{
	dmsetup load "$1" <<<"$2"
	dmsetup suspend "${@:3}" "$1"
	dmsetup resume "$1"
}

sectors()
{
	blockdev --getsz "$1"
}

# linear NAME DEV [FIRST [SECTORS]]
linear()
{
	local first=${3:-0}
	dm_create "$1" "0 ${4:-$(($(sectors "$2") - first))} linear $2 $first"
}

# Any device with I/O errors on a range:
# broken NAME DEV FIRST SECTORS
broken()
{
	local size
	size=$(sectors "$2")
	{
		[ "$3" -eq 0 ] || echo "0 $3 linear $2 0"
		echo "$3 $4 error"
		[ $(($3 + $4)) -eq "$size" ] ||
			echo "$(($3 + $4)) $((size - $3 - $4)) linear $2 $(($3 + $4))"
	} | dm_create "$1" -
}

# A linear device NAME over DEV can turn into one that fails and back:
# break_device NAME [all|writes|drop] / mend_device NAME DEV
break_device()
{
	local size dev
	read -r _ size _ dev _ <<<"$(dmsetup table "$1")"
	case ${2:-all} in
	all) dm_load "$1" "0 $size error" --noflush --nolockfs ;;
	writes) dm_load "$1" "0 $size flakey $dev 0 0 100000 1 error_writes" --noflush --nolockfs ;;
	drop) dm_load "$1" "0 $size flakey $dev 0 0 100000 1 drop_writes" --noflush --nolockfs ;;
	*) fail "break_device: '$2'?" ;;
	esac
}

mend_device()
{
	dm_load "$1" "0 $(sectors "$2") linear $2 0" --noflush --nolockfs
}

# --- The target's messages, status and events

# msg NAME ARG...: prints the reply
msg()
{
	dmsetup message "$1" 0 "${@:2}"
}

# status NAME: the target's own words (without start, length, target type)
status()
{
	local lines line
	lines=$(dmsetup status --noflush "$1") || return
	while IFS= read -r line; do
		echo "${line#* * * }"
	done <<<"$lines"
}

# status_field NAME N: counted from 1
status_field()
{
	local line words
	line=$(status "$1") || return
	read -ra words <<<"$line"
	echo "${words[$2 - 1]-}"
}

table()
{
	dmsetup table "$1"
}

events()
{
	dmsetup info -c --noheadings -o events "$1"
}

# wait_status NAME REGEX: returns when status matches. Sleeps in the kernel,
# between events; the counter is read before the status, so none is missed.
wait_status()
{
	local count now
	while :; do
		count=$(events "$1")
		now=$(status "$1")
		[[ ! $now =~ $2 ]] || return 0
		dmsetup wait "$1" "$count" >/dev/null
	done
}

# wait_event NAME COUNT: returns when there were more than COUNT events
wait_event()
{
	dmsetup wait "$1" "$2" >/dev/null
}

# --- Data. All of it bypasses the page cache: a ramdisk below a mapped device
# has a cache of its own, which knows nothing of what the target wrote.

# fill DEV FIRST SECTORS TAG: each sector says where it is and TAG (a number)
fill()
{
	pattern write "$@"
}

# holds DEV FIRST SECTORS TAG: fails at the first sector that is not that
holds()
{
	pattern check "$@" || fail "$1 does not hold pattern $4 at $2+$3"
}

# is_zero DEV FIRST SECTORS
is_zero()
{
	pattern zero "$@" || fail "$1 is not zero at $2+$3"
}

# same DEV DEV [FIRST SECTORS]: equal byte for byte
same()
{
	pattern compare "$1" "$2" "${3:-0}" "${4:-$(sectors "$1")}" ||
		fail "$1 and $2 differ"
}

# checksum DEV [FIRST SECTORS]
checksum()
{
	pattern cat "$1" "${2:-0}" "${3:-$(sectors "$1")}" | cksum | tr ' ' -
}

# random_below N: sets $CHOICE. (In a subshell $RANDOM does not repeat with the seed.)
random_below()
{
	CHOICE=$(((RANDOM << 30 | RANDOM << 15 | RANDOM) % $1))
}

# sampled I: true if the sample contains case I (from 0) of a long loop. The seed picks one
# of each SAMPLE cases in a row, so a sample meets all parts of the loop, whatever the order
# of its cases, and another seed meets other cases. In C: tests/tools/sample.h.
SAMPLED=0
sampled()
{
	local group=$(($1 / SAMPLE)) n
	n=$((((group + 1) * 2654435761 ^ SEED * 40503) >> 8 & 0xffffff))
	[ $((n % SAMPLE)) -eq $(($1 % SAMPLE)) ] || return
	SAMPLED=$((SAMPLED + 1))
}

# some_sampled: at the end of such a loop: there was something to try
some_sampled()
{
	[ "$SAMPLE" -eq 1 ] || note "$SAMPLED cases of a sample, one in $SAMPLE"
	[ $SAMPLED -gt 0 ] || fail "no case was tried: SAMPLE=$SAMPLE is too much"
}

# --- Background work

declare -A JOBS=()
JOB=

# spawn CMD...: runs it in the background; its number is in $JOB
spawn()
{
	"$@" &
	JOB=$!
	JOBS[$JOB]="$*"
}

# reap JOB: waits for it; it must have succeeded
reap()
{
	local rc=0
	wait "$1" || rc=$?
	local what=${JOBS[$1]-job $1}
	unset "JOBS[$1]"
	[ $rc -eq 0 ] || fail "exit code $rc: $what (in the background)"
}

# reap_failed JOB: waits for it; it must have failed
reap_failed()
{
	local rc=0
	wait "$1" || rc=$?
	local what=${JOBS[$1]-job $1}
	unset "JOBS[$1]"
	[ $rc -ne 0 ] || fail "succeeded: $what (in the background)"
}

# Also done by the harness at the end of each scenario.
reap_all()
{
	local job
	for job in "${!JOBS[@]}"; do
		reap "$job"
	done
}

# still_running JOB
still_running()
{
	kill -0 "$1" 2>/dev/null || fail "ended already: ${JOBS[$1]-job $1}"
}

# asleep JOB: returns when the message that it sends has come to its target
asleep()
{
	until grep -q target_message "/proc/$1/stack" 2>/dev/null; do
		still_running "$1"
		sleep 0.05
	done
}

# --- The target's devices

# primary NAME LOCAL REMOTE [ARG...]: as long as LOCAL
primary()
{
	dm_create "$1" "0 $(sectors "$2") replication primary $2 $3 $(($# - 3)) ${*:4}"
}

# secondary NAME DISK BUFFER [ARG...]: as long as DISK
secondary()
{
	dm_create "$1" "0 $(sectors "$2") replication secondary $2 $3 $(($# - 3)) ${*:4}"
}

# inbound NAME SECONDARY [ARG...]: the inbound view of the mapped device SECONDARY
inbound()
{
	dm_create "$1" "0 $(sectors "/dev/mapper/$2") replication inbound /dev/mapper/$2 $(($# - 2)) ${*:3}"
}

# replica DISK_SECTORS BUFFER_SECTORS: "disk" on ram0, "buffer" on ram1, above
# them the secondary "sec" with its inbound view "in"
replica()
{
	linear disk /dev/ram0 0 "$1"
	linear buffer /dev/ram1 0 "$2"
	secondary sec /dev/mapper/disk /dev/mapper/buffer
	inbound in sec
}

# slow NAME MS [reads]: what is below the linear device NAME takes its time to write (or to read)
slow()
{
	local size dev
	read -r _ size _ dev _ <<<"$(dmsetup table "$1")"
	if [ "${3-}" = reads ]; then
		dm_load "$1" "0 $size delay $dev 0 $2 $dev 0 0" --noflush --nolockfs
	else
		dm_load "$1" "0 $size delay $dev 0 0 $dev 0 $2" --noflush --nolockfs
	fi
}

# kernel_name NAME: dm-N
kernel_name()
{
	dmsetup info -c --noheadings -o blkdevname "$1"
}

# written NAME: sectors written to the mapped device so far
written()
{
	awk '{ print $7 }' "/sys/block/$(kernel_name "$1")/stat"
}

# tags DEV FIRST SECTORS: what one read finds, as "TAGxSECTORS TAGxSECTORS ..."
# (0 is zeroes, ? is what is no sector of pattern's, or of another place)
tags()
{
	pattern show "$@" | awk '
		{ sub(/:$/, "", $1)
		  t = $2 == "zeroes" ? 0 : $2 == "tag" && $6 == $1 ? $3 : "?" }
		n && t != last { printf "%sx%d ", last, n; n = 0 }
		{ last = t; n++ }
		END { printf "%sx%d\n", last, n }'
}

# refused REGEX TABLE: no such device can be made, and the kernel log says why
refused()
{
	klog_since
	check_not dmsetup create wrong --table "$2" 2>/dev/null
	klog_has "$1"
	check_not dmsetup info wrong >/dev/null 2>&1
}
