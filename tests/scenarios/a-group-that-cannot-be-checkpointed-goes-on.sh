# A group in which the remote leg of a primary is the inbound view of a secondary
# of the same group, which is let go last: when another member fails the
# checkpoint, all of them go on, under I/O.
# dmesg: I/O error
. legs.sh

linear local /dev/ram0 0 32768
linear disk /dev/ram1 0 32768
linear buffer /dev/ram2 0 131072
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
primary pri /dev/mapper/local /dev/mapper/in nosync group g
msg sec start secondary
msg pri start primary

fio --name=load --filename=/dev/mapper/pri --rw=randwrite --bs=4k --iodepth=16 --direct=1 \
	--size=4m --ioengine=io_uring --time_based --runtime=100000 >/dev/null 2>&1 &
load=$!
busy local
for _ in {1..5}; do
	faulty disk1 4096
	faulty buffer1 8192
	secondary sec1 /dev/mapper/disk1 /dev/mapper/buffer1 group g
	msg sec1 start secondary
	# who changes the group comes last there
	for group in other g; do
		dm_load sec "0 32768 replication secondary /dev/mapper/disk /dev/mapper/buffer 2 group $group"
	done
	check within dmsetup message pri 0 checkpoint_all
	busy local
	fails buffer1 flush
	expect_errno EIO within dmsetup message pri 0 checkpoint_all
	busy local
	dm_remove sec1 disk1 buffer1
done
end "$load"
check within dmsetup message pri 0 stop_all
same /dev/mapper/local /dev/mapper/disk
dm_remove pri in sec
