# Power is lost before, while and after a failover is committed, and at every
# step of the merge that follows, with writes and flushes going on: all that was
# flushed is found.
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -e 2 -p 12 -r 3 -n 160 failover
