# Messages, reloads, suspends and removals of a primary, a secondary and its
# inbound view at the same time, under I/O: each call ends, no acknowledged write
# is lost, and in the end all of it works and goes.
# limit: 120
# dmesg: I/O error
# soak
# stock: races between processors

dmesg -n 3
trap 'dmesg -n 7' EXIT
linear local /dev/ram0 0 4096
linear remote /dev/ram1 0 4096
linear log /dev/ram2 0 64
linear disk /dev/ram3 0 4096
linear buffer /dev/ram4 0 8192
check abuse -s "$SEED" -n $((40 * SOAK / SLOWNESS)) race
same /dev/mapper/local /dev/mapper/remote
msg sec stop
same /dev/mapper/sec /dev/mapper/disk
check within dmsetup remove in
check within dmsetup remove pri
check within dmsetup remove sec
dm_remove local remote log disk buffer
check rmmod dm_replication
