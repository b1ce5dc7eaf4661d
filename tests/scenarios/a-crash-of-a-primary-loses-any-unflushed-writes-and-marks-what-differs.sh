# Of the writes to local leg and log that were not flushed when power is lost any
# may be lost, or be there in part. The remote leg has what it has answered, or
# is back at its host's last checkpoint.
# dmesg: I/O error
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -y -e 3 -n 300 primary-subsets
