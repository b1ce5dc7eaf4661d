# shellcheck shell=bash
# How a block device gets from the standby to the primary: each transport's server and
# client, and nothing of a distribution's services. Both have an ADDRESS; a server serves one
# DEVICE, and must not keep writes in a cache of its own; a client makes one device, whose
# name it prints. A guest's clock goes on while its host has no processor for it, so no
# client gives a connection up unless it is told to: what breaks it is the test's.

configfs()
{
	modprobe -q configfs || true
	mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
}

# --- NBD: /dev/nbd0

# nbd_export ADDRESS DEVICE
nbd_export()
{
	qemu-nbd --fork --pid-file=/run/qemu-nbd.pid --persistent --shared=0 --export-name=replica \
		--bind="$1" --format=raw --cache=none --aio=native --discard=unmap "$2"
}

# nbd_unexport: when it returns the device is free
nbd_unexport()
{
	local pid
	pid=$(cat /run/qemu-nbd.pid)
	kill "$pid"
	while [ -e "/proc/$pid" ]; do
		sleep 0.1
	done
}

# nbd_attach ADDRESS [OPTION OF NBD-CLIENT...]
nbd_attach()
{
	modprobe nbd nbds_max=1
	nbd-client -N replica "$1" /dev/nbd0 "${@:2}" >&2
	# with -nonetlink it has no size yet
	until [ "$(sectors /dev/nbd0)" -gt 0 ]; do
		sleep 0.1
	done
	echo /dev/nbd0
}

nbd_detach()
{
	nbd-client -d /dev/nbd0 >&2
	while [ -e /sys/block/nbd0/pid ]; do
		sleep 0.1
	done
}

# --- NVMe over TCP

NVME_NQN=nqn.2024-01.example:replica

# nvme_export ADDRESS DEVICE
nvme_export()
{
	local root=/sys/kernel/config/nvmet subsystem port
	modprobe nvmet-tcp
	configfs
	subsystem=$root/subsystems/$NVME_NQN port=$root/ports/1
	mkdir "$subsystem" "$subsystem/namespaces/1" "$port"
	echo 1 >"$subsystem/attr_allow_any_host"
	echo "$2" >"$subsystem/namespaces/1/device_path"
	echo 1 >"$subsystem/namespaces/1/enable"
	echo tcp >"$port/addr_trtype"
	echo ipv4 >"$port/addr_adrfam"
	echo "$1" >"$port/addr_traddr"
	echo 4420 >"$port/addr_trsvcid"
	ln -s "$subsystem" "$port/subsystems/"
}

nvme_unexport()
{
	local root=/sys/kernel/config/nvmet
	rm "$root/ports/1/subsystems/$NVME_NQN"
	rmdir "$root/ports/1" "$root/subsystems/$NVME_NQN"/{namespaces/1,}
}

# nvme_attach ADDRESS [OPTION OF NVME CONNECT...]
nvme_attach()
{
	modprobe nvme-tcp
	nvme connect -t tcp -a "$1" -s 4420 -n "$NVME_NQN" --keep-alive-tmo=240 \
		--hostnqn="nqn.2024-01.example:$NAME" \
		--hostid="$(cat /proc/sys/kernel/random/uuid)" "${@:2}" >&2
	until [ -b /dev/nvme0n1 ]; do
		sleep 0.1
	done
	echo /dev/nvme0n1
}

nvme_detach()
{
	nvme disconnect -n "$NVME_NQN" >&2
}

# --- iSCSI

ISCSI_TARGET=iqn.2024-01.example:replica

# lio_backstore DEVICE
lio_backstore()
{
	local store=/sys/kernel/config/target/core/iblock_0/replica
	modprobe target_core_mod
	modprobe target_core_iblock
	configfs
	mkdir -p "$store"
	echo "udev_path=$1" >"$store/control"
	echo 1 >"$store/enable"
}

# lio_lun TPG: the backstore as its unit 0
lio_lun()
{
	mkdir "$1/lun/lun_0"
	ln -s /sys/kernel/config/target/core/iblock_0/replica "$1/lun/lun_0/replica"
}

# iscsi_export ADDRESS DEVICE
iscsi_export()
{
	local tpg=/sys/kernel/config/target/iscsi/$ISCSI_TARGET/tpgt_1
	lio_backstore "$2"
	modprobe iscsi_target_mod
	mkdir -p /sys/kernel/config/target/iscsi "$tpg"
	lio_lun "$tpg"
	# any initiator, without a password
	echo 0 >"$tpg/attrib/authentication"
	echo 1 >"$tpg/attrib/generate_node_acls"
	echo 0 >"$tpg/attrib/demo_mode_write_protect"
	mkdir "$tpg/np/$1:3260"
	echo 1 >"$tpg/enable"
}

# iscsi_attach ADDRESS
iscsi_attach()
{
	local disk=''
	modprobe iscsi_tcp
	modprobe sd_mod
	echo "InitiatorName=iqn.2024-01.example:$NAME" >/etc/iscsi/initiatorname.iscsi
	iscsid
	iscsiadm -m discovery -t sendtargets -p "$1" >&2
	iscsiadm -m node -T "$ISCSI_TARGET" -p "$1" -o update \
		-n 'node.conn[0].timeo.noop_out_interval' -v 0 >&2
	iscsiadm -m node -T "$ISCSI_TARGET" -p "$1" --login >&2
	until [ -n "$disk" ]; do
		sleep 0.1
		disk=$(find /sys/class/iscsi_session/session*/device/ -path '*/block/*' -prune -printf '%f')
	done
	echo "/dev/$disk"
}

iscsi_detach()
{
	iscsiadm -m node -T "$ISCSI_TARGET" --logout >&2
}
