# The same, witnessed by the kernel's own dm-log-writes under one device of which
# disk and buffer are parts: its log is replayed up to each of its entries.
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -e 6 -p 6 -w every
