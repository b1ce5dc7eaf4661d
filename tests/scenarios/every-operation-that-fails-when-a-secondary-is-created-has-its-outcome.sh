# A secondary whose disk or buffer fails an operation while it is created, from a
# buffer in any stage: it is created, or it is refused and the kernel log says why;
# nothing is changed, and when the device is mended all is there. Where nothing is to
# be merged, what fails and is not needed is told to nobody.
# dmesg: I/O error|access beyond end
. stages.sh

# stage    of      fails                                outcome
TABLE='
new        buffer  read                                 the.buffer.s.superblock:.error.-5
new        buffer  write                                format.the.buffer:.error.-5
new        buffer  fua                                  format.the.buffer:.error.-5
new        buffer  flush,zeroes,discard                 ok
new        disk    all                                  ok
none       buffer  read                                 the.buffer.s.superblock:.error.-5
none       buffer  write,zeroes,discard,flush,fua       ok
none       disk    all                                  ok
running    buffer  read                                 the.buffer.s.superblock:.error.-5
running    buffer  write,zeroes,discard,flush,fua       ok
running    buffer  beyond-the-superblocks               read.the.buffer.at.sector.[0-9]+:.error.-5
running    disk    read                                 read.the.disk.at.sector.[0-9]+:.error.-5
running    disk    second-half                          read.the.disk.at.sector.[0-9]+:.error.-5
running    disk    write,zeroes,discard,flush,fua       ok
merging    buffer  read                                 the.buffer.s.superblock:.error.-5
merging    buffer  beyond-the-superblocks               read.the.buffer.at.sector.[0-9]+:.error.-5
merging    buffer  write,flush,fua                      failed
merging    disk    read                                 ok
merging    disk    write                                failed
merging    disk    flush                                failed
done       buffer  read                                 the.buffer.s.superblock:.error.-5
done       buffer  beyond-the-superblocks               ok
done       buffer  write,zeroes,discard,flush,fua       ok
done       disk    all                                  ok
'
FIRST_SEGMENT=64

# content STAGE: what the views have after it, sectors 0 to 191
content()
{
	case $1 in
	new | none) echo 1x192 ;;
	running) echo 1x64 2x64 1x64 ;;
	*) echo 1x128 3x64 ;;
	esac
}

# made STAGE: everything is as such a secondary leaves it when it is removed
made()
{
	case $1 in
	new)
		again
		destroy
		op zeroes "$B" 0 8
		;;
	none)
		at none
		destroy
		;;
	running)
		at running
		# the merge leaves it in the buffer
		fails disk write
		msg sec checkpoint >/dev/null
		wait_status sec ' EIO '
		destroy
		;;
	merging)
		at merging
		destroy
		;;
	done)
		at failover
		destroy
		;;
	esac
}

below
# what is blank says nothing about the disk
fill "$D" 0 2048 1
while read -r stage which fails outcome; do
	[ -n "$stage" ] || continue
	note "$stage: the $which fails $fails"
	made "$stage"
	disk=$D buffer=$B
	case $fails in
	beyond-the-superblocks)
		broken part "$B" $FIRST_SEGMENT $((2176 - FIRST_SEGMENT))
		buffer=/dev/mapper/part
		;;
	second-half)
		broken part "$D" 1024 1024
		disk=/dev/mapper/part
		;;
	*) fail_list "$which" "$fails" ;;
	esac
	line="0 2048 replication secondary $disk $buffer 0"
	case $outcome in
	ok)
		check dm_create sec "$line"
		[ "$stage" = running ] || [ "$stage" = merging ] ||
			matches "status" "$(status sec)" ' -$'
		;;
	failed)
		check dm_create sec "$line"
		wait_status sec '^secondary failover_failed '
		equal "active" "$(tags "$A" 0 192)" "$(content "$stage")"
		;;
	*) refused "$outcome" "$line" ;;
	esac
	destroy
	[ ! -e /dev/mapper/part ] || dm_remove part

	create
	case $stage in
	new | none)
		# the active view is none of a standby
		equal "inbound, created again" "$(tags "$I" 0 192)" "$(content "$stage")"
		check msg sec start secondary
		;;
	running) check msg sec checkpoint >/dev/null ;;
	*) wait_status sec '^secondary done ' ;;
	esac
	equal "active, created again" "$(tags "$A" 0 192)" "$(content "$stage")"
	op write "$A" 1000 8 9
	op flush "$A"
	equal "active, written to" "$(tags "$A" 1000 8)" 9x8
	destroy
done <<<"$TABLE"
