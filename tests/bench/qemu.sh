# title: QEMU's block replication, without a guest
# packages: qemu-system-x86 qemu-utils
. /t/scenarios/lib/bench.sh
. /t/scenarios/lib/qemu.sh

written_once /dev/ram0 /dev/ram1 /dev/ram3
baseline /dev/ram3
random linear /dev/mapper/lin write-qd1 write-qd16 read-qd1
once linear /dev/mapper/lin 32 once-qd16
qemu_replication /dev/ram0 /dev/ram1
for blocks in 1024 8192; do
	once qemu-primary-$blocks /dev/nbd0 $((blocks / 256)) once-qd16
	figure qemu "checkpoint-$blocks" \
		"$(checkpoint_us qmp /run/standby xen-colo-do-checkpoint)" us
done
once qemu-primary /dev/nbd0 32 once-qd16
random qemu-primary /dev/nbd0 write-qd1 write-qd16 read-qd1
random qemu-active /dev/nbd1 write-qd1 write-qd16 read-qd1
checkpoint_us qmp /run/standby xen-colo-do-checkpoint >/dev/null
once qemu-inbound /dev/nbd2 32 once-qd16
qemu_stop
