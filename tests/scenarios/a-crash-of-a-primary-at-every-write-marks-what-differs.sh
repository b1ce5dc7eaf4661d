# Power is lost after each event on a primary's legs and log: the local leg has
# what was flushed, every region in which the legs differ is marked in the dirty
# log, and a resync of these makes both legs equal.
# dmesg: I/O error
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -e 3 -n 300 primary-every
