# nosync is a promise of the table that is resumed first, not of one that was
# loaded and replaced before that.
. legs.sh

P=/dev/mapper/pri L=/dev/mapper/local R=/dev/mapper/remote
faulty local 4096
faulty remote 4096

# loaded OPTION... -- OPTION...: a new device with the first table, which the
# second one replaces before it is resumed
loaded()
{
	local first=() second=()
	while [ "$1" != -- ]; do
		first+=("$1")
		shift
	done
	shift
	second=("$@")
	fill $L 0 4096 1
	op zeroes $R 0 4096
	dd if=/dev/zero of=/dev/ram0 bs=4k count=16 oflag=direct status=none
	dmsetup create --notable pri
	dmsetup load pri --table \
		"0 4096 replication primary $L $R ${#first[@]} ${first[*]}"
	dmsetup load pri --table \
		"0 4096 replication primary $L $R ${#second[@]} ${second[*]}"
	dmsetup resume pri
}

for log in '' '/dev/ram0'; do
	note "${log:+with a dirty log: }first with nosync, then without"
	# shellcheck disable=SC2086 # words
	loaded region_size 128 ${log:+dirty_log $log} nosync -- region_size 128 ${log:+dirty_log $log}
	matches "status" "$(status pri)" '^primary none 0 0/32 degraded '
	msg pri start primary
	wait_status pri ' 32/32 online 0 '
	same $L $R
	dm_remove pri

	note "${log:+with a dirty log: }first without, then with it"
	# shellcheck disable=SC2086 # words
	loaded region_size 128 ${log:+dirty_log $log} -- region_size 128 ${log:+dirty_log $log} nosync
	matches "status" "$(status pri)" '^primary none 0 32/32 degraded '
	msg pri start primary
	matches "status" "$(status pri)" ' 32/32 online 0 '
	is_zero $R 0 4096
	dm_remove pri
done
