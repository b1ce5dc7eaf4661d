# A superblock or a block of marks that was being written when power was lost is
# cut at any of its sectors. Regions are small, so that their marks take more
# than one sector.
# dmesg: I/O error
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -y -l 32768 -g 8 -e 2 -n 120 primary-torn
