# title: Mirrors: md raid1, dm-mirror
# packages: mdadm
. /t/scenarios/lib/bench.sh

ALL="write-qd1 write-qd16 write-psync write-128k read-qd1 read-psync"

# raid1 SYSTEM OPTION...
# shellcheck disable=SC2086
raid1()
{
	mdadm --create /dev/md0 --run --quiet --level=1 --raid-devices=2 \
		--assume-clean --metadata=1.2 "${@:2}"
	random "$1" /dev/md0 $LOADS
	mdadm --stop --quiet /dev/md0
	mdadm --zero-superblock --quiet "${!#}" "${@: -2:1}" 2>/dev/null || true
}

written_once /dev/ram0 /dev/ram1 /dev/ram2 /dev/ram3
baseline /dev/ram3
LOADS=$ALL
# shellcheck disable=SC2086
{
	random ramdisk /dev/ram3 $ALL
	random linear /dev/mapper/lin $ALL

	raid1 raid1 --bitmap=none /dev/ram0 /dev/ram1
	raid1 raid1-bitmap --bitmap=internal /dev/ram0 /dev/ram1

	modprobe dm-mirror
	dm_create mirror "0 $RAM_SECTORS mirror core 2 1024 nosync 2 /dev/ram0 0 /dev/ram1 0"
	random dm-mirror-core /dev/mapper/mirror $ALL
	dm_remove mirror
	dm_create mirror "0 $RAM_SECTORS mirror disk 3 /dev/ram2 1024 nosync 2 /dev/ram0 0 /dev/ram1 0"
	random dm-mirror-disk /dev/mapper/mirror $ALL
	dm_remove mirror
}

dm_create far "0 $RAM_SECTORS delay /dev/ram1 0 0 /dev/ram1 0 5"
random delay-5ms /dev/mapper/far write-qd1 write-qd16
LOADS="write-qd1 write-qd16"
raid1 raid1-behind-5ms --bitmap=internal --write-behind=16383 /dev/ram0 --write-mostly /dev/mapper/far
dm_remove far
