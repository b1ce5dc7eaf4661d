# Power of a primary is lost ten times in a row, also during the resync that
# follows the loss before; and the remote leg's host may go down as well, and
# fall back to a checkpoint from before that.
# dmesg: I/O error
# soak
modprobe recorder
echo 1 >/sys/kernel/rcu_expedited

check crash -s "$SEED" -e 2 -r 2 primary-again
check crash -s "$SEED" -a -y -e 2 -r 2 primary-again
