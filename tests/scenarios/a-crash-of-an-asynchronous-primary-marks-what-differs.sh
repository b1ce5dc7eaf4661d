# The same of an asynchronous primary, whose remote leg is behind: at every
# event, and with any of the writes lost that were not flushed.
# dmesg: I/O error
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -a -e 3 -n 150 primary-every
check crash -s "$SEED" -a -m 64 -e 3 -n 150 primary-subsets
