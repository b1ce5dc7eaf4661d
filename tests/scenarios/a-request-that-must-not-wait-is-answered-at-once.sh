# A write with RWF_NOWAIT that would have to wait gets EAGAIN at once, and works
# when it need not: while a checkpoint holds the views, where another write is in
# flight, and when too much is behind.
# stock: NOWAIT (compat.h)
. legs.sh

# held NAME: bios
held()
{
	status_field "$1" 7
}

note "a checkpoint holds the views"
faulty disk 4096
faulty buffer 8192
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
msg sec start secondary
equal "inbound" "$(nowait /dev/mapper/in 0 8)" ok
equal "active" "$(nowait /dev/mapper/sec 0 8)" ok
dmsetup message buffer 0 hold flush
spawn dmsetup message sec 0 checkpoint
until [ "$(held buffer)" = 1 ]; do
	sleep 0.1
done
equal "inbound" "$(nowait /dev/mapper/in 0 8)" EAGAIN
equal "active" "$(nowait /dev/mapper/sec 100 8)" EAGAIN
still_running "$JOB"
dmsetup message buffer 0 hold
reap "$JOB"
equal "inbound" "$(nowait /dev/mapper/in 0 8)" ok

for mode in sync "async max_behind 16"; do
	note "$mode: another write is in flight there"
	faulty local 4096
	faulty remote 4096
	# shellcheck disable=SC2086 # words
	primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128 $mode
	msg pri start primary
	equal "alone" "$(nowait /dev/mapper/pri 100 8)" ok
	# who has to answer
	held=remote
	[ "$mode" = sync ] || held=local
	dmsetup message $held 0 hold write
	spawn fill /dev/mapper/pri 100 8 1
	until [ "$(held $held)" = 1 ]; do
		sleep 0.1
	done
	equal "there" "$(nowait /dev/mapper/pri 104 8)" EAGAIN
	dmsetup message $held 0 hold
	reap "$JOB"
	equal "there" "$(nowait /dev/mapper/pri 104 8)" ok
	if [ "$mode" != sync ]; then
		note "$mode: too much is behind"
		dmsetup message remote 0 hold write
		fill /dev/mapper/pri 200 16 1
		equal "behind" "$(nowait /dev/mapper/pri 300 8)" EAGAIN
		dmsetup message remote 0 hold
		until [ "$(status_field pri 6)" = 0 ]; do
			sleep 0.1
		done
		equal "behind" "$(nowait /dev/mapper/pri 300 8)" ok
	fi
	msg pri checkpoint >/dev/null
	same /dev/mapper/local /dev/mapper/remote
	dm_remove pri local remote
done
