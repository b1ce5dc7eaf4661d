# An error of the local leg reaches the workload, in each stage and whatever the
# operation; what may differ becomes dirty and is copied. A read is served from
# the remote leg where that has the same data.
# dmesg: I/O error
# stock: what takes the place of zeroes that fail
MODES=sync
. local-fails.sh
