# A resync does not write the zeroes of a region that reads as zeroes: it has
# the remote leg zero it, so that a thin one frees the space; if that leg knows
# how. What is not all zeroes is copied.
. legs.sh

faulty remote 32768
linear local /dev/ram0 0 32768
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri

note "zeroed, discarded, and almost zeroes"
fill $R 0 32768 9
primary pri $L $R region_size 128
fill $P 0 12800 1
op zeroes $P 1280 1280
op discard $P 2560 128 || op zeroes $P 2560 128
op zeroes $P 3840 127
op zeroes $P 4097 127
fill $P 32767 1 1
before="$(asked remote write) $(asked remote zeroes) $(asked remote discard)"
msg pri start primary
wait_status pri ' 256/256 online 0 - '
same $L $R
read -r writes zeroes discards <<<"$before"
# 100 regions with data, less 11; and the last one
equal "sectors written" $(($(asked remote write) - writes)) $(((100 - 11 + 1) * 128))
equal "sectors zeroed" $(($(asked remote zeroes) - zeroes + $(asked remote discard) - discards)) \
	$(((256 - 100 + 11 - 1) * 128))

note "under writes"
msg pri stop failover
op zeroes $P 0 32768
spawn fio --minimal --name=load --filename=$P --direct=1 --thread --ioengine=libaio --iodepth=8 \
	--rw=randwrite --bsrange=512-4k --size=16m --norandommap --refill_buffers \
	--time_based --runtime=$((60 * SLOWNESS)) --output=/dev/null
busy pri
msg pri start primary
wait_status pri ' 256/256 online '
end "$JOB"
msg pri checkpoint >/dev/null
same $L $R

note "a file with holes"
dm_remove pri
modprobe loop
truncate -s 16M /run/thin
loop=$(losetup --find --show /run/thin)
primary pri $L "$loop" region_size 128
fill $P 0 32768 2
msg pri start primary
wait_status pri ' 256/256 online 0 - '
same $L "$loop"
full=$(stat -c %b /run/thin)
[ "$full" -ge 32768 ] || fail "$full sectors of the file are in use"
msg pri stop failover
op zeroes $P 128 16384
msg pri start primary
wait_status pri ' 256/256 online 0 - '
same $L "$loop"
less=$(stat -c %b /run/thin)
note "$full sectors in use, then $less"
[ "$less" -le $((full - 16384)) ] || fail "$less sectors of the file are in use, $full before"
dm_remove pri
losetup --detach "$loop"

note "a remote leg that cannot"
linear plain /dev/ram1 0 32768
fill /dev/mapper/plain 0 32768 9
primary pri $L /dev/mapper/plain region_size 128
msg pri start primary
wait_status pri ' 256/256 online 0 - '
same $L /dev/mapper/plain
