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

# any MESSAGE...: sent to a random one of all; the reply is in $REPLY
any()
{
	random_below ${#all[@]}
	REPLY=$(msg "${all[CHOICE]}" "$@")
}

# checkpoint_all and what follows it: all of them are at $epoch, and well
checkpointed()
{
	epoch=$((epoch + 1))
	any checkpoint_all
	equal "checkpoint_all" "$REPLY" $epoch
	are running $epoch
	any get_error_all
	equal "get_error_all" "$REPLY" ok
}

any start_all primary
any start_all secondary
are running 1
paths=$(printf ":$M/%s" "${all[@]}")
spawn fio --minimal --name=load --filename="${paths#:}" --direct=1 --thread --ioengine=libaio \
	--iodepth=16 --rw=randwrite --bsrange=512-8k --randseed="$SEED" --time_based \
	--runtime=100 --norandommap --disk_util=0 --output=/dev/null
load=$JOB
busy pri0
epoch=1
for ((i = 0; i < 5 * SOAK; i++)); do
	checkpointed
done
still_running "$load"

random_below 48
bad=$CHOICE
note "the remote leg of pri$bad fails"
good=$(table "remote$bad")
break_device "remote$bad"
wait_status "pri$bad" ' degraded '
any get_error_all
matches "get_error_all" "$REPLY" '^EIO remote '
expect_errno EIO msg "${all[CHOICE]}" checkpoint_all
are running $epoch
dm_load "remote$bad" "$good" --noflush --nolockfs
dm_load "pri$bad" "$(table "pri$bad")"
wait_status "pri$bad" ' 16/16 online '
checkpointed
still_running "$load"

note "stop_all"
any stop_all
are 'done' $((epoch + 1))
end "$load"

note "started again, what was written meanwhile is copied"
# start_all leaves alone who is done
for name in "${pris[@]}"; do
	msg "$name" start primary
done
for name in "${secs[@]}"; do
	fill "$M/$name" 0 2048 1
	msg "$name" start secondary
	fill "$M/$name" 0 2048 2
done
any stop_all
for name in "${secs[@]}"; do
	wait_status "$name" '^secondary done '
done
for ((n = 0; n < 48; n++)); do
	same $M/local$n $M/remote$n
done
# the standby's own writes are not what is taken over
for ((n = 0; n < 16; n++)); do
	holds $M/disk$n 0 2048 1
done

dm_remove "${all[@]}"
check rmmod dm_replication
