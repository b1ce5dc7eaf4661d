# shellcheck shell=bash
# What the scenarios about the legs of a primary share.

# faulty NAME SECTORS: a disk in memory that takes all operations, see
# tests/modules/faulty
faulty()
{
	modprobe faulty
	dm_create "$1" "0 $2 faulty"
}

# fails NAME [OP...]: from now on these, and no others: read, write, zeroes,
# discard, flush, fua
fails()
{
	dmsetup message "$1" 0 fail "${@:2}"
}

# wait_held NAME COUNT: returns when so many operations wait in it, see "hold"
wait_held()
{
	until [ "$(status_field "$1" 7)" = "$2" ]; do
		sleep 0.1
	done
}

# asked NAME OP: sectors so far; of flush and fua, how many
asked()
{
	local op n=0
	for op in read write zeroes discard flush fua; do
		n=$((n + 1))
		[ "$op" = "$2" ] || continue
		status "$1" | cut -d ' ' -f $n
	done
}

# name_of OP: as get_error has it
name_of()
{
	case $1 in
	zeroes) echo write-zeroes ;;
	fua) echo write ;;
	*) echo "$1" ;;
	esac
}

# op OP DEV FIRST SECTORS TAG: one operation. /dev/ram7 is used.
op()
{
	case $1 in
	read) pattern check "${@:2}" ;;
	write) pattern write "${@:2}" ;;
	zeroes) blkdiscard -f -z -o $(($3 * 512)) -l $(($4 * 512)) "$2" ;;
	discard) blkdiscard -f -o $(($3 * 512)) -l $(($4 * 512)) "$2" ;;
	flush) sync "$2" ;;
	fua)
		pattern write /dev/ram7 "${@:3}"
		pattern cat /dev/ram7 "$3" "$4" >/tmp/fua
		dd if=/tmp/fua of="$2" bs=$(($4 * 512)) count=1 seek=$(($3 * 512)) \
			oflag=direct,dsync,seek_bytes conv=notrunc status=none
		;;
	esac
}

# dirty NAME: how many regions are
dirty()
{
	local clean
	clean=$(status_field "$1" 4)
	echo $((${clean#*/} - ${clean%/*}))
}

# nowait DEV FIRST SECTORS [RWF_FLAG]: writes zeroes, prints ok or the name of the error
nowait()
{
	within python3 - "$@" <<-END || fail "a write that must not wait waits ($*)"
		import errno, mmap, os, sys
		dev, first, sectors = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		flags = os.RWF_NOWAIT | sum(getattr(os, name) for name in sys.argv[4:])
		fd = os.open(dev, os.O_WRONLY | os.O_DIRECT)
		try:
		    os.pwritev(fd, [mmap.mmap(-1, sectors * 512)], first * 512, flags)
		    print('ok')
		except OSError as error:
		    print(errno.errorcode[error.errno])
	END
}

# end JOB: of fio that goes on by time
end()
{
	kill -INT "$1"
	wait "$1" || true
	unset "JOBS[$1]"
}

# busy NAME [JOB]: returns when it is being written to; JOB must go on meanwhile. (fio
# takes its time to begin, and cannot be ended before.)
busy()
{
	local before
	before=$(written "$1")
	until [ $(($(written "$1") - before)) -gt 200 ]; do
		[ $# -lt 2 ] || still_running "$2"
		sleep 0.05
	done
}
