# Overlapping writes of an async primary reach the remote leg in the order in
# which the local leg has them, whatever their size and however slow it is; also
# when their buffers change, and with checkpoints in between.
# soak
# stock: caches of bios (compat.h), processors
. legs.sh

linear local /dev/ram0 0 16384
linear remote /dev/ram1 0 16384
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
primary pri $L $R nosync region_size 128 async max_behind 1024
msg pri start primary

# storm NAME OPTIONS
storm()
{
	note "$1"
	fio --minimal --name="$1" --filename=$P --direct=1 --thread --rw=randwrite \
		--norandommap --randrepeat=0 --randseed="$RANDOM" --refill_buffers --group_reporting \
		"${@:2}" >/dev/null
	msg pri checkpoint >/dev/null
	same $L $R
	matches "status" "$(status pri)" ' 128/128 online 0 - '
}

for delay in 0 5; do
	slow remote $delay
	storm "small, $delay ms" --numjobs=4 --ioengine=libaio --iodepth=16 --bs=4k --size=32k \
		--number_ios=200
	storm "mixed, $delay ms" --numjobs=4 --ioengine=libaio --iodepth=8 --bsrange=512-64k \
		--blockalign=512 --size=256k --number_ios=60
	storm "io_uring, $delay ms" --numjobs=2 --ioengine=io_uring --iodepth=8 \
		--bsrange=512-16k --size=32k --number_ios=120
	storm "psync, $delay ms" --numjobs=4 --ioengine=psync --bsrange=512-16k --size=32k \
		--number_ios=60
done

note "with checkpoints in between"
spawn fio --minimal --name=during --filename=$P --direct=1 --thread --rw=randwrite \
	--norandommap --numjobs=2 --ioengine=libaio --iodepth=8 --bsrange=512-32k \
	--blockalign=512 --size=1m --number_ios=150 --output=/dev/null
load=$JOB
epoch=$(status_field pri 3)
while kill -0 "$load" 2>/dev/null; do
	epoch=$((epoch + 1))
	equal "epoch" "$(msg pri checkpoint)" $epoch
done
reap "$load"
msg pri checkpoint >/dev/null
same $L $R

note "while a resync is at them"
msg pri stop failover
fill $P 0 16384 1
slow remote 2
spawn fio --minimal --name=resync --filename=$P --direct=1 --thread --rw=randwrite \
	--norandommap --numjobs=2 --ioengine=libaio --iodepth=8 --bsrange=512-64k \
	--blockalign=512 --size=8m --time_based --runtime=$((60 * SLOWNESS)) --output=/dev/null
load=$JOB
busy pri
msg pri start primary
wait_status pri ' 128/128 online '
still_running "$load"
end "$load"
msg pri checkpoint >/dev/null
same $L $R
