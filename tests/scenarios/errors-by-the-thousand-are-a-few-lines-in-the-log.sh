# Devices below that fail each request fail thousands: the kernel log has the first one
# of each replication, whatever the others log, and ten lines in five seconds beside.
# dmesg: I/O error
. legs.sh

faulty local 24576
faulty remote 24576
faulty disk 24576
faulty buffer 32768
primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
msg pri start primary
msg sec start secondary
fails local read
fails remote read
fails disk read

# reads, of which each fails
FLOOD=(fio --name=flood --filename=/dev/mapper/pri --direct=1 --thread --ioengine=libaio
	--iodepth=8 --rw=randread --bs=4k --norandommap --randseed="$SEED" --continue_on_error=all)

klog_since
said=$("${FLOOD[@]}" 2>&1) || true
matches "fio" "$said" 'errors *: *total=3072,'
read -r count seconds <<<"$(klog_lines |
	awk -F '[][ .]+' '/replication: pri: EIO / { if (!n++) first = $2; last = $2 }
		END { print n + 0, last - first }')"
note "$count lines in $seconds s"
[ "$count" -gt 0 ] || fail "the kernel log says nothing"
[ "$count" -le $((1 + 10 * (seconds / 5 + 2))) ] || fail "too many lines in the kernel log"
matches "get_error" "$(msg pri get_error)" '^EIO (local|remote) read [0-9]+ '

note "the first error of another one, meanwhile"
spawn "${FLOOD[@]}" --time_based --runtime=100 --output=/dev/null
klog_since
until klog_lines | grep 'callbacks suppressed' >/dev/null; do
	still_running "$JOB"
	sleep 0.1
done
expect_errno EIO op read /dev/mapper/in 0 8 1
klog_has 'replication: sec: EIO disk read at sector 0:'
end "$JOB"
equal "get_error" "$(msg sec get_error | cut -d ' ' -f -4)" 'EIO disk read 0'
