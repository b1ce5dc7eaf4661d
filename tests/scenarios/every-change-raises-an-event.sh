# Every change of stage, of the remote's state, of the first error, and the
# watermark raise an event: whoever sits in `dmsetup wait` wakes.
# dmesg: I/O error
# stock: events of dm

linear local /dev/ram2 0 16384
linear remote /dev/ram3 0 16384
primary pri /dev/mapper/local /dev/mapper/remote region_size 128
linear disk /dev/ram0 0 16384
linear buffer /dev/ram1 0 8192
secondary sec /dev/mapper/disk /dev/mapper/buffer high_watermark 50
inbound in sec

# raises NAME REGEX CMD...: the event wakes a waiter, status is then (or soon) like that
raises()
{
	local count
	count=$(events "$1")
	spawn within dmsetup wait "$1" "$count"
	"${@:3}"
	reap "$JOB" >/dev/null
	within bash -c ". /t/guest/lib.sh; wait_status $1 '$2'" || fail "no status like '$2': $(status "$1")"
	note "$1: $(status "$1")"
}

note "stages"
raises pri ' running ' msg pri start primary
wait_status pri ' 128/128 online '
raises sec ' running ' msg sec start secondary

note "the watermark"
raises sec ' [0-9]+/[0-9]+ 4[0-9]{3} ' fill /dev/mapper/in 0 4600 1
used=$(status_field sec 4)
[ $((${used%/*} * 2)) -ge "${used#*/}" ] || fail "the event came below the watermark: $used"
msg sec checkpoint
wait_status sec ' running [0-9]+ 0/[0-9]+ 0 0 0 - -$'

note "the merge's end, and that the buffer is empty then"
fill /dev/mapper/in 0 1000 4
count=$(events sec)
msg sec checkpoint
until [[ $(status_field sec 4) =~ ^0/ ]]; do
	:
done
within dmsetup wait sec $((count + 1)) || fail "$(($(events sec) - count)) events"

note "the first error and the remote's state"
break_device remote writes
raises pri ' degraded 0 EIO' fill /dev/mapper/pri 0 8 2
mend_device remote /dev/ram3
raises pri ' done ' msg pri stop
count=$(events pri)
msg pri start primary
wait_status pri ' 128/128 online 0 -'
[ $(($(events pri) - count)) -ge 2 ] || fail "resync and online made less than two events"

note "failover and done"
slow disk 20
fill /dev/mapper/sec 0 2048 3
raises sec ' (failover|done) ' msg sec stop failover
count=$(events sec)
case $(status_field sec 2) in
done) ;;
*) wait_event sec "$count" ;;
esac
wait_status sec ' done '
raises pri ' done ' msg pri stop failover
