# The kernel fails requests to the devices below at random, of any kind and in
# whatever context. Those to the remote leg no workload sees. Of those to the local
# leg or a dirty log the error goes up, and when they are mended both legs can be made
# equal. Of those to a disk or buffer it goes up, and a checkpoint that was answered
# is whole.
# kernels: debug
# dmesg: I/O error|Buffer I/O|FAULT_INJECTION

FAULT=/sys/kernel/debug/fail_make_request
# fail_some PERCENT DEV...
fail_some()
{
	local dev
	for dev in ram{0..4}; do
		echo 0 >"/sys/block/$dev/make-it-fail"
	done
	for dev in "${@:2}"; do
		echo 1 >"/sys/block/$dev/make-it-fail"
	done
	echo 0 >$FAULT/verbose
	echo 0 >$FAULT/interval
	echo "$1" >$FAULT/probability
	echo 100000 >$FAULT/times
}

# fail_no_more [LEAST]: so many must have; how many did is in $FAILED
fail_no_more()
{
	echo 0 >$FAULT/probability
	FAILED=$((100000 - $(cat $FAULT/times)))
	note "$FAILED requests failed"
	[ "$FAILED" -ge "${1:-0}" ] || fail "too few requests failed"
}
trap 'echo 0 >$FAULT/probability' EXIT

# flood READ_OR_WRITE: some thousand of them, whatever fails; fio must have seen errors
flood()
{
	local said
	said=$(fio --name=flood --filename=$P --direct=1 --thread --ioengine=libaio --iodepth=16 \
		--rw="$1" --bs=4k --size=16m --norandommap --randseed="$SEED" \
		--continue_on_error=all 2>&1) || true
	matches "fio" "$said" 'errors *: *total=[0-9]+, first_error=5/'
}

# taken_up: the remote leg is, and both are equal
taken_up()
{
	msg pri stop
	msg pri start primary
	wait_status pri ' online 0 - '
	msg pri checkpoint >/dev/null
	same /dev/ram0 /dev/ram1 0 65536
}

P=/dev/mapper/pri
for mode in sync async; do
	note "the remote leg, $mode"
	primary pri /dev/ram0 /dev/ram1 nosync region_size 128 "$mode"
	msg pri start primary
	for round in 1 2 3; do
		fail_some 1 ram1
		# shellcheck disable=SC2034 # as often as there is an online leg
		for pass in 1 2 3; do
			fill $P 0 65536 $round
			[[ $(status pri) != *' degraded '* ]] || break
			msg pri checkpoint >/dev/null 2>&1 || break
		done
		fail_no_more
		wait_status pri ' degraded '
		expect_errno EIO msg pri checkpoint
		holds $P 0 65536 $round
		taken_up
	done
	dm_remove pri
done

for mode in sync async; do
	note "the local leg, $mode"
	primary pri /dev/ram0 /dev/ram1 nosync region_size 128 "$mode"
	msg pri start primary
	for round in 4 5 6; do
		fail_some 5 ram0
		flood randrw
		fail_no_more 2
		fill $P 0 65536 $round
		holds $P 0 65536 $round
		taken_up
		holds $P 0 65536 $round
	done
	dm_remove pri

	note "the dirty log, $mode"
	blkdiscard -f -z -l 4096 /dev/ram4
	log="nosync region_size 128 $mode dirty_log /dev/ram4"
	# shellcheck disable=SC2086 # words
	primary pri /dev/ram0 /dev/ram1 $log
	msg pri start primary
	for round in 7 8 9; do
		fail_some 50 ram4
		# each region needs a mark
		flood randwrite
		fail_no_more 2
		fill $P 0 65536 $round
		# what was sent since the last but one stays marked
		for _ in 1 2 3; do
			msg pri checkpoint >/dev/null
		done
		same /dev/ram0 /dev/ram1 0 65536
		dm_remove pri
		# shellcheck disable=SC2086 # words
		primary pri /dev/ram0 /dev/ram1 $log
		equal "clean regions" "$(status_field pri 4)" "2048/2048"
		msg pri start primary
		holds $P 0 65536 $round
	done
	dm_remove pri
done

note "the disk and the buffer of a secondary"
blkdiscard -f -z -l 4096 /dev/ram3
secondary sec /dev/ram2 /dev/ram3
inbound in sec
I=/dev/mapper/in A=/dev/mapper/sec
fill $I 0 8192 1
msg sec start secondary
epoch=1 good=1 all=0
for tag in {2..13}; do
	fail_some 4 ram2 ram3
	written=1
	pattern write $I 0 8192 "$tag" 2>/dev/null || written=''
	if [ -n "$written" ] && said=$(msg sec checkpoint 2>&1); then
		epoch=$((epoch + 1)) good=$tag
		equal "epoch" "$said" $epoch
	fi
	fail_no_more
	all=$((all + FAILED))
	equal "epoch" "$(status_field sec 3)" $epoch
	# removed and recovered: what was answered is there
	dm_remove in sec
	secondary sec /dev/ram2 /dev/ram3
	inbound in sec
	matches "status" "$(status sec)" "^secondary running $epoch "
	holds $A 0 8192 "$good"
done
note "$all requests failed, $((epoch - 1)) of 12 checkpoints did not"
[ $all -gt 0 ] || fail "no request failed"
msg sec stop
wait_status sec '^secondary done '
