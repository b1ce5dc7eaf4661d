# After a failover each flush needs a little room in the buffer, to say what the
# disk has newer. Where there is none left, flushes end with the merge: well
# when it ends well, with an error when it fails.
# dmesg: I/O error

replica 2048 1088
A=/dev/mapper/sec I=/dev/mapper/in

flush_active()
{
	python3 -c 'import os; os.fsync(os.open("'$A'", os.O_WRONLY))'
}

fill $I 0 2048 1
msg sec start secondary
# Sector 1500 of the active layer cannot be read: the merge will not end.
fill $A 1500 8 2
fill $A 0 700 2
dm_load buffer "0 72 linear /dev/ram1 0
72 1 error
73 1015 linear /dev/ram1 73"
msg sec stop failover
wait_status sec ' failover_failed '
flushes=0
while fill $A $((flushes * 2)) 1 3 && flush_active 2>/dev/null; do
	flushes=$((flushes + 1))
	[ $flushes -lt 300 ] || fail "there is always room"
done
note "flushes until the buffer was full: $flushes"
[ $flushes -ge 16 ] || fail "no room was kept"
expect_errno EIO flush_active
matches "get_error" "$(msg sec get_error)" '^EIO committed read 1500 '
equal "what was written is read" "$(tags $A $((flushes * 2 - 2)) 4)" '3x1 2x1 3x1 2x1'

note "a merge that goes on answers the flush, and a write through"
dm_load buffer "0 1088 delay /dev/ram1 0 1000 /dev/ram1 0 0" --noflush --nolockfs
msg sec stop &
stop=$!
wait_status sec ' failover '
flush_active
wait $stop
matches "status" "$(status sec)" ' done '
for i in $(seq 0 $flushes); do
	equal "disk, sector $((i * 2))" "$(tags /dev/mapper/disk $((i * 2)) 2)" '3x1 2x1'
done
