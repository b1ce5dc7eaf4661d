# One boot of the secondary's host: what is there must be what HISTORY says, and
# what of LAST, the boot before, was committed. Then it does what TODO says.
until [ -b /dev/vdf ]; do
	sleep 0.1
done
modprobe dm-replication
secondary sec /dev/vde /dev/vdf
inbound in sec
# writes that go on have the disks to themselves, so that the merge takes long
msg sec merge_throttle 1

read -r _ stage epoch _ <<<"$(status sec)"
if [ "$BOOT" -eq 1 ]; then
	equal "stage" "$stage" none
	epoch=$(msg sec start secondary; status_field sec 3)
	stage=running
fi
case $FAILED_OVER$stage in
running)
	[ "$epoch" -eq "$ACKED" ] || [ "$epoch" -eq $((ACKED + 1)) ] ||
		fail "recovered at epoch $epoch, acknowledged were $ACKED"
	;;
1failover|1done)
	equal "epoch" "$epoch" "$ACKED"
	;;
failover|done)
	# not acknowledged, but asked for
	matches "the boot before" "$LAST" '^a:'
	equal "epoch" "$epoch" "$ACKED"
	;;
*)
	fail "recovered in stage $stage"
	;;
esac
case $LAST in
e:*) [ "$epoch" -lt "${LAST##*:}" ] || HISTORY+=" $LAST:$epoch" ;;
a:*) [ "$stage" = running ] || HISTORY+=" $LAST" ;;
esac
echo "@@ recovered $stage $epoch"
echo "@@ history $HISTORY"
# shellcheck disable=SC2086
check stamp check "$SEED" sec $HISTORY
echo "@@ verified"

case $TODO in
checkpoints)
	stamp checkpoints "$SEED" "$BOOT" "$epoch" sec in
	;;
failover)
	if [ "$stage" = running ]; then
		stamp failover "$SEED" "$BOOT" sec
	else
		stamp flushes "$SEED" "$BOOT" sec
	fi
	;;
flushes)
	stamp flushes "$SEED" "$BOOT" sec
	;;
end)
	msg sec merge_throttle 100
	wait_status sec '^secondary done '
	# shellcheck disable=SC2086
	check stamp check "$SEED" sec $HISTORY
	dm_remove in sec
	# shellcheck disable=SC2086
	check stamp check "$SEED" /dev/vde $HISTORY
	;;
esac
