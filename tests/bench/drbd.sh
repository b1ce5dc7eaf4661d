# title: DRBD 8.4, both nodes on one host
# packages: drbd-utils
. /t/scenarios/lib/bench.sh
modprobe drbd

# node NAME MINOR DISK META ADDRESS PEER PROTOCOL
node()
{
	drbdmeta --force "$2" v08 "$4" 0 create-md >/dev/null
	drbdsetup new-resource "$1"
	drbdsetup new-minor "$1" "$2" 0
	drbdsetup attach "$2" "$3" "$4" 0
	drbdsetup connect "$1" "ipv4:127.0.0.1:$5" "ipv4:127.0.0.1:$6" --protocol="$7"
}

written_once /dev/ram0 /dev/ram1 /dev/ram2 /dev/ram3 /dev/ram4
baseline /dev/ram4
random linear /dev/mapper/lin write-qd1 write-qd16 write-128k read-qd1
for protocol in C A; do
	blkdiscard -z /dev/ram2
	blkdiscard -z /dev/ram3
	node one 0 /dev/ram0 /dev/ram2 7001 7002 $protocol
	node two 1 /dev/ram1 /dev/ram3 7002 7001 $protocol
	drbdsetup wait-connect 0
	equal 'the connection' "$(drbdsetup cstate 0)" Connected
	drbdsetup new-current-uuid 0 --clear-bitmap
	drbdsetup primary 0
	equal 'the disks' "$(drbdsetup dstate 0)" UpToDate/UpToDate
	random drbd-$protocol /dev/drbd0 write-qd1 write-qd16 write-128k read-qd1
	drbdsetup secondary 0
	drbdsetup down one
	drbdsetup down two
done
modprobe -r drbd
