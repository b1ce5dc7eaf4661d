# title: The short form of the regression gate
. /t/scenarios/lib/bench.sh

written_once /dev/ram0 /dev/ram1 /dev/ram2 /dev/ram3
baseline /dev/ram3
random linear /dev/mapper/lin write-qd1 read-qd1
once linear /dev/mapper/lin 32 once-qd16
start_primary /dev/ram0 /dev/ram1
random primary-sync /dev/mapper/pri write-qd1 read-qd1
dm_remove pri
start_primary /dev/ram0 /dev/ram1 async
random primary-async /dev/mapper/pri write-qd1
dm_remove pri
dm_create sec "0 131072 replication secondary /dev/ram1 /dev/ram2 0"
inbound in sec
msg sec start secondary
once secondary-inbound /dev/mapper/in 32 once-qd16
# The least of several: where the clock's tick or the end of the load falls into
# one, it is not the checkpoint that took longer.
took=()
while took+=("$(checkpoint_us dm sec checkpoint)"); [ ${#took[@]} -lt 5 ]; do
	wait_status sec '^secondary running [0-9]+ [0-9/]+ 0 0 0 '	# all merged
	once secondary-inbound /dev/mapper/in 32 once-qd16 >/dev/null
done
note "checkpoints: ${took[*]} us"
figure secondary checkpoint-8192 "$(printf '%s\n' "${took[@]}" | sort -n | head -n 1)" us
dm_remove in sec
