# The smallest buffer there is, and epochs that fill it: its space is used again
# and again, and what does not fit is refused.
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -b 1088 -f -e 4 -p 4 -n 300 subsets
