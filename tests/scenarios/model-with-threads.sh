# The same with several threads, each on a part of the device of its own.
# limit: 120
# soak
# stock: races between processors

replica 32768 131072
slow disk 20
check model -s "$SEED" -t 4 -n 300 -c 50 -l 128 -D -f -d /dev/mapper/disk sec in
