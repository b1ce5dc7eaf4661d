# An async primary answers when the local leg has: also a flush or FUA. What the
# remote leg has yet to acknowledge is never more than max_behind; writers wait
# for room. A checkpoint waits for all of it, then the legs are equal.
. legs.sh

# a primary cannot be removed as long as what is below does not answer
trap 'dmsetup resume remote' EXIT
linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri

# held, let_go: the remote leg answers nothing meanwhile
held()
{
	dmsetup suspend --noflush --nolockfs remote
}

let_go()
{
	dmsetup resume remote
}

note "nobody waits for the remote leg"
primary pri $L $R nosync region_size 128 async max_behind 512
held
fill $P 0 64 1
let_go
msg pri start primary
held
fill $P 96 64 1
op flush $P
op fua $P 200 8 1
op zeroes $P 304 96
holds $P 96 64 1
matches "status" "$(status pri)" '^primary running 1 256/256 online 168 - - -$'
spawn msg pri checkpoint
sleep 0.5
still_running "$JOB"
equal "epoch" "$(status_field pri 3)" 1
note "a checkpoint waits"
fill $P 400 8 1
let_go
reap "$JOB"
equal "epoch" "$(status_field pri 3)" 2
msg pri checkpoint >/dev/null
matches "status" "$(status pri)" '^primary running 3 256/256 online 0 - - -$'
same $L $R
holds $R 96 64 1
holds $R 400 8 1

note "the remote leg takes few writes at a time"
modprobe null_blk nr_devices=0
few=/sys/kernel/config/nullb/few
mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
mkdir $few
trap 'dmsetup resume remote; dmsetup remove few narrow 2>/dev/null || true; rmdir $few 2>/dev/null || true' EXIT
for setting in memory_backed=1 size=16 irqmode=2 completion_nsec=$((1000000000 * SLOWNESS)) hw_queue_depth=4 \
		submit_queues=1 power=1; do
	echo "${setting#*=}" >"$few/${setting%=*}"
done
# 6.1 does not name it as it was asked for
for dev in /dev/few /dev/nullb0; do
	[ ! -e $dev ] || linear narrow $dev 0 256
done
linear quick /dev/ram5 0 256
primary few /dev/mapper/quick /dev/mapper/narrow nosync region_size 128 async
msg few start primary
# if each waited for a place, no more than these few would be behind at the end
before=$(awk "{ print int(\$1) }" /proc/uptime)
for ((i = 0; i < 32; i++)); do
	fill /dev/mapper/few $((i * 8)) 8 2
done
behind=$(status_field few 6)
note "$behind sectors behind after $(($(awk '{ print int($1) }' /proc/uptime) - before)) s"
[ "$behind" -ge 128 ] || fail "only $behind of 256 sectors are behind: the writes have waited"
msg few checkpoint >/dev/null
same /dev/mapper/quick /dev/mapper/narrow
dm_remove few narrow quick
rmdir $few

note "there is no more room"
held
fill $P 1024 512 2
equal "behind" "$(status_field pri 6)" 512
spawn op write $P 4096 8 2
one=$JOB
spawn op write $P 2048 2048 2
two=$JOB
spawn op zeroes $P 8192 8192
three=$JOB
sleep 0.5
still_running "$one"
still_running "$two"
equal "behind" "$(status_field pri 6)" 512
holds $P 1024 512 2
op flush $P
let_go
reap "$one"
reap "$two"
reap "$three"
msg pri checkpoint >/dev/null
same $L $R

note "under load"
slow remote 10
spawn fio --minimal --name=load --filename=$P --direct=1 --thread --ioengine=libaio --iodepth=16 \
	--numjobs=2 --rw=randwrite --bsrange=512-64k --size=16m --norandommap --refill_buffers \
	--time_based --runtime=$((240 * SLOWNESS)) --output=/dev/null
busy pri
most=0
for ((i = 0; i < 40; i++)); do
	n=$(status_field pri 6)
	[ "$n" -le 512 ] || fail "$n sectors are behind"
	[ "$n" -le "$most" ] || most=$n
	[ $((i % 10)) -ne 9 ] || msg pri checkpoint >/dev/null
done
note "$most sectors behind at most"
[ "$most" -gt 128 ] || fail "never more than $most sectors behind"
still_running "$JOB"
end "$JOB"
msg pri checkpoint >/dev/null
matches "status" "$(status pri)" ' 256/256 online 0 - '
same $L $R

note "with the least room"
slow remote 0
dm_load pri "0 32768 replication primary $L $R 5 region_size 128 async max_behind 8"
spawn fio --minimal --name=load --filename=$P --direct=1 --thread --ioengine=libaio --iodepth=8 \
	--rw=randwrite --bsrange=512-64k --size=1m --norandommap --refill_buffers \
	--number_ios=100 --output=/dev/null
while kill -0 "$JOB" 2>/dev/null; do
	n=$(status_field pri 6)
	[ "$n" -le 8 ] || fail "$n sectors are behind"
done
reap "$JOB"
fill $P 4096 2048 7
op zeroes $P 8192 8192
msg pri checkpoint >/dev/null
same $L $R
holds $R 4096 2048 7
