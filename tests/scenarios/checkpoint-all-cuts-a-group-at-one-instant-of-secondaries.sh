# checkpoint_all on a group of secondaries, to whose inbound views synchronous
# primaries write, is one cut through all of them while the workload goes on.
# soak

M=/dev/mapper
for n in 0 1 2; do
	linear disk$n /dev/ram$n 0 4096
	linear buffer$n /dev/ram$((n + 3)) 0 65536
	linear local$n /dev/ram6 $((n * 4096)) 4096
	secondary sec$n $M/disk$n $M/buffer$n group b
	inbound in$n sec$n
	primary pri$n $M/local$n $M/in$n nosync region_size 128 group a
done
msg pri0 start_all primary
msg sec0 start_all secondary
note "the secondaries alone"
check consistent -s "$SEED" -n 10 -t 6 sec0 pri0 sec1 pri1 sec2 pri2

clean()
{
	local n
	for n in 0 1 2; do
		check blkdiscard -f -z $M/pri$n
	done
}

note "the primaries first"
clean
check consistent -s "$SEED" -n 10 -t 6 -p pri0 sec0 pri0 sec1 pri1 sec2 pri2
note "with buffers of different speed"
slow buffer1 3
slow buffer2 8
clean
check consistent -s "$SEED" -n 10 -t 6 sec0 pri0 sec1 pri1 sec2 pri2
for n in 0 1 2; do
	same $M/local$n $M/in$n
done
