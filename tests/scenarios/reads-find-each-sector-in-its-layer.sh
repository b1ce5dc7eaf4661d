# Reads and writes below 4 KiB and at any sector: each sector comes from the
# newest layer of its view that has it, also in one read across many layers.

replica 16384 16384
A=/dev/mapper/sec I=/dev/mapper/in
fill $I 0 16384 1
slow disk 500
msg sec start secondary

note "one sector here and there, committed"
for s in 1 3 4 9 17 30 31; do
	fill $I $s 1 2
done
msg sec checkpoint >/dev/null
equal "active" "$(tags $A 0 40)" '1x1 2x1 1x1 2x2 1x4 2x1 1x7 2x1 1x12 2x2 1x8'

note "and above that the open layers"
fill $I 2 2 3
fill $I 15 10 3
fill $A 0 2 4
fill $A 8 3 4
fill $A 20 1 4
fill $A 30 1 4
inbound='1x1 2x1 3x2 2x1 1x4 2x1 1x5 3x10 1x5 2x2 1x8'
active='4x2 1x1 2x2 1x3 4x3 1x6 2x1 1x2 4x1 1x9 4x1 2x1 1x8'
equal "inbound" "$(tags $I 0 40)" "$inbound"
equal "active" "$(tags $A 0 40)" "$active"
note "reads of one sector, and off by one"
for first in 1 2 3 7 8 9 19 20; do
	for count in 1 2 7 9; do
		equal "active at $first+$count" "$(pattern show $A $first $count)" \
			"$(pattern show $A 0 40 | sed -n "$((first + 1)),$((first + count))p")"
	done
done

note "overwritten in parts and as a whole"
fill $I 0 100 5
fill $I 50 7 6
fill $I 99 1 7
equal "inbound" "$(tags $I 0 110)" '5x50 6x7 5x42 7x1 1x10'
fill $A 25 20 8
fill $A 27 2 9
equal "active" "$(tags $A 0 50)" '4x2 1x1 2x2 1x3 4x3 1x6 2x1 1x2 4x1 1x4 8x2 9x2 8x16 1x5'
msg sec checkpoint >/dev/null
for view in $A $I; do
	equal "$view" "$(tags "$view" 0 110)" '5x50 6x7 5x42 7x1 1x10'
done

note "a scattered pattern of many"
for ((s = 0; s < 200; s++)); do
	fill $A $((1000 + s * 67 % 200 * 2)) 1 8
done
equal "active" "$(tags $A 999 400)" "1x1 $(printf '8x1 1x1 %.0s' {1..199})8x1"
holds $A 1400 1000 1
msg sec stop failover
fill $A 1001 1 9
# done takes as long as the disk needs
slow disk 0
wait_status sec ' done '
same $A /dev/mapper/disk
equal "active" "$(tags $A 998 8)" '1x2 8x1 9x1 8x1 1x1 8x1 1x1'
