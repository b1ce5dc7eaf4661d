# shellcheck shell=bash
# The host of a secondary loses power, again and again: it comes back at exactly
# the last checkpoint that was acknowledged, or at the one that was being taken;
# after a failover with every write that was flushed.
#
# QEMU is killed. Each boot writes to fresh overlays of both disks, and QEMU
# notes only at a flush where in an overlay a block is: a block that was
# written for the first time in a boot, and not flushed, is lost.
# not on um: QEMU's disks
# stock: QEMU, its disks and caches

MOST=$((12 * SOAK))
CUTS=$(((6 * SOAK + SAMPLE - 1) / SAMPLE))

SEED=${SEED:-$((SRANDOM & 0x7fffffff))}
echo "SEED=$SEED"
RANDOM=$SEED

boot=0 history='' last='' epoch=1 acked=1 failed_over='' flushed=0
in_checkpoint=0 ahead=0 in_merge=0 said='' stage=''

disks()
{
	local d
	for d in disk buffer; do
		if [ $boot -eq 1 ]; then
			qemu-img create -q -f qcow2 -o cluster_size=4096 "$HOST_RUN/$d.1" \
				"$([ $d = disk ] && echo 4M || echo 64M)"
		else
			qemu-img create -q -f qcow2 -o cluster_size=4096 -F qcow2 \
				-b "$HOST_RUN/$d.$((boot - 1))" "$HOST_RUN/$d.$boot"
		fi || host_fail "qemu-img"
	done
}

# Devices that take their time make the windows longer.
SLOW=,throttling.iops-write=

# What the guest says in LINE
take()
{
	said=${LINE#@@ }
	case $LINE in
	'@@ recovered '*)
		read -r _ _ stage epoch <<<"$LINE"
		[ "$epoch" -le "$acked" ] || ahead=$((ahead + 1))
		[ "$stage" = running ] || failed_over=1
		[ "$stage" != failover ] || in_merge=$((in_merge + 1))
		acked=$epoch
		;;
	'@@ history '*) history=${LINE#@@ history } ;;
	'@@ acked '*) acked=${LINE#@@ acked } ;;
	'@@ failed-over') failed_over=1 ;;
	'@@ flushed '*) flushed=${LINE#@@ flushed } ;;
	'@@ end 0') ;;
	'@@ end '*)
		host_fail "boot $boot: $(grep -aE '^(stamp: |--- FAIL)' "$log" | tail -n 1)"
		;;
	esac
}

# start TODO [OPTIONS OF THE DISK [OF THE BUFFER]]
start()
{
	boot=$((boot + 1)) flushed=0 said=''
	disks
	echo "--- boot $boot: $1"
	host_boot "disk.$boot${2-} buffer.$boot${3-}" "SEED=$SEED" "BOOT=$boot" "TODO=$1" \
		"HISTORY='$history'" "LAST='$last'" "ACKED=$acked" "FAILED_OVER=$failed_over"
}

# until REGEX [COUNT]: it has said that so many times
until_said()
{
	local left=${2:-1}
	while [ "$left" -gt 0 ]; do
		host_line || host_fail "boot $boot: $(console_reason "$HOST_CONSOLE")"
		take
		[[ ! $said =~ $1 ]] || left=$((left - 1))
	done
}

# At once, or when some of what follows is done.
cut()
{
	((RANDOM % 2)) || sleep "0.0$(printf '%02d' $((RANDOM % 30)))"
	host_cut take
	echo "--- power cut, the last that it said: $said"
}

# Some more if need be: one has to be in a checkpoint.
for ((i = 0; i < CUTS || (in_checkpoint == 0 && i < MOST); i++)); do
	if ((i % 2)); then
		start checkpoints
		until_said '^(wrote|asked|acked) ' $((5 + RANDOM % 40))
	else
		start checkpoints '' ${SLOW}50
		until_said '^asked ' $((2 + RANDOM % 5))
	fi
	cut
	[[ $said != asked* ]] || in_checkpoint=$((in_checkpoint + 1))
	last=e:$boot:$((epoch + 1))
done

start failover ${SLOW}10
until_said '^asked failover'
cut
if [ -n "$failed_over" ]; then
	history+=" a:$boot f:$boot:$flushed" last=''
else
	last=a:$boot
fi

# It got there, or this one does, and is cut off when the merge has just begun.
start failover ${SLOW}10
until_said '^(failed-over|flushed)'
cut
[ "$stage" != running ] || history+=" a:$boot"
history+=" f:$boot:$flushed" last=''

start flushes ${SLOW}10
until_said '^flushed ' $((2 + RANDOM % 20))
cut
history+=" f:$boot:$flushed"

start end
until_said '^end 0'
host_end
echo "$((boot - 1)) power cuts: $in_checkpoint in a checkpoint, $in_merge in the merge;" \
	"$ahead times it came back ahead of what was acknowledged"
[ $in_checkpoint -gt 0 ] || host_fail "no cut was in a checkpoint"
[ $in_merge -gt 0 ] || host_fail "no cut was in the merge"
