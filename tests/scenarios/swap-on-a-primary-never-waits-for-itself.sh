# Swap on a primary, when memory is short: nothing waits for memory that only
# the primary could free, and each page comes back as it was. The ramdisks have
# all of their pages before.
# limit: 120
# soak

for n in 0 1; do
	fill /dev/ram$n 0 262144 1
done
linear local /dev/ram0
linear remote /dev/ram1
linear log /dev/ram2 0 64
fill /dev/mapper/log 0 64 1

for options in sync "async max_behind 8192" "dirty_log /dev/mapper/log async"; do
	note "$options"
	blkdiscard -f -z /dev/mapper/log
	# shellcheck disable=SC2086 # words
	primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 512 $options
	msg pri start primary
	mkswap /dev/mapper/pri >/dev/null
	swapon /dev/mapper/pri
	spawn hog -s "$SEED" -l 256 -m 320 -r "$SOAK"
	hog=$JOB
	n=0
	while kill -0 "$hog" 2>/dev/null; do
		msg pri checkpoint >/dev/null
		n=$((n + 1))
	done
	reap "$hog"
	note "$n checkpoints, $(written pri) sectors written"
	matches "status" "$(status pri)" '^primary running [0-9]+ [0-9]+/512 (online|resync) [0-9]+ - '
	swapoff /dev/mapper/pri
	msg pri checkpoint >/dev/null
	matches "status" "$(status pri)" ' 512/512 online 0 - '
	same /dev/mapper/local /dev/mapper/remote
	dm_remove pri
done
