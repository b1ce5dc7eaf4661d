# The same as with a sync primary: an error of the remote leg never reaches the
# workload, whatever the operation and the stage.
# dmesg: I/O error
MODES=async
. remote-fails.sh
