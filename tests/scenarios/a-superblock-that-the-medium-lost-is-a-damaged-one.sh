# A copy of a superblock that cannot be read: when its sector is lost the other copy
# counts, as if it was damaged. Both are not taken for a new device; nor does any
# other error give the older copy a say. Nothing is changed then.
# dmesg: critical medium error|I/O error
. legs.sh

D=/dev/mapper/disk B=/dev/mapper/buffer L=/dev/mapper/local R=/dev/mapper/remote
G=/dev/mapper/log

# split NAME RAM SECTORS: a device whose two superblocks are NAME-0 and NAME-1
split()
{
	faulty "$1-0" 8
	faulty "$1-1" 8
	dm_create "$1" - <<-END
		0 8 linear /dev/mapper/$1-0 0
		8 8 linear /dev/mapper/$1-1 0
		16 $(($3 - 16)) linear $2 0
	END
}

# each_copy NAME ACCEPTS REFUSES: functions for what is to be when one copy is
# lost, and when it cannot be read at the moment, or both are lost
each_copy()
{
	local copy sum
	for copy in 0 1; do
		note "$1: copy $copy is lost"
		dmsetup message "$1-$copy" 0 lose read
		"$2" $copy
		dmsetup message "$1-$copy" 0 lose
	done
	sum=$(checksum "/dev/mapper/$1")
	for copy in 0 1; do
		note "$1: copy $copy cannot be read now"
		fails "$1-$copy" read
		"$3" EIO
		fails "$1-$copy"
	done
	note "$1: both are lost"
	dmsetup message "$1-0" 0 lose read
	dmsetup message "$1-1" 0 lose read
	"$3" EINVAL
	dmsetup message "$1-0" 0 lose
	dmsetup message "$1-1" 0 lose
	equal "$1" "$(checksum "/dev/mapper/$1")" "$sum"
}

split buffer /dev/ram1 8192
linear disk /dev/ram0 0 4096
fill $D 0 4096 1
secondary sec $D $B
inbound in sec
msg sec start secondary
fill /dev/mapper/in 0 1000 2
msg sec checkpoint >/dev/null
# not to be merged: both superblocks lead to it then
msg sec stop failover
wait_status sec '^secondary done '
dm_remove in sec

accepts_buffer()
{
	klog_since
	secondary sec $D $B
	klog_has "superblock copy $1 is damaged: it cannot be read"
	matches "status" "$(status sec)" '^secondary (failover|done) 2 '
	wait_status sec '^secondary done '
	equal "active" "$(tags /dev/mapper/sec 0 2000)" '2x1000 1x1000'
	dm_remove sec
}

refuses_buffer()
{
	expect_errno "$1" secondary sec $D $B
}

each_copy buffer accepts_buffer refuses_buffer
secondary sec $D $B
matches "status" "$(status sec)" '^secondary done 2 '
equal "active" "$(tags /dev/mapper/sec 0 2000)" '2x1000 1x1000'
dm_remove sec

split log /dev/ram2 256
linear local /dev/ram3 0 4096
linear remote /dev/ram4 0 4096
fill $L 0 4096 1
fill $R 0 4096 1

log_primary()
{
	primary pri $L $R region_size 128 nosync dirty_log $G
}

log_primary
msg pri start primary
msg pri checkpoint >/dev/null
msg pri stop
fill /dev/mapper/pri 0 300 2
dm_remove pri

accepts_log()
{
	klog_since
	log_primary
	klog_has "superblock copy $1 is damaged: it cannot be read"
	equal "dirty" "$(dirty pri)" 3
	dm_remove pri
}

refuses_log()
{
	expect_errno "$1" log_primary
}

each_copy log accepts_log refuses_log
log_primary
equal "dirty" "$(dirty pri)" 3
msg pri start primary
wait_status pri ' 32/32 online '
same $L $R
