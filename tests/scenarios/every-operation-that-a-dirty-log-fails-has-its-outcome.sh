# What a primary does when its dirty log fails an operation, from when the table
# is loaded until it goes: a table is refused, or nothing is lost but time to
# copy. (The writes that need a mark are in what-the-dirty-log-cannot-mark.)
# dmesg: I/O error
. legs.sh

L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
faulty local 4096
faulty remote 4096
faulty log 64
fill $L 0 4096 1
fill $R 0 4096 1
LINE="0 4096 replication primary $L $R 5 region_size 128 nosync dirty_log /dev/mapper/log"

# When          fails                           outcome  dirty when created again
#	new		a table for a log that begins with zeroes
#	used		a table for a log that knows two regions
#	start		the first one
#	checkpoint	and what follows it: marks are taken away
#	suspend		of a primary that has nothing to take away
TABLE='
new             read                            refused  0
new             write                           refused  0
new             fua                             refused  0
new             flush                           refused  0
new             zeroes,discard                  ok       0
used            read                            refused  2
used            write,zeroes,discard,flush,fua  ok       2
start           write                           noted    0
start           fua                             noted    0
start           read,flush,zeroes,discard       ok       0
checkpoint      write                           noted    2
checkpoint      fua                             noted    2
checkpoint      read,flush,zeroes,discard       ok       0
suspend         read,write,zeroes,discard,flush,fua  ok  0
'

# create: as far as it comes
create()
{
	dm_create pri "$LINE"
}

# running: with two marks that the next checkpoint makes needless
running()
{
	create
	msg pri start primary
	fill $P 128 8 2
	fill $P 4000 8 2
	msg pri checkpoint >/dev/null
}

while read -r when fails outcome dirty; do
	[ -n "$when" ] || continue
	note "$when: the log fails $fails"
	op zeroes /dev/mapper/log 0 8
	case $when in
	used)
		create
		fill $P 128 8 2
		fill $P 4000 8 2
		dm_remove pri
		op write $R 128 8 2
		op write $R 4000 8 2
		;;
	start) create ;;
	checkpoint | suspend) running ;;
	esac
	[ "$when" != suspend ] || msg pri checkpoint >/dev/null
	[ "$when" != suspend ] || dm_load pri "$LINE"
	# shellcheck disable=SC2086 # words
	fails log ${fails//,/ }
	case $when in
	new | used)
		if [ "$outcome" = refused ]; then
			refused 'dirty log' "$LINE"
		else
			create
		fi
		;;
	start) check msg pri start primary ;;
	checkpoint) check msg pri checkpoint >/dev/null ;;
	esac
	if [ "$outcome" = noted ]; then
		matches "get_error" "$(msg pri get_error)" '^EIO dirty_log write 0 '
	elif [ "$when" != new ] && [ "$when" != used ]; then
		equal "get_error" "$(msg pri get_error)" ok
	fi
	[ ! -e $P ] || check dmsetup suspend pri
	[ ! -e $P ] || check dm_remove pri

	fails log
	create
	equal "dirty regions" "$(dirty pri)" "$dirty"
	msg pri start primary
	wait_status pri ' running [0-9]+ 32/32 online 0 - '
	same $L $R
	dm_remove pri
done <<<"$TABLE"

note "the log's superblock can be read, and its marks cannot"
FIRST_MARKS=16
op zeroes /dev/mapper/log 0 8
create
fill $P 128 8 3
dm_remove pri
broken part /dev/mapper/log $FIRST_MARKS $((64 - FIRST_MARKS))
refused 'Cannot read the dirty log at sector 16: error -5' "${LINE%log}part"
dm_remove part
create
equal "dirty regions" "$(dirty pri)" 1
msg pri start primary
wait_status pri ' running [0-9]+ 32/32 online 0 - '
same $L $R
dm_remove pri

note "the local leg cannot be read when the log is"
fails local read
refused 'Cannot read the local leg' "$LINE"
fails local
create
