# A resync under writes never lets an older copy overwrite a newer write, waits
# for nobody, and nobody waits long for it. Where it fails, nothing is clean.
# dmesg: I/O error
# stock: races between processors

linear local /dev/ram0 0 65536
linear remote /dev/ram1 0 65536
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
fill $L 0 65536 1
slow remote 2
primary pri $L $R region_size 128
load=(--minimal --filename="$P" --direct=1 --thread --ioengine=libaio --iodepth=8
	--rw=randwrite --norandommap --refill_buffers --output=/dev/null --time_based --runtime=$((60 * SLOWNESS)))

note "writes all over it"
spawn fio --name=all "${load[@]}" --bsrange=512-32k --size=32m
one=$JOB
# where the resync begins, over and over
spawn fio --name=first "${load[@]}" --bsrange=4k-64k --size=256k
two=$JOB
msg pri start primary
matches "status" "$(status pri)" ' resync '
spawn dmsetup message pri 0 checkpoint
three=$JOB
wait_status pri ' running [0-9]+ 512/512 online '
still_running "$one"
still_running "$two"
# (now and then one does not hear that, and ends with its runtime)
kill -INT "$one" "$two"
for JOB in "$one" "$two"; do
	wait "$JOB" || true
	unset "JOBS[$JOB]"
done
reap "$three"
equal "epoch" "$(status_field pri 3)" 2
msg pri checkpoint >/dev/null
same $L $R

note "a remote leg that fails in the middle of it"
msg pri stop
blkdiscard -f -z $P
msg pri start primary
matches "status" "$(status pri)" ' resync '
slow remote 50
break_device remote writes
wait_status pri ' degraded 0 EIO '
matches "get_error" "$(msg pri get_error)" '^EIO remote write [0-9]+ '
dirty=$(status_field pri 4)
[ "${dirty%/*}" -lt 512 ] || fail "all clean after a resync that failed"
expect_errno EIO msg pri checkpoint
mend_device remote /dev/ram1
msg pri stop
msg pri start primary
wait_status pri ' 512/512 online 0 - '
same $L $R

note "a local sector that cannot be read"
dm_remove pri local
# (now as long as the ramdisks)
broken local /dev/ram0 20000 8
primary pri $L $R region_size 128
msg pri start primary
wait_status pri ' (degraded|online) '
dirty=$(status_field pri 4)
[ "${dirty%/*}" -lt "${dirty#*/}" ] || fail "all clean, and a sector could not be copied"
matches "get_error" "$(msg pri get_error)" '^EIO local read [0-9]+ '
