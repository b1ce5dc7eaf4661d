# replication_check and replication_dump refuse a live buffer; of one that was
# left with committed data they tell what is in it, and that the disk is its own.
# dmesg: I/O error
replica 16384 4096
I=/dev/mapper/in

fill $I 0 16384 1
msg sec start secondary
fill $I 0 100 2
fill $I 7000 333 4
# nothing is merged
break_device disk writes
msg sec checkpoint
fill $I 40 100 5
msg sec checkpoint

for tool in replication_check replication_dump; do
	for dev in /dev/ram1 /dev/mapper/buffer; do
		out=$($tool $dev) && fail "$tool reads $dev, which is in use"
		matches "$tool $dev" "$out" "$dev is in use"
	done
done

dm_remove in sec
mend_device disk /dev/ram0
said=$(replication_check --disk /dev/mapper/disk /dev/mapper/buffer) ||
	fail "replication_check: $said"
note "$said"
matches "check" "$said" 'stage running, epoch 3, merged up to epoch 1'
matches "check" "$said" 'chain: 2 summaries'
matches "check" "$said" 'buffer: fine'

said=$(replication_dump /dev/mapper/buffer)
note "$said"
matches "dump" "$said" 'range epoch=2 sector=0 sectors=40 kind=data place='
matches "dump" "$said" 'range epoch=3 sector=40 sectors=100 kind=data place='
matches "dump" "$said" 'range epoch=2 sector=7000 sectors=333 kind=data place='

# A disk that somebody else wrote to.
fill /dev/mapper/disk 8192 8 9
said=$(replication_check --disk /dev/mapper/disk /dev/mapper/buffer) &&
	fail "replication_check finds the disk unchanged"
matches "changed" "$said" 'sample 32: the disk has changed at sector 8192'
