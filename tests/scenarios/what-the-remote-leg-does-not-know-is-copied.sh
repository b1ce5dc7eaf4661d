# A write of zeroes or a discard that the remote leg offers and then does not
# know does not degrade it, in sync and in async mode: the region is copied.
# stock: limits of discards and zeroes
. legs.sh

faulty local 8192
faulty remote 8192
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri

for mode in sync async; do
	note "$mode"
	primary pri $L $R region_size 128 $mode
	msg pri start primary
	wait_status pri ' 64/64 online '
	fill $P 0 8192 1
	msg pri checkpoint >/dev/null
	dmsetup message remote 0 forget zeroes discard
	before=$(asked remote write)
	op zeroes $P 136 16
	op discard $P 1280 64
	# waits until nothing is dirty
	check msg pri checkpoint
	matches "status" "$(status pri)" ' 64/64 online 0 - '
	equal "get_error" "$(msg pri get_error)" ok
	same $L $R
	equal "sectors written" $(($(asked remote write) - before)) 256
	dmsetup message remote 0 forget
	dm_remove pri
done
