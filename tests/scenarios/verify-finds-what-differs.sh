# `verify` compares the legs: it counts the regions that differ and should not,
# and has them copied. It can be stopped, and goes on after a suspend.
# dmesg: I/O error
. legs.sh

linear local /dev/ram0 0 32700
linear remote /dev/ram1 0 32700
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri

# verified DIFFERING: a verify ends with that, and the legs are equal then
verified()
{
	msg pri verify
	wait_status pri ' ended:[0-9]+/256:'
	matches "status" "$(status pri)" " ended:256/256:$1\$"
	wait_status pri '^primary running [0-9]+ 256/256 online [0-9]+ - '
	same $L $R
}

for mode in sync async; do
	note "$mode: not before start"
	primary pri $L $R nosync region_size 128 $mode
	fill $L 0 32700 1
	fill $R 0 32700 1
	expect_errno EINVAL msg pri verify
	msg pri start primary
	matches "status" "$(status pri)" '^primary running 1 256/256 online 0 - - -$'

	note "$mode: legs that are equal"
	fill $P 1000 100 2
	verified 0
	msg pri checkpoint >/dev/null

	note "$mode: what others wrote to the remote leg"
	fill $R 650 1 9
	fill $R 12800 256 9
	fill $R 32699 1 9
	fill $R 25400 800 1
	before=$(written remote)
	klog_since
	verified 4
	klog_has 'replication: pri: .*differ between sectors 640 and 767'
	klog_has 'replication: pri: .*differ between sectors 32640 and 32699'
	equal "sectors copied" $(($(written remote) - before)) $((3 * 128 + 60))
	holds $R 25400 800 1
	msg pri checkpoint >/dev/null
	verified 0
	note "$mode: what others wrote to the local leg counts too"
	fill $L 0 1 3
	verified 1
	holds $R 0 1 3

	note "$mode: it can be stopped"
	slow remote 30 reads
	fill $R 32000 1 9
	msg pri verify
	expect_errno EBUSY msg pri verify
	wait_status pri ' verify:[0-9]+/256:0$'
	until [[ $(status_field pri 9) =~ ^verify:([0-9]+)/ && ${BASH_REMATCH[1]} -gt 3 ]]; do
		sleep 0.05
	done
	fill $P 256 8 4
	msg pri checkpoint >/dev/null
	msg pri verify stop
	result=$(status_field pri 9)
	[[ $result =~ ^ended:([0-9]+)/256:0$ ]] || fail "after verify stop: $result"
	[ "${BASH_REMATCH[1]}" -lt 200 ] || fail "it was not stopped: $result"
	sleep 0.3
	equal "when stopped" "$(status_field pri 9)" "$result"
	expect_errno EINVAL msg pri verify now
	msg pri verify stop
	equal "when stopped again" "$(status_field pri 9)" "$result"

	note "$mode: it goes on after a suspend, and after a reload"
	msg pri verify
	for table in '' "$(table pri)"; do
		until [[ $(status_field pri 9) =~ ^verify:([0-9]+)/ && ${BASH_REMATCH[1]} -gt 3 ]]; do
			sleep 0.05
		done
		[ -z "$table" ] || dmsetup load pri <<<"$table"
		check within dmsetup suspend pri
		result=$(status_field pri 9)
		[[ $result =~ ^verify:([0-9]+)/256:0$ ]] || fail "while suspended: $result"
		expect_errno EAGAIN msg pri verify
		sleep 0.2
		equal "while suspended" "$(status_field pri 9)" "$result"
		dmsetup resume pri
	done
	slow remote 0 reads
	wait_status pri ' ended:256/256:1$'
	wait_status pri ' running [0-9]+ 256/256 online 0 - '
	same $L $R

	note "$mode: while suspended it can be stopped"
	slow remote $((30 * SLOWNESS)) reads
	msg pri verify
	check within dmsetup suspend pri
	check within dmsetup message pri 0 verify stop
	result=$(status_field pri 9)
	[[ $result =~ ^ended:([0-9]+)/256:0$ ]] || fail "stopped while suspended: $result"
	[ "${BASH_REMATCH[1]}" -lt 256 ] || fail "nothing was left to be stopped: $result"
	dmsetup resume pri
	sleep 0.2
	equal "and resumed" "$(status_field pri 9)" "$result"
	slow remote 0 reads

	note "$mode: a remote leg that is given up ends it"
	slow remote 30 reads
	msg pri verify
	break_device remote
	fill $P 0 8 5
	wait_status pri ' degraded .* ended:'
	expect_errno EINVAL msg pri verify
	dm_load remote "0 32700 linear /dev/ram1 0" --noflush --nolockfs
	msg pri stop
	expect_errno EINVAL msg pri verify
	msg pri start primary
	wait_status pri ' 256/256 online 0 - '
	same $L $R
	note "$mode: a removal ends it"
	slow remote 30 reads
	msg pri verify
	check within dmsetup remove pri
	slow remote 0 reads
	dm_load remote "0 32700 linear /dev/ram1 0" --noflush --nolockfs
done

note "what cannot be read of a region does not hide the rest of it"
linear other_remote /dev/ram3 0 4096
linear part /dev/ram2 0 4096
broken other_local /dev/mapper/part 100 8
primary other /dev/mapper/other_local /dev/mapper/other_remote nosync region_size 1024
msg other start primary
msg other verify
wait_status other ' ended:4/4:0$'
matches "error" "$(msg other get_error)" '^EIO local read 0 '
fill /dev/mapper/other_remote 900 8 9
msg other verify
wait_status other ' ended:[1-4]/4:1$'
wait_status other ' 3/4 degraded '
