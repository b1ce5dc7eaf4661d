# The same with a buffer that holds few operations: epochs fill it up, and the
# merge must keep up.
# limit: 120
# soak
# short

for n in 1 2; do
	replica 16384 $((4096 * n))
	[ $n -ne 2 ] || slow disk 5
	check model -s $((SEED + n)) -n 600 -c 30 -f -d /dev/mapper/disk sec in
	dm_remove in sec disk buffer
	blkdiscard -f -z /dev/ram1
done
