# checkpoint_all on a group of synchronous primaries is one cut through all of
# them while the workload goes on: when the flush comes to the remote legs, none
# has a write that was submitted because of one that another leg lacks.
# soak
modprobe recorder
# A slow kernel's checkpoints take long, the writers go on meanwhile, and the recorder's
# log has room for so many of these rounds, and half of them for one device.
rounds=$((30 / SLOWNESS / SLOWNESS))

for n in 0 1 2; do
	linear local$n /dev/ram$n 0 4096
	dm_create remote$n "0 4096 recorder $n"
	primary pri$n /dev/mapper/local$n /dev/mapper/remote$n nosync region_size 128 group a
done
msg pri0 start_all primary
check consistent -s "$SEED" -n $rounds -t 6 -r remote0 pri0 pri1 pri2
note "of one device alone it is a cut too"
for n in 0 1 2; do
	check blkdiscard -f -z /dev/mapper/pri$n
done
check consistent -s "$SEED" -n $((rounds / 2)) -t 6 -r remote0 pri0
msg pri0 checkpoint_all
for n in 0 1 2; do
	same /dev/mapper/local$n /dev/mapper/remote$n
done
