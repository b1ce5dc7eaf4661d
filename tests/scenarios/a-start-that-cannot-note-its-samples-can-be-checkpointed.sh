# The last superblock of a start says how to know the disk again, and cannot be
# written: the start has succeeded without it, and so do checkpoints.
# dmesg: I/O error
. stages.sh

below
at none
dmsetup message buffer 0 hold write
spawn msg sec start secondary
wait_held buffer 1
# the first one goes, then comes the other
dmsetup message buffer 0 hold write
wait_held buffer 1
fails buffer write
klog_since
dmsetup message buffer 0 hold
reap "$JOB"
klog_has 'it will not know its disk again'
fails buffer
fill "$I" 64 64 2
equal "epoch" "$(msg sec checkpoint)" 2
equal "active" "$(tags "$A" 0 192)" '1x64 2x64 1x64'
