# A flush that fails on the remote leg is no error for the workload: what was
# written since the last good one may be lost there, so it degrades.
# dmesg: I/O error

# Ramdisks take no flushes; dm-log-writes does.
dm_create cached "0 32768 log-writes /dev/ram1 /dev/ram5"
linear remote /dev/mapper/cached
linear local /dev/ram0 0 32768
primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128
P=/dev/mapper/pri
msg pri start primary

# flush: of the device, without any write
flush()
{
	python3 -c 'import os; os.fsync(os.open("'$P'", os.O_WRONLY))'
}

note "a good one"
fill $P 0 1024 1
flush
matches "status" "$(status pri)" '^primary running 1 256/256 online 0 - '

note "a bad one"
fill $P 2048 100 2
holds /dev/mapper/remote 2048 100 2
break_device remote writes
flush
wait_status pri ' degraded '
matches "get_error" "$(msg pri get_error)" '^EIO remote flush [0-9]+ '
matches "status" "$(status pri)" ' degraded 0 EIO '
clean=$(status_field pri 4)
[ "${clean%/*}" -lt 256 ] || fail "the region written before the failed flush is not dirty: $clean"
fill $P 4096 100 3
flush

note "and back"
mend_device remote /dev/mapper/cached
msg pri stop
msg pri start primary
wait_status pri ' 256/256 online 0 -'
same /dev/mapper/local /dev/mapper/remote
flush
matches "status" "$(status pri)" ' online 0 - '
