# What is written (and flushed) after a failover, over ranges that the buffer
# still holds, is there when the merge is interrupted and begins again.
# dmesg: I/O error

replica 16384 32768
A=/dev/mapper/sec I=/dev/mapper/in
expected='2x1000 3x3 2x497 0x10 2x490 3x100 2x900'

again()
{
	wait_status sec ' failover_failed '
	dm_remove in sec
	secondary sec /dev/mapper/disk /dev/mapper/buffer
	inbound in sec
	wait_status sec ' failover_failed '
	equal "$1" "$(tags $A 6000 3000)" "$expected"
}

fill $I 0 16384 1
msg sec start secondary
# Sector 12000 of the active layer cannot be read: the merge will not end.
fill $A 12000 8 2
fill $A 0 16384 2
dm_load buffer "0 72 linear /dev/ram1 0
72 1 error
73 32695 linear /dev/ram1 73"
msg sec stop failover
fill $A 8000 100 3
fill $A 7000 3 3
blkdiscard -z -o $((7500 * 512)) -l 5120 $A
again "written, not flushed, removed in order"

fill $A 6000 500 4
python3 -c 'import os; os.fsync(os.open("'$A'", os.O_WRONLY))'
expected='4x500 2x500 3x3 2x497 0x10 2x490 3x100 2x900'
again "flushed"

dm_load buffer "0 32768 linear /dev/ram1 0"
msg sec stop
wait_status sec ' done '
equal "disk" "$(tags /dev/mapper/disk 6000 3000)" "$expected"
