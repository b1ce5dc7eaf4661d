# `resync_throttle`: a resync with a low share takes longer, and it ends; status
# shows how fast it is. It can be changed in the middle of it.
. legs.sh

linear local /dev/ram0 0 8192
linear remote /dev/ram1 0 8192
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
fill $L 0 8192 1
primary pri $L $R region_size 128

note "what it can be"
for share in 0 101 1000 x 50% '' 4294967297; do
	# shellcheck disable=SC2086 # one word or none
	expect_errno EINVAL msg pri resync_throttle $share
done
expect_errno EINVAL msg pri resync_throttle 50 60
for share in 1 50 100; do
	check msg pri resync_throttle $share
done

# resync SHARE: of all 64 regions; how long, in ms, is in $TOOK
resync()
{
	local began line rate
	msg pri resync_throttle "$1"
	equal "speed before" "$(status_field pri 8)" -
	began=$(date +%s%3N)
	msg pri start primary
	until [ "$(dirty pri)" -lt 60 ]; do
		:
	done
	line=$(status pri)
	matches "status" "$line" ' resync 0 - [0-9]+ -$'
	rate=$(cut -d ' ' -f 8 <<<"$line")
	[ "$rate" -gt 0 ] || fail "speed in a resync: $rate"
	wait_status pri ' 64/64 online '
	TOOK=$(($(date +%s%3N) - began))
	equal "speed afterwards" "$(status_field pri 8)" -
	note "share $1: $TOOK ms; $rate sectors/s early"
	same $L $R
	msg pri stop
	fill $P 0 8192 "$1"
}

slow remote $((20 * SLOWNESS))
resync 100
whole=$TOOK
resync 20
[ "$TOOK" -gt $((whole * 2)) ] || fail "a share of 20% took $TOOK ms, all of it $whole ms"

note "changed in the middle"
msg pri resync_throttle 1
msg pri start primary
until [ "$(dirty pri)" -lt 64 ]; do
	:
done
n=$(dirty pri)
msg pri resync_throttle 100
wait_status pri ' 64/64 online '
[ "$n" -gt 50 ] || fail "a share of 1% left $n of 64 regions"
same $L $R

note "suspend, stop and removal do not wait for it"
msg pri stop
fill $P 0 8192 2
msg pri resync_throttle 1
msg pri start primary
until [ "$(dirty pri)" -lt 64 ]; do
	:
done
began=$(date +%s)
check within dmsetup suspend pri
check within dmsetup resume pri
check within dmsetup message pri 0 stop failover
check within dmsetup message pri 0 start primary
check within dmsetup remove pri
note "$(($(date +%s) - began)) s"
