# Power is lost after each event on disk and buffer: what is recovered is the
# last checkpoint that was acknowledged, or the one that was being taken.
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -e 2 -p 2 every
