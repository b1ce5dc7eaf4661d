# Who waits in `checkpoint`, `stop` or `verify stop` can be killed; the device goes
# on.
. legs.sh

linear local /dev/ram2 0 16384
linear remote /dev/ram3 0 16384
primary pri /dev/mapper/local /dev/mapper/remote region_size 128

# killed NAME MESSAGE...: while it sleeps
killed()
{
	klog_since
	spawn dmsetup message "$1" 0 "${@:2}"
	asleep "$JOB"
	kill -KILL "$JOB"
	# it must go at once, not when what it waits for has come
	within tail --pid="$JOB" -f /dev/null || fail "'${*:2}' cannot be killed"
	reap_failed "$JOB" 2>/dev/null
	klog_has "$1: message $2 failed: killed"
}

note "a primary's checkpoint waits for the resync"
slow remote 300
msg pri start primary
matches "status" "$(status pri)" ' resync '
killed pri checkpoint
matches "status" "$(status pri)" '^primary running 1 [0-9]+/128 resync '
note "status and get_error need not wait for it"
spawn dmsetup message pri 0 checkpoint
one=$JOB
equal "get_error" "$(within dmsetup message pri 0 get_error)" ok
still_running "$one"
slow remote 0
reap "$one"
matches "status" "$(status pri)" ' 128/128 online '
same /dev/mapper/local /dev/mapper/remote

note "the end of a verify waits for a write to the region at hand"
faulty slowest 16384
linear quick /dev/ram4 0 16384
primary other /dev/mapper/quick /dev/mapper/slowest nosync region_size 128
msg other start primary
dmsetup message slowest 0 hold write
spawn fill /dev/mapper/other 0 8 1
one=$JOB
until [[ $(status slowest) == *' 1' ]]; do
	:
done
msg other verify
killed other verify stop
matches "status" "$(status other)" ' verify:0/128:0$'
killed other verify stop
dmsetup message slowest 0 hold
reap "$one"
wait_status other ' ended:[0-9]+/128:0$'
msg other verify
wait_status other ' ended:128/128:0$'

note "what was begun goes on, and what was not is not begun"
dmsetup message slowest 0 hold flush
spawn dmsetup message other 0 stop
one=$JOB
until [[ $(status slowest) == *' 1' ]]; do
	:
done
killed other stop failover
klog_has 'other: message stop failed: killed before it began'
killed other verify
killed other verify stop
killed other changed_since 1
klog_since
kill -KILL "$one"
reap_failed "$one" 2>/dev/null
klog_has 'other: message stop failed: killed; what was begun goes on'
matches "status" "$(status other)" '^primary running 1 '
dmsetup message slowest 0 hold
wait_status other '^primary done 2 '

note "a secondary's stop waits for the merge"
replica 16384 65536
msg sec start secondary
fill /dev/mapper/in 0 16384 1
# the merge must not end before its stop has been killed; `slow disk 0` lets it go
slow disk 60000
killed sec stop
matches "status" "$(status sec)" '^secondary failover '
equal "inbound" "$(tags /dev/mapper/sec 0 100)" 1x100
slow disk 0
wait_status sec ' done '
same /dev/mapper/sec /dev/mapper/disk
