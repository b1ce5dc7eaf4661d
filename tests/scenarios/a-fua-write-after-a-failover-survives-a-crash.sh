# After a failover a write with FUA, to what is committed and not merged yet, is
# found after a crash, and no flush is needed for that: with disks that have no
# volatile cache, which never see FUA, as well.
# stock: FUA without a volatile cache
. legs.sh

A=/dev/mapper/sec
linear disk /dev/ram0 0 32768
linear buffer /dev/ram1 0 131072
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
msg sec start secondary
fill /dev/mapper/in 0 32768 1
# nothing is merged
slow buffer $((30000 * SLOWNESS)) reads
msg sec checkpoint >/dev/null
msg sec stop failover

# without waiting, so that the kernel adds no flush
check fio --name=fua --filename=$A --ioengine=libaio --direct=1 --sync=dsync --rw=write \
	--bs=4k --offset=$((32000 * 512)) --size=4k --buffer_pattern=0x5a --minimal >/dev/null
matches "status" "$(status sec)" '^secondary failover '
dd if=/dev/ram0 of=/dev/ram2 bs=1M count=16 iflag=direct oflag=direct status=none
dd if=/dev/ram1 of=/dev/ram3 bs=1M count=64 iflag=direct oflag=direct status=none
linear disk2 /dev/ram2 0 32768
linear buffer2 /dev/ram3 0 131072
secondary sec2 /dev/mapper/disk2 /dev/mapper/buffer2
same $A /dev/mapper/sec2 32000 8
holds /dev/mapper/sec2 0 32000 1
dm_remove sec2

slow buffer 0 reads
wait_status sec '^secondary done '
same $A /dev/mapper/disk
