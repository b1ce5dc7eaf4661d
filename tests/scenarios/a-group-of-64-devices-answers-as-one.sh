# 48 primaries and 16 secondaries in one group, all of them written to: the _all
# messages reach each of them, and an error of one is told and ends the rest.
# limit: 180
# dmesg: I/O error

. legs.sh

M=/dev/mapper
all=() pris=() secs=() legs=''
# leg NAME DEV FIRST SECTORS: one of those that are made at once
leg()
{
	legs+="$1,,,rw,0 $4 linear $2 $3;"
}

for ((n = 0; n < 48; n++)); do
	ram=$((n % 4)) row=$((n / 4))
	leg local$n /dev/ram$ram $((row * 2048)) 2048
	leg remote$n /dev/ram$((ram + 4)) $((row * 2048)) 2048
done
for ((n = 0; n < 16; n++)); do
	ram=$((n % 4)) row=$((n / 4))
	leg disk$n /dev/ram$ram $((65536 + row * 2048)) 2048
	leg buffer$n /dev/ram$((ram + 4)) $((65536 + row * 16384)) 16384
done
check dmsetup create --concise "${legs%;}"
for ((n = 0; n < 48; n++)); do
	mode=sync
	[ $((n % 3)) -ne 0 ] || mode="async max_behind 512"
	# shellcheck disable=SC2086 # words
	primary pri$n $M/local$n $M/remote$n nosync region_size 128 group all $mode
	pris+=("pri$n")
done
for ((n = 0; n < 16; n++)); do
	secondary sec$n $M/disk$n $M/buffer$n group all
	secs+=("sec$n")
done
all=("${pris[@]}" "${secs[@]}")

# are STAGE EPOCH: all of them
are()
{
	local found
	found=$(dmsetup status --noflush --target replication |
		awk '{ print $6, $7 }' | sort | uniq -c | tr -s ' ')
	equal "stages and epochs" "$found" " ${#all[@]} $1 $2"
}

# a random one of all
any()
{
	echo "${all[$(random_below ${#all[@]})]}"
}

msg "$(any)" start_all primary
msg "$(any)" start_all secondary
are running 1
paths=$(printf ":$M/%s" "${all[@]}")
spawn fio --minimal --name=load --filename="${paths#:}" --direct=1 --thread --ioengine=libaio \
	--iodepth=16 --rw=randwrite --bsrange=512-8k --randseed="$SEED" --time_based \
	--runtime=100 --norandommap --disk_util=0 --output=/dev/null
load=$JOB
busy pri0
epoch=1
for ((i = 0; i < 5 * SOAK; i++)); do
	epoch=$((epoch + 1))
	equal "checkpoint_all" "$(msg "$(any)" checkpoint_all)" $epoch
	are running $epoch
	equal "get_error_all" "$(msg "$(any)" get_error_all)" ok
done
still_running "$load"

bad=$(random_below 48)
note "the remote leg of pri$bad fails"
good=$(table "remote$bad")
break_device "remote$bad"
wait_status "pri$bad" ' degraded '
matches "get_error_all" "$(msg "$(any)" get_error_all)" '^EIO remote '
expect_errno EIO msg "$(any)" checkpoint_all
are running $epoch
dm_load "remote$bad" "$good" --noflush --nolockfs
dm_load "pri$bad" "$(table "pri$bad")"
wait_status "pri$bad" ' 16/16 online '
epoch=$((epoch + 1))
equal "checkpoint_all" "$(msg "$(any)" checkpoint_all)" $epoch
equal "get_error_all" "$(msg "$(any)" get_error_all)" ok
still_running "$load"

note "stop_all"
msg "$(any)" stop_all
are 'done' $((epoch + 1))
end "$load"

dm_remove "${all[@]}"
check rmmod dm_replication
