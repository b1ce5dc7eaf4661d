# Allocations of the module fail at random, in whatever context, while both
# views are used and checkpoints are taken: a write or message may say ENOMEM,
# and everything that is read is what a model in memory says.
# kernels: debug
# short
. faults.sh

replica 16384 131072
only_the_module
note "no memory at all"
A=/dev/mapper/sec I=/dev/mapper/in
fill $I 0 512 1
msg sec start secondary
fill $I 0 8 2
fill $A 8 8 3
fails_at_random 100
for view in $I $A; do
	expect_errno ENOMEM pattern write "$view" 100 8 4
	expect_errno ENOMEM op discard "$view" 100 8
	op flush "$view"
done
matches "get_error" "$(msg sec get_error)" '^ENOMEM inbound write 100 '
# they have their place
op write $I 0 8 5
op write $A 8 8 5
for what in checkpoint checkpoint_all stop 'stop failover' stop_all; do
	# shellcheck disable=SC2086 # words
	expect_errno ENOMEM msg sec $what
done
equal "inbound" "$(tags $I 0 128)" '5x8 1x120'
equal "active" "$(tags $A 0 128)" '1x8 5x8 1x112'
enough_memory
fill $I 100 8 4
equal "epoch" "$(msg sec checkpoint)" 2
equal "active" "$(tags $A 0 128)" '5x8 1x92 4x8 1x20'
msg sec stop
dm_remove in sec
op zeroes /dev/mapper/buffer 0 8
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec

for percent in 1 5 20; do
	note "$percent percent of all allocations"
	fails_at_random "$percent"
	check model -s $((SEED + percent)) -n 400 -c 40 -t 2 -D -m sec in
	enough_memory
	# what is committed is merged when there is memory again
	msg sec checkpoint >/dev/null
	note "$(status sec)"
	wait_status sec '^secondary running [0-9]+ 0/'
	msg sec stop
	matches "status" "$(status sec)" '^secondary done '
	same /dev/mapper/sec /dev/mapper/disk
	dm_remove in sec
	op zeroes /dev/mapper/buffer 0 8
	secondary sec /dev/mapper/disk /dev/mapper/buffer
	inbound in sec
done
! klog_lines | grep 'failed:  *(error' || fail "a message that failed does not say why"
