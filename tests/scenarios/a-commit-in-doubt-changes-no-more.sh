# When neither the superblock of a commit nor the one that would take it back
# can be written, a crash may find the commit: what is in it stays as it is
# until one succeeds. Reads go on all the time.
# dmesg: I/O error

replica 16384 16384
A=/dev/mapper/sec I=/dev/mapper/in

# The superblocks cannot be written; all else, and flushes, can.
break_supers()
{
	dm_load buffer "0 16 error
16 16368 linear /dev/ram1 16" --noflush --nolockfs
}

mend_supers()
{
	dm_load buffer "0 16384 linear /dev/ram1 0" --noflush --nolockfs
}

read_only()
{
	for view in "$@"; do
		expect_errno EIO pattern write "$view" 0 8 9
		expect_errno EIO pattern write "$view" 3000 8 9
		expect_errno EIO python3 -c 'import os; os.fsync(os.open("'"$view"'", os.O_WRONLY))'
	done
}

fill $I 0 16384 1
note "a start has nothing but the disk"
break_supers
expect_errno EIO msg sec start secondary
matches "status" "$(status sec)" '^secondary none 0 '
fill $I 0 1000 2
equal "inbound" "$(tags $I 0 2000)" '2x1000 1x1000'
fill $I 0 1000 1
mend_supers
check msg sec start secondary
fill $I 0 1000 2
fill $A 0 500 3

note "checkpoint"
break_supers
klog_since
expect_errno EIO msg sec checkpoint
klog_has 'no writes until one succeeds'
matches "status" "$(status sec)" '^secondary running 1 .* EIO'
matches "get_error" "$(msg sec get_error)" '^EIO buffer write '
read_only $I $A
equal "inbound" "$(tags $I 0 2000)" '2x1000 1x1000'
equal "active" "$(tags $A 0 2000)" '3x500 1x1500'
mend_supers
read_only $I $A
equal "epoch" "$(msg sec checkpoint)" 2
fill $I 0 100 4
fill $A 200 100 5
equal "inbound" "$(tags $I 0 2000)" '4x100 2x900 1x1000'
equal "active" "$(tags $A 0 2000)" '2x200 5x100 2x700 1x1000'

note "failover"
break_supers
expect_errno EIO msg sec stop failover
read_only $I $A
equal "inbound" "$(status_field in 4)" open
mend_supers
check msg sec stop failover
equal "inbound" "$(status_field in 4)" closed
wait_status sec ' done '
equal "active" "$(tags $A 0 2000)" '2x200 5x100 2x700 1x1000'

note "a commit that may have got there is found, or it is not"
check msg sec start secondary
fill $I 0 1000 6
break_supers
expect_errno EIO msg sec checkpoint
mend_supers
dm_remove in sec
secondary sec /dev/mapper/disk /dev/mapper/buffer
case $(tags $A 0 1000) in
6x1000) note "found" ;;
'2x200 5x100 2x700') note "not found" ;;
*) fail "neither this nor that: $(tags $A 0 1000)" ;;
esac
