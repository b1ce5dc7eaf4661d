# replication_check and replication_dump refuse a live dirty log; of one that was
# left they tell which sectors may differ, and that the local leg is its own.
# dmesg: I/O error
LEG=16384
linear local /dev/ram0 0 $LEG
linear remote /dev/ram1 0 $LEG
linear log /dev/ram2 0 64
fill /dev/mapper/local 0 $LEG 1
primary p /dev/mapper/local /dev/mapper/remote nosync region_size 64 dirty_log /dev/mapper/log
msg p start primary
msg p checkpoint >/dev/null
msg p checkpoint >/dev/null
epoch=$(msg p checkpoint)
break_device remote writes
fill /dev/mapper/p 100 8 2
fill /dev/mapper/p 8190 4 3
fill /dev/mapper/p $((LEG - 1)) 1 4

for tool in replication_check replication_dump; do
	for dev in /dev/ram2 /dev/mapper/log; do
		out=$($tool $dev) && fail "$tool reads $dev, which is in use"
		matches "$tool $dev" "$out" "$dev is in use"
	done
done

dm_remove p
said=$(replication_check --disk /dev/mapper/local /dev/mapper/log) ||
	fail "replication_check: $said"
note "$said"
matches "check" "$said" "dirty log of a primary of $LEG sectors, marks of 64 sectors each"
matches "check" "$said" "epoch ${epoch##* }, marks since epoch"
matches "check" "$said" 'marks: 8 of 8 sectors valid'
matches "check" "$said" 'regions: 256, 4 marked, 0 unknown'
matches "check" "$said" ' 0 different, 1 in marked regions, 0 unknown'
matches "check" "$said" 'log: fine'

said=$(replication_dump /dev/mapper/log)
note "$said"
equal "ranges" "$(grep '^range' <<<"$said")" "range sector=64 sectors=64 kind=marked
range sector=8128 sectors=128 kind=marked
range sector=$((LEG - 64)) sectors=64 kind=marked"

# A local leg that somebody else wrote to, first where there is a mark.
fill /dev/mapper/local 8192 8 9
replication_check --disk /dev/mapper/local /dev/mapper/log >/dev/null ||
	fail "what has a mark may differ"
fill /dev/mapper/local 4096 8 9
said=$(replication_check --disk /dev/mapper/local /dev/mapper/log) &&
	fail "replication_check finds the local leg unchanged"
matches "changed" "$said" 'sample 16: the local leg has changed at sector 4096'
refused 'The local leg is not the dirty log' "0 $LEG replication primary /dev/mapper/local \
	/dev/mapper/remote 4 region_size 64 dirty_log /dev/mapper/log"

# Given up: nothing is known.
blkdiscard -f -z -l 4096 /dev/mapper/log 2>/dev/null
said=$(replication_check /dev/mapper/log) || fail "replication_check: $said"
matches "given up" "$said" 'superblock copy 1 is valid: the dirty log was given up'
