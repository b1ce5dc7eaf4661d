# A leg, dirty log, disk or buffer that shrinks while it is in use fails what
# lies beyond its end, as any device that fails, and is refused by a new table
# (but a reload does not look again at a log or buffer that is in use); when it
# has its size again all goes on. One that grows changes nothing.
# dmesg: I/O error|access beyond end
# stock: what the kernel says of another size
. legs.sh

L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
D=/dev/mapper/disk B=/dev/mapper/buffer I=/dev/mapper/in A=/dev/mapper/sec

# resize NAME SECTORS: the linear device NAME
resize()
{
	local dev
	dev=$(dmsetup table "$1" | awk '{ print $4 }')
	dm_load "$1" "0 $2 linear $dev 0" --noflush --nolockfs
	equal "the size of $1" "$(sectors "/dev/mapper/$1")" "$2"
}

# not_again NAME REGEX: no table like its own is taken now; it goes on
not_again()
{
	local was
	was=$(status "$1")
	klog_since
	check_not dmsetup load "$1" --table "$(table "$1")"
	klog_has "$2"
	equal "status" "$(status "$1")" "$was"
}

linear local /dev/ram0 0 4096
linear remote /dev/ram1 0 4096
linear log /dev/ram2 0 64
fill $L 0 4096 1
fill $R 0 4096 1
LINE="0 4096 replication primary $L $R 5 nosync region_size 128 dirty_log /dev/mapper/log"
dm_create pri "$LINE"
msg pri start primary

note "the local leg shrinks"
resize local 2048
not_again pri 'local leg .* has 2048 sectors, the table line 4096'
op read $P 2000 48 1
check op read $P 2000 100 1
op write $P 2040 8 2
expect_errno EIO op write $P 2048 8 2
expect_errno EIO op zeroes $P 4000 8
wait_status pri ' (online|degraded) .* EIO '
expect_errno EIO msg pri checkpoint
resize local 4096
msg pri stop failover
msg pri start primary
wait_status pri ' 32/32 online 0 - '
same $L $R
op read $P 2048 2048 1

note "the remote leg shrinks"
resize remote 2048
not_again pri 'remote leg .* has 2048 sectors, the table line 4096'
check op write $P 2040 8 3
matches "status" "$(status pri)" ' online 0 - '
check op write $P 2048 8 3
wait_status pri ' degraded 0 EIO '
expect_errno EIO msg pri checkpoint
resize remote 4096
dm_load pri "$(table pri)"
wait_status pri ' 32/32 online 0 - '
same $L $R
op read $P 2040 16 3

note "the dirty log shrinks"
resize log 16
dm_load pri "$(table pri)"
check op write $P 2048 8 4
expect_errno EIO op write $P 1024 8 4
matches "get_error" "$(msg pri get_error)" '^EIO dirty_log write 1024 '
msg pri checkpoint >/dev/null
dm_remove pri
refused 'dirty log is too small' "$LINE"
resize log 64
dm_create pri "$LINE"
msg pri start primary
wait_status pri ' 32/32 online 0 - '
op write $P 1024 8 4
msg pri checkpoint >/dev/null
same $L $R

note "all of them grow"
for dev in local remote log; do
	resize $dev 8192
done
was=$(status pri)
dm_load pri "$(table pri)"
equal "status" "$(status pri)" "$was"
equal "the primary" "$(sectors $P)" 4096
op write $P 4000 96 5
msg pri checkpoint >/dev/null
dm_remove pri
dm_create pri "$LINE"
matches "status" "$(status pri)" '^primary none [0-9]+ '
msg pri start primary
wait_status pri ' 32/32 online 0 - '
op read $P 4000 96 5
dm_remove pri

blkdiscard -z -f -l 4096 /dev/ram1
replica 2048 2176
fill $D 0 2048 1
msg sec start secondary

note "the disk shrinks"
resize disk 1024
not_again sec 'disk .* has 1024 sectors, the table line 2048'
op read $A 0 1024 1
expect_errno EIO op read $A 1024 8 1
matches "get_error" "$(msg sec get_error)" '^EIO disk read 1024 '
check op write $I 1020 8 2
equal "epoch" "$(msg sec checkpoint)" 2
op read $A 1020 8 2
resize disk 2048
equal "epoch" "$(msg sec checkpoint)" 3
wait_status sec '^secondary running 3 0/'
equal "the disk" "$(tags $D 1000 100)" '1x20 2x8 1x72'

note "the buffer shrinks"
op write $I 0 600 3
equal "epoch" "$(msg sec checkpoint)" 4
wait_status sec '^secondary running 4 0/'
op write $I 0 1400 4
resize buffer 1088
dm_load sec "$(table sec)"
expect_errno EIO op read $I 0 1400 4
# it was all written, but for the list of it, which lies before the end
equal "epoch" "$(msg sec checkpoint)" 5
wait_status sec '^secondary running 5 .* EIO '
expect_errno EIO op read $A 0 1400 4
dm_remove in sec
refused 'The buffer shrank' "0 2048 replication secondary $D $B"
resize buffer 2176
secondary sec $D $B
inbound in sec
equal "the last checkpoint" "$(tags $A 0 1100)" '4x1100'

note "both grow"
wait_status sec '^secondary running 5 0/'
resize disk 8192
resize buffer 8192
was=$(status sec)
dm_load sec "$(table sec)"
equal "status" "$(status sec)" "$was"
equal "the secondary" "$(sectors $A)" 2048
op write $I 0 100 5
equal "epoch" "$(msg sec checkpoint)" 6
dm_remove in sec
dm_create sec "0 2048 replication secondary $D $B"
equal "the last checkpoint" "$(tags $A 0 1100)" '5x100 4x1000'
