# Random operations on both views, with checkpoints and a failover, read what
# a model in memory says.
# limit: 120
# soak

M=/dev/mapper
for n in 1 2 3; do
	replica 16384 131072
	[ $n -ne 2 ] || slow disk 5
	check model -s $((SEED + n)) -n 800 -c 40 -D -f -d $M/disk sec in
	dm_remove in sec disk buffer
	blkdiscard -f -z /dev/ram1
done
