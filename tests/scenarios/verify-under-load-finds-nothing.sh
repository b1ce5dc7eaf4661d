# A verify of legs that are being written finds no difference where there is
# none, and delays nobody for long.
. legs.sh

linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri

for mode in sync async; do
	for delay in 0 3; do
		note "$mode, remote leg $delay ms away"
		primary pri $L $R nosync region_size 128 $mode
		msg pri start primary
		wait_status pri ' 256/256 online '
		slow remote $delay
		spawn fio --minimal --name=wide --filename=$P --direct=1 --thread --ioengine=libaio \
			--iodepth=8 --rw=randwrite --bsrange=512-32k --size=16m --norandommap \
			--refill_buffers --time_based --runtime=$((60 * SLOWNESS)) --output=/dev/null
		wide=$JOB
		spawn fio --minimal --name=narrow --filename=$P --direct=1 --thread --ioengine=libaio \
			--iodepth=8 --rw=randwrite --bsrange=512-16k --size=256k --norandommap \
			--refill_buffers --time_based --runtime=$((60 * SLOWNESS)) --output=/dev/null
		narrow=$JOB
		busy pri
		for _ in 1 2; do
			msg pri verify
			msg pri checkpoint >/dev/null
			wait_status pri ' ended:256/256:[0-9]+$'
			matches "status" "$(status pri)" ' running [0-9]+ 256/256 online [0-9]+ - - ended:256/256:0$'
		done
		still_running "$wide"
		still_running "$narrow"
		end "$wide"
		end "$narrow"
		msg pri checkpoint >/dev/null
		same $L $R
		note "and a difference that there is"
		fill $R $((100 * 128)) 1 7
		fill $L $((100 * 128)) 1 8
		spawn fio --minimal --name=low --filename=$P --direct=1 --thread --ioengine=libaio \
			--iodepth=8 --rw=randwrite --bsrange=512-32k --size=4m --norandommap \
			--refill_buffers --time_based --runtime=$((60 * SLOWNESS)) --output=/dev/null
		busy pri
		msg pri verify
		wait_status pri ' ended:256/256:1$'
		wait_status pri ' 256/256 online '
		end "$JOB"
		msg pri checkpoint >/dev/null
		same $L $R
		holds $R $((100 * 128)) 1 8
		dm_remove pri
	done
done
