# Table lines and messages from a grammar, half of them with mutations: what is
# right is taken, and comes back as it was; what is wrong is refused, the kernel
# log says why, and nothing is left of it. No data is touched. 100,000 of them
# with --soak 10.
# limit: 120
# soak

# a line each is too much for the console; what is worse still gets there
dmesg -n 3
trap 'dmesg -n 7' EXIT
linear local /dev/ram0 0 4096
linear remote /dev/ram1 0 4096
linear log /dev/ram2 0 64
linear disk /dev/ram3 0 4096
linear buffer /dev/ram4 0 8192
linear l2 /dev/ram5 0 4096
linear r2 /dev/ram5 4096 4096
linear d2 /dev/ram6 0 8192
linear tiny /dev/ram6 8192 2048
linear g2 /dev/ram7 0 64
linear b2 /dev/ram7 64 4096
linear small /dev/ram7 8192 16
M=/dev/mapper
full=(local remote disk l2 r2 d2 tiny)
for name in "${full[@]}"; do
	fill "$M/$name" 0 "$(sectors "$M/$name")" 1
done
primary pri $M/local $M/remote nosync region_size 128 dirty_log $M/log
secondary sec $M/disk $M/buffer
inbound in sec
check abuse -s "$SEED" -n $((10000 * SOAK / SLOWNESS)) grammar
dm_remove in pri sec
for name in "${full[@]}"; do
	holds "$M/$name" 0 "$(sectors "$M/$name")" 1
	dm_remove "$name"
done
dm_remove log buffer g2 b2 small
check rmmod dm_replication
