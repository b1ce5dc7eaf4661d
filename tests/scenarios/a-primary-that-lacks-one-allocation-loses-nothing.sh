# One allocation fails that the module makes, in whatever context, then a later
# one and so on, while a primary is written to, resyncs, verifies, cuts. What was
# asked for is done, or it says ENOMEM; what a worker could not do is done when
# there is memory; nothing is lost.
# kernels: debug
. faults.sh

L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
TAG=0

faulty local 4096
faulty remote 4096
faulty log 64
only_the_module

# regions that are dirty, and not all of them
resync_before()
{
	TAG=$((TAG + 1))
	msg pri stop failover
	fill $P 0 8 $TAG
	fill $P 1500 100 $TAG
	op discard $P 3072 128
}
resync()
{
	lacking msg pri start primary || return 0
	wait_status pri ' (online 0|.* ENOMEM) '
}
resync_after()
{
	[[ $(status pri) =~ ^'primary running ' ]] || again msg pri start primary
	wait_status pri ' 4/4 online 0 '
	same $L $R
	holds $P 0 8 $TAG
	holds $P 1500 100 $TAG
}

verify_before()
{
	wait_status pri ' 4/4 online 0 '
}
verify()
{
	lacking msg pri verify || return 0
	wait_status pri ' ended:'
}
verify_after()
{
	wait_status pri ' 4/4 online 0 '
}

# nobody who writes is told that there is no memory
writes_before()
{
	TAG=$((TAG + 1))
}
writes()
{
	check pattern write $P 0 8 $TAG
	check pattern write $P 1000 40 $TAG
	check op zeroes $P 2048 16
	check op flush $P
	lacking msg pri checkpoint || :
}
writes_after()
{
	wait_status pri ' 4/4 online 0 '
	again msg pri checkpoint
	same $L $R
	holds $P 1000 40 $TAG
}

for mode in sync async; do
	op zeroes /dev/mapper/log 0 8
	primary pri $L $R region_size 1024 dirty_log /dev/mapper/log "$mode"
	msg pri start primary
	wait_status pri ' 4/4 online 0 '
	each_lacking writes
	each_lacking resync
	each_lacking verify
	dm_remove pri
done
