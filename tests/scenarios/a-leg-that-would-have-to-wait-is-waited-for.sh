# A write that must not wait, and one leg would have to: when the other one has
# taken it, it waits after all, and both legs have it.
# stock: NOWAIT that a leg refuses (compat.h)
. legs.sh

P=/dev/mapper/pri L=/dev/mapper/local R=/dev/mapper/remote
for mode in sync async; do
	faulty local 4096
	faulty remote 4096
	primary pri $L $R nosync region_size 128 $mode
	msg pri start primary
	for leg in remote local; do
		note "$mode: the $leg leg"
		fill $P 0 512 1
		dmsetup message $leg 0 again write
		for where in 0 100 504; do
			equal "$where" "$(nowait $P $where 8)" ok
		done
		msg pri checkpoint >/dev/null
		matches "status" "$(status pri)" ' 32/32 online 0 - '
		same $L $R
		is_zero $R 100 8
		dmsetup message $leg 0 again
	done
	note "$mode: both of them"
	fill $P 0 512 2
	dmsetup message local 0 again write
	dmsetup message remote 0 again write
	equal "both" "$(nowait $P 100 8)" ok
	msg pri checkpoint >/dev/null
	same $L $R
	is_zero $R 100 8
	dm_remove pri local remote
done

# divided NAME: of two parts, that meet at sector 104
divided()
{
	faulty one 104
	faulty two 3992
	dm_create "$1" - <<-END
		0 104 linear /dev/mapper/one 0
		104 3992 linear /dev/mapper/two 0
	END
}

for mode in sync async; do
	for leg in remote local; do
		note "$mode: the $leg leg divides the write, and keeps a part"
		divided $leg
		[ $leg = local ] || faulty local 4096
		[ $leg = remote ] || faulty remote 4096
		primary pri $L $R nosync region_size 128 $mode
		msg pri start primary
		fill $P 0 512 1
		msg pri checkpoint >/dev/null
		dmsetup message one 0 again write
		dmsetup message two 0 again write
		dmsetup message two 0 hold write
		spawn nowait $P 100 8
		until [ "$(status_field two 7)" = 1 ]; do
			sleep 0.1
		done
		if [ $mode-$leg = async-remote ]; then
			reap "$JOB"
			equal "behind" "$(status_field pri 6)" 8
		else
			equal "there" "$(nowait $P 106 8)" EAGAIN
		fi
		dmsetup message two 0 hold
		[ $mode-$leg = async-remote ] || reap "$JOB"
		msg pri checkpoint >/dev/null
		same $L $R
		is_zero $R 100 8
		dm_remove pri local remote one two
	done
done

# read_nowait DEV FIRST SECTORS: prints ok or the name of the error
read_nowait()
{
	python3 - "$@" <<-END
		import errno, mmap, os, sys
		fd = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
		try:
		    os.preadv(fd, [mmap.mmap(-1, int(sys.argv[3]) * 512)], int(sys.argv[2]) * 512,
		              os.RWF_NOWAIT)
		    print('ok')
		except OSError as error:
		    print(errno.errorcode[error.errno])
	END
}

for mode in sync async; do
	linear local /dev/ram0 0 4096
	linear remote /dev/ram1 0 4096
	primary pri $L $R nosync region_size 128 $mode
	msg pri start primary
	for leg in remote local; do
		note "$mode: the $leg leg is another one now, that does not know of such bios"
		fill $P 0 512 1
		slow $leg 5
		equal "write" "$(nowait $P 100 8)" ok
		[ $leg = remote ] || equal "read" "$(read_nowait $P 0 8)" EAGAIN
		msg pri checkpoint >/dev/null
		equal "get_error" "$(msg pri get_error)" ok
		slow $leg 0
		matches "status" "$(status pri)" ' 32/32 online 0 - '
		same $L $R
		is_zero $R 100 8
	done
	dm_remove pri local remote
done
