# A message that lacks memory, for each of its own allocations in turn: ENOMEM,
# and all is as it was; the next try does what was asked.
# kernels: debug
. faults.sh

L=/dev/mapper/local R=/dev/mapper/remote
faulty local 4096
faulty remote 4096
faulty disk 2048
faulty buffer 2176
primary pri $L $R region_size 128 nosync group one
secondary sec /dev/mapper/disk /dev/mapper/buffer group two
inbound in sec

nth -u 'dmsetup message pri 0 stop failover' message pri start primary
nth message pri checkpoint
nth message pri get_error
nth message pri get_error_all
nth message pri checkpoint_all
nth message pri changed_since "$(status_field pri 3)"
nth message pri resync_throttle 50
nth -u 'dmsetup message pri 0 verify stop' message pri verify
wait_status pri ' ended:32/32:0'
nth message pri verify stop
nth -u 'dmsetup message pri 0 start primary' message pri stop
nth -u 'dmsetup message pri 0 stop failover' message pri start primary
nth -u 'dmsetup message pri 0 start primary' message pri stop failover
msg pri start primary
# the _all of a group is done by a worker: what the caller has no memory for is
# not begun
nth -u 'dmsetup message pri 0 start primary' message pri stop_all
nth message pri start_all primary
matches "status" "$(status pri)" '^primary done '
msg pri start primary

note "a secondary"
nth -u 'dmsetup message sec 0 stop' message sec start secondary
nth message sec checkpoint
nth message sec checkpoint_all
nth message in checkpoint_all
nth message sec merge_throttle 50
nth message sec get_error
nth message in get_error
nth -u 'dmsetup message sec 0 start secondary' message sec stop
msg sec start secondary
again='until dmsetup message sec 0 start secondary; do sleep 0.1; done 2>/dev/null'
nth -u "$again" message sec stop failover
wait_status sec '^secondary done '
