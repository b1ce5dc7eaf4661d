# The buffer of a secondary, or a dirty log, lies on a primary. In one group each
# would wait for the other at a checkpoint of all, so that is refused, and changes
# nothing. In groups of their own both are checkpointed; so is a chain, in which a
# secondary's disk is a primary that sends it further.
. legs.sh

# all NAME: checkpoint_all
all()
{
	check within dmsetup message "$1" 0 checkpoint_all
}

# refused_all NAME...: the same, refused; see what comes last
refused_all()
{
	local device
	for device in "${@:1:$#-1}"; do
		klog_since
		expect_errno EINVAL within dmsetup message "$device" 0 checkpoint_all
		klog_has "${*: -1}, which is of the same group"
	done
}

linear a /dev/ram0 0 32768
linear b /dev/ram1 0 32768
linear disk /dev/ram2 0 16384
primary low /dev/mapper/a /dev/mapper/b nosync
secondary sec /dev/mapper/disk /dev/mapper/low
inbound in sec
I=/dev/mapper/in
fill $I 0 16384 9
msg low start primary
msg sec start secondary
fill $I 0 100 1
refused_all low sec in 'sec lies on low'
matches "low" "$(status low)" '^primary running 1 '
matches "sec" "$(status sec)" '^secondary running 1 [^ ]+ 100 0 0 '
equal "epoch" "$(msg sec checkpoint)" 2
equal "epoch" "$(msg low checkpoint)" 2

note "groups of their own"
dm_load sec "0 16384 replication secondary /dev/mapper/disk /dev/mapper/low 2 group above"
fill $I 200 100 2
all sec
all low
matches "low" "$(status low)" '^primary running 3 '
matches "sec" "$(status sec)" '^secondary running 3 '

note "one that is stopped holds nobody up"
dm_load sec "0 16384 replication secondary /dev/mapper/disk /dev/mapper/low 0"
msg low stop
all sec
matches "sec" "$(status sec)" '^secondary running 4 '
msg sec stop
equal "data" "$(tags /dev/mapper/disk 0 400)" '1x100 9x100 2x100 9x100'
dm_remove in sec

note "a dirty log on one of the group"
linear c /dev/ram3 0 32768
linear d /dev/ram4 0 32768
dd if=/dev/zero of=/dev/mapper/low bs=4k count=1 oflag=direct status=none
primary high /dev/mapper/c /dev/mapper/d dirty_log /dev/mapper/low
msg low start primary
msg high start primary
wait_status low ' online '
wait_status high ' online '
refused_all low high 'high lies on low'
dm_remove high

note "the disk of a secondary"
secondary sec /dev/mapper/low /dev/ram5
inbound in sec
msg sec start secondary
for tag in 3 4 5; do
	fill $I 0 32768 $tag
	all low
done
msg sec stop
msg low stop
for dev in a b; do
	holds /dev/mapper/$dev 0 32768 5
done
