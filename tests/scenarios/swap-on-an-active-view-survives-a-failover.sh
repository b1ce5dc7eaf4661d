# Swap on a secondary's active view, when a program's share of the memory is
# short, before a failover, through it, and during the merge: each page comes back
# as it was.
# limit: 120
# soak

for n in 0 1; do
	fill /dev/ram$n 0 262144 1
done
blkdiscard -f -z -l 4096 /dev/ram1
replica 196608 262144
msg sec start secondary
mkswap /dev/mapper/sec >/dev/null
swapon /dev/mapper/sec
# Where all of the guest is short of memory it swaps programs out too, and the
# emulator takes minutes for what is written where they were.
G=/sys/fs/cgroup
mountpoint -q $G || mount -t cgroup2 cgroup2 $G
echo +memory >$G/cgroup.subtree_control
mkdir $G/hog
trap 'rmdir $G/hog || true' EXIT
echo 32M >$G/hog/memory.max
# shellcheck disable=SC2016 # of the shell that goes there
spawn bash -c 'echo $$ >/sys/fs/cgroup/hog/cgroup.procs; exec "$@"' - \
	hog -s "$SEED" -l 1000000 -m 100 -r $((4 * SOAK))
hog=$JOB
until [ "$(status_field sec 6)" -gt 65536 ]; do
	still_running "$hog"
done
note "failover: $(status sec)"
msg sec stop failover
still_running "$hog"
note "merge: $(status sec)"
reap "$hog"
swapoff /dev/mapper/sec
wait_status sec '^secondary done .* -( |$)'
same /dev/mapper/sec /dev/mapper/disk
equal "get_error" "$(msg sec get_error)" not-running
