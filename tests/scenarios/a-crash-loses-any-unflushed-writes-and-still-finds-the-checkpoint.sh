# Of the writes that were not flushed when power is lost any may be lost, or be
# there in part, whatever their order was.
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -e 5 -p 4 -n 300 subsets
