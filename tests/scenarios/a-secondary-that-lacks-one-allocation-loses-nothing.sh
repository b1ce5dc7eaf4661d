# One allocation fails that the module makes, in whatever context, then a later
# one and so on, while a secondary is written to, commits, merges, fails over.
# What was asked for is done, or it says ENOMEM; what a worker could not do is
# done when there is memory; nothing is lost.
# kernels: debug
. faults.sh

I=/dev/mapper/in A=/dev/mapper/sec
TAG=0

replica 4096 8192
only_the_module
msg sec start secondary

views_before()
{
	TAG=$((TAG + 1))
}
views()
{
	lacking pattern write $I 0 24 $TAG || :
	lacking op discard $I 64 8 || :
	lacking op zeroes $A 128 16 || :
	lacking pattern write $A 200 8 $TAG || :
}
views_after()
{
	again pattern write $I 0 24 $TAG
	again op discard $I 64 8
	holds $I 0 24 $TAG
	again msg sec checkpoint
	wait_status sec '^secondary running [0-9]+ 0/'
	holds $A 0 24 $TAG
}

# three kinds of ranges, that are not in one piece
merge_before()
{
	# its first error is forgotten
	msg sec stop
	msg sec start secondary
	TAG=$((TAG + 1))
	fill $I 0 24 $TAG
	fill $I 40 8 $TAG
	op zeroes $I 64 8
	op discard $I 80 8
}
merge()
{
	lacking msg sec checkpoint || return 0
	wait_status sec '^secondary running [0-9]+ (0/|.* ENOMEM )'
}
merge_after()
{
	again msg sec checkpoint
	wait_status sec '^secondary running [0-9]+ 0/'
	same $A /dev/mapper/disk
	holds $A 0 24 $TAG
	holds $A 40 8 $TAG
	is_zero $A 64 8
}

# writes while it is merged, and a flush of them
failover_before()
{
	TAG=$((TAG + 1))
	msg sec start secondary
	fill $A 0 24 $TAG
	fill $A 40 8 $TAG
}
failover()
{
	lacking msg sec stop failover || return 0
	lacking pattern write $A 4 8 $((TAG + 1)) || :
	lacking op flush $A || :
	wait_status sec '^secondary (done |.* ENOMEM )'
}
failover_after()
{
	[[ $(status sec) =~ ^'secondary '(failover|done)' ' ]] || again msg sec stop failover
	again pattern write $A 4 8 $((TAG + 1))
	wait_status sec '^secondary done '
	same $A /dev/mapper/disk
	holds $A 0 4 $TAG
	holds $A 4 8 $((TAG + 1))
	holds $A 12 12 $TAG
	TAG=$((TAG + 1))
}

each_lacking views
each_lacking merge
msg sec stop
each_lacking failover
dm_remove in sec
