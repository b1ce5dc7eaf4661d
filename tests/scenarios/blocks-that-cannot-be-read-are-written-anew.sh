# A disk that has lost blocks gives them up when they are read, and finds others
# for them when they are written. What a local leg has lost is read from the
# remote leg and is whole again; what a disk or buffer has lost goes up as an
# error until something is written there, and nothing else does. A table whose
# dirty log has lost marks is refused.
# kernels: debug
# dmesg: I/O error
. legs.sh

modprobe dm-dust

# dust NAME DEV SECTORS: a disk of 512-byte blocks
dust()
{
	dm_create "$1" "0 $3 dust $2 0 512"
	dmsetup message "$1" 0 enable
}

# lose NAME BLOCK...
lose()
{
	local block
	for block in "${@:2}"; do
		dmsetup message "$1" 0 addbadblock "$block"
	done
}

# lost NAME: how many
lost()
{
	dmsetup message "$1" 0 countbadblocks | grep -o '[0-9]* badblock' | cut -d ' ' -f 1
}

P=/dev/mapper/pri
dust local /dev/ram0 8192
dust remote /dev/ram1 8192
primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128
msg pri start primary
fill $P 0 8192 1

note "the local leg"
lose local 100 1000 1001 8191
equal "lost" "$(lost local)" 4
holds $P 0 8192 1
matches "get_error" "$(msg pri get_error)" '^EIO local read [0-9]+ '
equal "lost after it was read" "$(lost local)" 0
matches "status" "$(status pri)" ' 64/64 online 0 EIO '
same /dev/mapper/local /dev/mapper/remote

note "both legs"
lose local 200
lose remote 200
expect_errno EIO pattern check $P 200 1 1
holds $P 0 200 1
holds $P 201 1000 1
fill $P 200 1 2
wait_status pri ' (online|degraded) '
holds $P 200 1 2
equal "lost" "$(lost local)" 0

note "the remote leg, while all of it is compared"
msg pri stop
msg pri start primary
wait_status pri ' 64/64 online '
same /dev/mapper/local /dev/mapper/remote
# nothing that was sent lately is copied for that
for _ in 1 2 3; do
	msg pri checkpoint >/dev/null
done
lose remote 300
msg pri verify
wait_status pri ' degraded '
matches "get_error" "$(msg pri get_error)" '^EIO remote read [0-9]+ '
msg pri stop
msg pri start primary
wait_status pri ' 64/64 online 0 - '
equal "lost" "$(lost remote)" 0
same /dev/mapper/local /dev/mapper/remote
dm_remove pri

note "the marks of a dirty log"
dust log /dev/ram4 64
LOG="0 8192 replication primary /dev/mapper/local /dev/mapper/remote 4 region_size 128 dirty_log /dev/mapper/log"
dm_create pri "$LOG"
equal "dirty regions" "$(dirty pri)" 64
dm_remove pri
lose log 17
refused 'Cannot read the dirty log at sector 16: error -5' "$LOG"
equal "lost" "$(lost log)" 1
# given up, it is written anew with a mark for each region
op zeroes /dev/mapper/log 0 8
dm_create pri "$LOG"
equal "lost" "$(lost log)" 0
equal "dirty regions" "$(dirty pri)" 64
dm_remove pri

note "a secondary's disk"
blkdiscard -f -z /dev/ram3
dust disk /dev/ram2 4096
dust buffer /dev/ram3 8192
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
I=/dev/mapper/in A=/dev/mapper/sec
fill $I 0 4096 1
msg sec start secondary
lose disk 500
expect_errno EIO pattern check $A 500 1 1
matches "get_error" "$(msg sec get_error)" '^EIO disk read 500 '
holds $A 0 500 1
holds $A 501 1000 1
fill $I 500 1 2
equal "epoch" "$(msg sec checkpoint)" 2
wait_status sec '^secondary running 2 0/'
equal "lost" "$(lost disk)" 0
holds $A 500 1 2

note "its buffer"
fill $I 0 4096 3
for ((i = 0; i < 8192; i += 256)); do
	lose buffer $i
done
all=$(lost buffer)
expect_errno EIO pattern check $I 0 4096 3
# each block in its place
fill $I 0 4096 4
holds $I 0 4096 4
[ "$(lost buffer)" -lt "$all" ] || fail "nothing was written in its place"
equal "epoch" "$(msg sec checkpoint)" 3
wait_status sec '^secondary running 3 0/'
holds $A 0 4096 4
msg sec stop
wait_status sec '^secondary done '
same $A /dev/mapper/disk
holds /dev/mapper/disk 0 4096 4
