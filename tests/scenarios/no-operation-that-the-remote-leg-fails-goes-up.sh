# An error of the remote leg never reaches the workload, in each stage and
# whatever the operation: the leg is degraded, what may differ is dirty, and a
# resync makes the legs equal. Requests that need the remote leg fail.
# dmesg: I/O error
MODES=sync
. remote-fails.sh
