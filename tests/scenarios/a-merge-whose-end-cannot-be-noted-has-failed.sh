# After a failover all is merged, and the superblock that says so fails: the stage
# is failover_failed, nothing is lost, and another stop is enough. So is a restart.
# dmesg: I/O error
. legs.sh

D=/dev/mapper/disk B=/dev/mapper/buffer A=/dev/mapper/sec
faulty disk 4096
faulty buffer 8192

for way in stop restart; do
	note "$way"
	op zeroes $B 0 8
	fill $D 0 4096 1
	secondary sec $D $B
	inbound in sec
	msg sec start secondary
	fill /dev/mapper/in 0 512 2
	msg sec checkpoint >/dev/null
	wait_status sec '^secondary running 2 [^ ]* 0 0 0 - '
	fill $A 1024 512 3
	dmsetup message disk 0 hold flush
	msg sec stop failover
	wait_held disk 1
	# one superblock says what is merged, the next one that it was all
	dmsetup message buffer 0 hold write
	dmsetup message disk 0 hold
	wait_held buffer 1
	dmsetup message buffer 0 hold write
	wait_held buffer 1
	matches "status" "$(status sec)" '^secondary failover 2 '
	fails buffer fua
	dmsetup message buffer 0 hold
	wait_status sec '^secondary (failover_failed|done) '
	matches "status" "$(status sec)" '^secondary failover_failed 2 .* EIO '
	matches "get_error" "$(msg sec get_error)" '^EIO buffer write '
	equal "active" "$(tags $A 0 2048)" '2x512 1x512 3x512 1x512'
	fails buffer
	dm_remove in
	if [ $way = stop ]; then
		msg sec stop failover
	else
		dm_remove sec
		secondary sec $D $B
	fi
	wait_status sec '^secondary done 2 [^ ]* 0 0 0 '
	equal "active" "$(tags $A 0 2048)" '2x512 1x512 3x512 1x512'
	same $A $D
	dm_remove sec
done
