# The same as with a sync primary: an error of the local leg reaches the workload,
# whatever the operation and the stage, and what may differ is copied.
# dmesg: I/O error
MODES=async
. local-fails.sh
