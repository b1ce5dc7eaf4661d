# Suspend, resume and reload of a secondary and of its inbound view, with I/O,
# checkpoints and the merge going on: nothing fails, nothing is lost.
# limit: 120
# short
# stock: suspends of dm, processors

replica 16384 65536
slow disk 3
run_model()
{
	model -r -s "$SEED" -n 1200 -t 3 -c 30 -l 64 -f -d /dev/mapper/disk sec in >/tmp/model 2>&1
}
spawn run_model
load=$JOB
in_table=$(table in)
sec_table=$(table sec)
rounds=0
while kill -0 "$load" 2>/dev/null; do
	for options in '' --noflush; do
		# shellcheck disable=SC2086
		for name in sec in; do
			check within dmsetup suspend $options $name
			matches "status" "$(status $name)" ' '
			check within dmsetup resume $name
		done
		# shellcheck disable=SC2086
		within bash -c '. /t/guest/lib.sh; dm_load "$@"' - in "$in_table" $options
		# shellcheck disable=SC2086
		within bash -c '. /t/guest/lib.sh; dm_load "$@"' - sec "$sec_table" $options
		# shellcheck disable=SC2086
		within bash -c '. /t/guest/lib.sh; dm_load "$@"' - sec \
			"${sec_table% 0} 4 high_watermark $((50 + rounds % 50)) group g$rounds" $options
		sleep 0.1
	done
	rounds=$((rounds + 1))
done
cat /tmp/model
note "$rounds rounds"
reap "$load"
[ $rounds -ge 2 ] || fail "too fast to mean anything"
