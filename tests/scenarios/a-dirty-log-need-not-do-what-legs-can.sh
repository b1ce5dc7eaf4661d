# What a primary offers depends on its legs, not on its dirty log: discards and
# zeroes reach legs that know them when the log is on a device that does not.
# stock: limits of discards, null_blk
. legs.sh

modprobe null_blk nr_devices=1 memory_backed=1 gb=1
LOG=/dev/nullb0
faulty local 4096
faulty remote 4096
P=/dev/mapper/pri L=/dev/mapper/local R=/dev/mapper/remote
equal "the log's discards" "$(cat /sys/block/nullb0/queue/discard_max_bytes)" 0
primary pri $L $R nosync region_size 128 dirty_log $LOG
msg pri start primary
fill $P 0 4096 1
for op in zeroes discard; do
	local=$(asked local $op) remote=$(asked remote $op)
	op $op $P 256 128
	equal "$op, local" $(($(asked local $op) - local)) 128
	equal "$op, remote" $(($(asked remote $op) - remote)) 128
	fill $P 256 128 1
done
msg pri checkpoint >/dev/null
same $L $R
dm_remove pri
