# Random operations on all devices of a pair, with random faults: the link fails,
# either host crashes, devices are suspended, reloaded, removed and made again,
# the standby takes over and the two change places. What is read is what a model
# says, and at each checkpoint both legs are equal.
# limit: 180
# dmesg: I/O error
# soak

dmesg -n 3
trap 'dmesg -n 7' EXIT
linear one /dev/ram0 0 4096
linear two /dev/ram1 0 4096
linear buffer /dev/ram2 0 65536
linear log /dev/ram3 0 64
linear link /dev/ram4 0 4096
check abuse -s "$SEED" -n $((60 * SOAK / SLOWNESS)) pair
dm_remove link one two buffer log
check rmmod dm_replication
