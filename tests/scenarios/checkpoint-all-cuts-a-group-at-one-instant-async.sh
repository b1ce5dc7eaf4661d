# The same of asynchronous primaries. Their workload does not wait for the cut;
# and of a group of which some are.
# soak
# stock: races between processors
modprobe recorder

# as much as may be on its way: recorder takes its time for each write
much='async max_behind 256'

# group OPTIONS OPTIONS OPTIONS: of each primary
group()
{
	local n=0 options
	local -a option
	for options; do
		read -ra option <<<"$options"
		linear local$n /dev/ram$n 0 4096
		dm_create remote$n "0 4096 recorder $n"
		primary pri$n /dev/mapper/local$n /dev/mapper/remote$n nosync \
			region_size 128 group a "${option[@]}"
		check blkdiscard -f -z /dev/mapper/pri$n
		n=$((n + 1))
	done
	msg pri0 start_all primary
	msg pri0 checkpoint_all
}

ungroup()
{
	local n
	msg pri0 checkpoint_all
	for n in 0 1 2; do
		same /dev/mapper/local$n /dev/mapper/remote$n
		dm_remove pri$n remote$n local$n
	done
}

note "all asynchronous"
group "$much" "$much" "$much"
check consistent -s "$SEED" -n 15 -t 6 -a -r remote0 pri0 pri1 pri2
ungroup
note "with little that may be behind"
group 'async max_behind 32' 'async max_behind 64' "$much"
check consistent -s "$SEED" -n 12 -t 6 -r remote0 pri0 pri1 pri2
ungroup
note "some"
group sync "$much" sync
check consistent -s "$SEED" -n 12 -t 6 -r remote0 pri0 pri1 pri2
ungroup
note "one alone"
group "$much" sync sync
check consistent -s "$SEED" -n 12 -t 6 -a -r remote0 pri0
ungroup
