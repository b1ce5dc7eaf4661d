# Power is lost during a recovery, or in what follows it, ten times in a row:
# each time what was found before is found again, with what was committed since.
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -e 3 -r 12 again
