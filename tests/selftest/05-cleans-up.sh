# What a scenario leaves behind is removed, however it is stacked and held.
# verdict: ok
linear below /dev/ram0
linear middle /dev/mapper/below
linear above /dev/mapper/middle
mke2fs -q /dev/mapper/above
mkdir -p /mnt/a
mount /dev/mapper/above /mnt/a
bash -c "sleep 1000; true" </dev/mapper/middle &
linear frozen /dev/ram1
dmsetup suspend frozen
setsid dd if=/dev/zero of=/dev/mapper/frozen bs=4k count=1 oflag=direct &
fill /dev/ram2 0 100 1
