# shellcheck shell=bash
# What the scenarios about a failing disk or buffer share: a secondary "sec" and
# its inbound view "in" above two disks of which each operation can fail.
#
# Where its data is, by sector, 64 sectors each:
#	0	on the disk alone, tag 1
#	64	in the inbound layer, tag 2
#	128	in the active layer, tag 3
. legs.sh

D=/dev/mapper/disk B=/dev/mapper/buffer
# shellcheck disable=SC2034 # for the scenarios
I=/dev/mapper/in A=/dev/mapper/sec

below()
{
	faulty disk 2048
	faulty buffer 2176
}

create()
{
	secondary sec $D $B
	inbound in sec
}

destroy()
{
	fails disk
	fails buffer
	[ ! -e $I ] || dm_remove in
	[ ! -e $A ] || dm_remove sec
}

# again: a new secondary in stage none; disk and buffer are well
again()
{
	destroy
	op zeroes $B 0 8
	fill $D 0 192 1
	create
}

# at STAGE: a new secondary in that stage. "failover" and "stop" are ended
# merges, "merging" is a failover whose merge was stopped by an error.
at()
{
	again
	[ "$1" != none ] || return 0
	msg sec start secondary
	fill $I 64 64 2
	fill $A 128 64 3
	case $1 in
	running) ;;
	stop) msg sec stop ;;
	failover)
		msg sec stop failover
		wait_status sec '^secondary done '
		;;
	merging)
		fails buffer read
		msg sec stop failover
		wait_status sec '^secondary failover_failed '
		fails buffer
		;;
	*) fail "no stage $1" ;;
	esac
}

# words LIST: a,b,c as words; "all" is every operation
words()
{
	if [ "$1" = all ]; then
		echo read write zeroes discard flush fua
	else
		echo "${1//,/ }"
	fi
}

# fail_list DEV LIST
fail_list()
{
	# shellcheck disable=SC2046 # words
	fails "$1" $(words "$2")
}
