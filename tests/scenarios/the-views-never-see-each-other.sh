# The active view never shows a primary's write from after the last checkpoint,
# the inbound view never a standby's: while both are written to at once,
# across checkpoints, and with the merge under way.
# dmesg: I/O error

replica 16384 65536
A=/dev/mapper/sec I=/dev/mapper/in
fill $I 0 16384 1
slow disk 10
msg sec start secondary
before="1x288 21x1024 1x688"
for epoch in 2 3 4 5; do
	# the same sectors at the same time
	spawn fill $I 0 8192 ${epoch}0
	one=$JOB
	spawn fill $A 0 8192 ${epoch}1
	two=$JOB
	fill $A 12288 1024 ${epoch}1
	fill $I 12800 1024 ${epoch}0
	reap "$one"
	reap "$two"
	equal "active" "$(tags $A 0 8192)" ${epoch}1x8192
	equal "inbound" "$(tags $I 0 8192)" ${epoch}0x8192
	equal "the rest in the active view" "$(tags $A 12000 2000)" \
		"$before"
	msg sec checkpoint >/dev/null
	for view in $A $I; do
		equal "$view" "$(tags "$view" 0 8192)" ${epoch}0x8192
		equal "$view" "$(tags "$view" 12000 2000)" "1x800 ${epoch}0x1024 1x176"
	done
	before="1x288 $((epoch + 1))1x1024 ${epoch}0x512 1x176"
done
wait_status sec ' 0 0 0 - -$'
same $A /dev/mapper/disk
same $I /dev/mapper/disk
