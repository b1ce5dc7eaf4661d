# On devices of more sectors than 32 bits can count each sector is where it
# belongs: on both legs after a resync, and on the disk after a merge.
# stock: limits of a large device

SECTORS=$((5 << 31)) HIGH=$((1 << 32))
modprobe loop
trap 'dm_remove $(dmsetup ls 2>/dev/null | cut -f 1 | grep -E "^(in|sec|pri)$" | sort); losetup -D; rm -f /run/big.*' EXIT

# big NAME: a sparse one
big()
{
	truncate -s $((SECTORS * 512)) "/run/big.$1"
	losetup --find --show "/run/big.$1"
}

# around DEV TAG: what is likely to go elsewhere
around()
{
	fill "$1" 0 16 "$2"
	fill "$1" $((HIGH - 8)) 16 "$2"
	fill "$1" $((HIGH + 4096)) 16 "$2"
	fill "$1" $((SECTORS - 16)) 16 "$2"
}

# has DEV TAG: that, and nothing beside it
has()
{
	holds "$1" 0 16 "$2"
	is_zero "$1" 16 4096
	is_zero "$1" 4096 4096
	is_zero "$1" $((SECTORS - HIGH - 16)) 32
	holds "$1" $((HIGH - 8)) 16 "$2"
	is_zero "$1" $((HIGH + 8)) 4088
	holds "$1" $((HIGH + 4096)) 16 "$2"
	holds "$1" $((SECTORS - 16)) 16 "$2"
}

local=$(big local)
remote=$(big remote)
note "a primary: sent, and copied"
primary pri "$local" "$remote" nosync region_size 2048
around /dev/mapper/pri 1
equal "dirty" "$(status_field pri 4)" $((SECTORS / 2048 - 5))/$((SECTORS / 2048))
msg pri start primary
wait_status pri ' online 0 - '
has "$local" 1
has "$remote" 1
around /dev/mapper/pri 2
has "$local" 2
has "$remote" 2
blkdiscard -f -z -o $(((HIGH - 8) * 512)) -l 8192 /dev/mapper/pri
# a loop device that cannot do it has its region copied instead
wait_status pri ' online 0 '
is_zero "$remote" $((HIGH - 8)) 16
fill /dev/mapper/pri $((HIGH - 8)) 16 2
msg pri checkpoint >/dev/null
equal "changed" "$(msg pri changed_since 1 | cut -d ' ' -f 1)" 5
dm_remove pri

note "a secondary: in the buffer, and merged"
secondary sec "$remote" /dev/ram1
inbound in sec
msg sec start secondary
around /dev/mapper/in 3
has /dev/mapper/in 3
has /dev/mapper/sec 2
msg sec checkpoint >/dev/null
has /dev/mapper/sec 3
wait_status sec ' 0 0 0 - -$'
has "$remote" 3
around /dev/mapper/sec 4
msg sec stop failover
wait_status sec ' done '
has "$remote" 4
dm_remove in sec
