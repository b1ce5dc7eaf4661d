# A checkpoint has every write acknowledged before it, and with any write all
# that were acknowledged before that one was submitted.
# soak
# stock: races between processors

replica 16384 65536
linear local /dev/ram2 0 16384
msg sec start secondary
note "straight to the inbound view"
check consistent -s "$SEED" -n 10 sec in
note "while the merge is slow"
slow disk 5
check blkdiscard -f -z /dev/mapper/in
check consistent -s "$SEED" -n 8 -t 4 sec in
slow disk 0
note "while writes to the buffer take their time: some are always in flight"
slow buffer 5
check blkdiscard -f -z /dev/mapper/in
check consistent -s "$SEED" -n 8 -t 4 sec in
slow buffer 0
note "through a primary"
check blkdiscard -f -z /dev/mapper/in
primary pri /dev/mapper/local /dev/mapper/in nosync
msg pri start primary
check consistent -s "$SEED" -n 8 -p pri sec pri
same /dev/mapper/local /dev/mapper/in
