# Allocations of the module fail at random, in whatever context, while a primary
# is written to and takes checkpoints: the workload sees no error, messages may
# say ENOMEM, and in the end both legs have what was written last.
# kernels: debug
# short
. faults.sh

L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
faulty local 8192
faulty remote 8192
faulty log 64
only_the_module

# ask MESSAGE...: until there is memory for it
ask()
{
	until lacking msg pri "$@"; do
		:
	done
}

for mode in sync async; do
	for percent in 1 5 20; do
		note "$mode, $percent percent of all allocations"
		op zeroes /dev/mapper/log 0 8
		primary pri $L $R region_size 128 dirty_log /dev/mapper/log "$mode"
		fails_at_random "$percent"
		ask start primary
		for tag in 1 2 3; do
			spawn fill $P 0 8192 "$tag"
			ask verify
			ask checkpoint
			ask checkpoint_all
			reap "$JOB"
			ask verify stop
			ask changed_since "$(status_field pri 3)"
		done
		enough_memory
		wait_status pri ' (online|degraded) '
		matches "status" "$(status pri)" ' online 0 - '
		msg pri checkpoint >/dev/null
		same $L $R
		holds $P 0 8192 3
		dm_remove pri
	done
done
! klog_lines | grep 'failed:  *(error' || fail "a message that failed does not say why"
