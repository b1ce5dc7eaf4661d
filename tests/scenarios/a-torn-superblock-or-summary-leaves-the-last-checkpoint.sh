# A superblock or summary that was being written when power was lost is cut at
# any of its sectors.
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -e 3 -p 3 -n 400 torn
