# A secondary's or inbound view's table whose load or resume lacks memory, for
# each allocation in turn: ENOMEM, and nothing is left of it; the next try does
# what was asked. So it is with a buffer that is new, and with one to recover.
# kernels: debug
. faults.sh

D=/dev/mapper/disk B=/dev/mapper/buffer I=/dev/mapper/in A=/dev/mapper/sec
faulty disk 2048
faulty buffer 2176
TABLE="0 2048 replication secondary $D $B"
INBOUND="0 2048 replication inbound $A"
undone sec "$TABLE" $B

# the kernel shows a backtrace when it cannot make a slab cache for the first
# device of a kind
faulty other 2048
faulty another 2176
secondary sec2 /dev/mapper/other /dev/mapper/another
was=$(resources)
notable sec
nth load sec "$TABLE"
nth -u 'sh -e /tmp/blank' resume sec
dmsetup mknodes
notable in
nth load in "$INBOUND"
dmsetup resume in
matches "status" "$(status in)" '^inbound none 0 open -'

note "what is to be recovered"
fill $I 0 2048 1
msg sec start secondary
# ranges that are no neighbours, so that the map has some nodes
for ((i = 0; i < 50; i++)); do
	fill $I $((i * 2)) 1 2
done
fails disk write
msg sec checkpoint >/dev/null
wait_status sec '^secondary running 2 .* EIO '
dm_remove in sec
fails disk
notable sec
dmsetup load sec --table "$TABLE"
fails disk write
nth -u 'sh -e /tmp/anew' resume sec
dmsetup mknodes
matches "status" "$(status sec)" '^secondary running 2 [0-9]+/[0-9]+ 0 0 50 '
equal "active" "$(tags $A 0 8)" '2x1 1x1 2x1 1x1 2x1 1x1 2x1 1x1'
fails disk
msg sec checkpoint >/dev/null
wait_status sec '^secondary running 3 0/'

note "what has failed over and is not merged"
fill $A 100 100 4
fails disk write
msg sec stop failover
wait_status sec '^secondary failover_failed '
dm_remove sec
notable sec
dmsetup load sec --table "$TABLE"
nth -u 'sh -e /tmp/anew' resume sec
dmsetup mknodes
equal "active" "$(tags $A 100 100)" 4x100
wait_status sec '^secondary failover_failed '
fails disk
msg sec stop
matches "status" "$(status sec)" '^secondary done '
equal "the disk" "$(tags $D 100 100)" 4x100
dm_remove sec
equal "what is left" "$(resources)" "$was"
