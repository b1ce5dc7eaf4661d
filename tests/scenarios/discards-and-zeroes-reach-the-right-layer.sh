# Zeroes (and discards, where offered) are seen in their own view only until a
# checkpoint, and are merged like data; on a primary both legs get them.
# stock: limits of discards and zeroes

replica 16384 32768
A=/dev/mapper/sec I=/dev/mapper/in
fill $I 0 16384 1
msg sec start secondary

# zero DEV FIRST SECTORS
zero()
{
	blkdiscard -f -z -o $(($2 * 512)) -l $(($3 * 512)) "$1"
}

slow disk 100
zero $I 1001 1000
zero $A 1501 1000
fill $I 1100 10 2
fill $A 1600 10 3
equal "inbound" "$(tags $I 0 4096)" '1x1001 0x99 2x10 0x891 1x2095'
equal "active" "$(tags $A 0 4096)" '1x1501 0x99 3x10 0x891 1x1595'
msg sec checkpoint >/dev/null
equal "inbound" "$(tags $I 0 4096)" '1x1001 0x99 2x10 0x891 1x2095'
equal "active" "$(tags $A 0 4096)" '1x1001 0x99 2x10 0x891 1x2095'
zero $A 0 1002
zero $A 4000 1
msg sec stop failover
equal "active" "$(tags $A 0 4096)" '0x1100 2x10 0x891 1x1999 0x1 1x95'
zero $A 8192 8
zero $A 1105 1
slow disk 0
wait_status sec ' done '
equal "active" "$(tags $A 0 4096)" '0x1100 2x5 0x1 2x4 0x891 1x1999 0x1 1x95'
is_zero $A 8192 8
same $A /dev/mapper/disk

note "a discard leaves its neighbours alone"
msg sec start secondary
if blkdiscard -f -o $((2048 * 512)) -l $((512 * 512)) $A 2>/dev/null; then
	equal "active, before it" "$(tags $A 1990 58)" '0x11 1x47'
	equal "active, behind it" "$(tags $A 2560 40)" 1x40
	holds $I 2048 512 1
	msg sec checkpoint >/dev/null
	holds $A 2048 512 1
else
	note "no discards here"
fi

note "a primary"
linear local /dev/ram2 0 16384
linear remote /dev/ram3 0 16384
primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128
msg pri start primary
fill /dev/mapper/pri 0 16384 1
zero /dev/mapper/pri 1001 5000
zero /dev/mapper/pri 8191 2
equal "remote" "$(tags /dev/mapper/remote 0 8200)" '1x1001 0x5000 1x2190 0x2 1x7'
blkdiscard -f -o 0 -l $((256 * 512)) /dev/mapper/pri 2>/dev/null || note "no discards here"
msg pri checkpoint >/dev/null
same /dev/mapper/local /dev/mapper/remote
