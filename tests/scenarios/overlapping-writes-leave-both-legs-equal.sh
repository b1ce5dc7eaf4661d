# Overlapping writes in flight, from several jobs and of all sizes, reach both
# legs in one order: after a checkpoint both are equal byte for byte.
# soak

linear local /dev/ram0 0 16384
linear remote /dev/ram1 0 16384
primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128
msg pri start primary

# storm NAME OPTIONS
storm()
{
	note "$1"
	fio --minimal --name="$1" --filename=/dev/mapper/pri --direct=1 --thread --rw=randwrite \
		--norandommap --randrepeat=0 --randseed="$RANDOM" --refill_buffers --group_reporting \
		"${@:2}" >/dev/null
	msg pri checkpoint >/dev/null
	same /dev/mapper/local /dev/mapper/remote
	matches "status" "$(status pri)" ' 128/128 online 0 - '
}

for _ in 1 2 3; do
	storm small --numjobs=4 --ioengine=libaio --iodepth=16 --bs=4k --size=32k --number_ios=400
	storm mixed --numjobs=4 --ioengine=libaio --iodepth=8 --bsrange=512-64k \
		--blockalign=512 --size=256k --number_ios=150
	storm psync --numjobs=6 --ioengine=psync --bsrange=512-16k \
		--size=32k --number_ios=200
done

note "with a remote leg that takes its time"
slow remote 5
storm slow --numjobs=4 --ioengine=libaio --iodepth=16 --bsrange=512-32k \
	--blockalign=512 --size=128k --number_ios=100

note "and with checkpoints in between"
spawn fio --minimal --name=during --filename=/dev/mapper/pri --direct=1 --thread --rw=randwrite \
	--norandommap --numjobs=2 --ioengine=libaio --iodepth=8 --bsrange=512-32k \
	--blockalign=512 --size=1m --number_ios=300 --output=/dev/null
load=$JOB
epoch=$(status_field pri 3)
while kill -0 "$load" 2>/dev/null; do
	epoch=$((epoch + 1))
	equal "epoch" "$(msg pri checkpoint)" $epoch
done
reap "$load"
same /dev/mapper/local /dev/mapper/remote
