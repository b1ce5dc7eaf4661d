# A chain: what a secondary is written to is a primary, which sends it further. In
# one group each would wait for the other at a checkpoint of all, so that is
# refused, and changes nothing. In groups of their own both are checkpointed.
. legs.sh

linear a /dev/ram0 0 32768
linear b /dev/ram1 0 32768
linear buffer /dev/ram2 0 131072
primary low /dev/mapper/a /dev/mapper/b nosync
secondary sec /dev/mapper/low /dev/mapper/buffer
inbound in sec
I=/dev/mapper/in
msg low start primary
msg sec start secondary
fill $I 0 100 1
for device in low sec in; do
	klog_since
	expect_errno EINVAL timeout $((60 * SLOWNESS)) dmsetup message $device 0 checkpoint_all
	klog_has 'sec lies on low, which is of the same group'
done
matches "low" "$(status low)" '^primary running 1 '
matches "sec" "$(status sec)" '^secondary running 1 [^ ]+ 100 0 0 '
equal "epoch" "$(msg sec checkpoint)" 2
equal "epoch" "$(msg low checkpoint)" 2

note "a dirty log on one of the group"
linear c /dev/ram3 0 32768
linear d /dev/ram4 0 32768
linear log $I 16384 1024
primary high /dev/mapper/c /dev/mapper/d dirty_log /dev/mapper/log group other
msg high start primary
wait_status high ' online '
check timeout $((60 * SLOWNESS)) dmsetup message high 0 checkpoint_all
dm_remove high log

note "groups of their own"
dm_load sec "0 32768 replication secondary /dev/mapper/low /dev/mapper/buffer 2 group above"
fill $I 200 100 2
check timeout $((60 * SLOWNESS)) dmsetup message sec 0 checkpoint_all
check timeout $((60 * SLOWNESS)) dmsetup message low 0 checkpoint_all
matches "low" "$(status low)" '^primary running 3 '
matches "sec" "$(status sec)" '^secondary running 3 '

note "one that is stopped holds nobody up"
dm_load sec "0 32768 replication secondary /dev/mapper/low /dev/mapper/buffer 0"
msg low stop
check timeout $((60 * SLOWNESS)) dmsetup message sec 0 checkpoint_all
matches "sec" "$(status sec)" '^secondary running 4 '
msg sec stop
tags /dev/mapper/a 0 400
equal "data" "$(tags /dev/mapper/a 0 400)" '1x100 0x100 2x100 0x100'
