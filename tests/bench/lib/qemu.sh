# shellcheck shell=bash
# QEMU's block replication without a guest: two QEMUs, NBD between them, and
# NBD from the kernel to each. The drives are those of its own documentation.

# monitor SOCKET COMMAND [NAME=VALUE ...]: a value is JSON, or a string
monitor()
{
	PYTHONPATH=$BENCH/lib python3 -c '
import json, sys, qmp
def value(text):
    try:
        return json.loads(text)
    except ValueError:
        return text
arguments = dict(item.split("=", 1) for item in sys.argv[3:])
qmp.Monitor(sys.argv[1]).run(sys.argv[2], **{name: value(text) for name, text in arguments.items()})
' "$@"
}

# start_qemu NAME ARGUMENT...
start_qemu()
{
	qemu-system-x86_64 -M none -nodefaults -display none -S -daemonize \
		-pidfile "/run/$1.pid" -qmp "unix:/run/$1,server=on,wait=off" "${@:2}"
}

# serve NAME: by a socket that has no delayed acknowledgments, as TCP's would hold
# up one request of many for 40 ms
serve()
{
	monitor "/run/$1" nbd-server-start \
		'addr={"type":"unix","data":{"path":"/run/'"$1"'.nbd"}}'
}

# The primary is /dev/nbd0; of the secondary, the active disk is /dev/nbd1, and what
# the primary writes to /dev/nbd2.
# qemu_replication LOCAL DISK: both block devices
qemu_replication()
{
	local raw=driver=raw,file.driver=host_device,cache.direct=on,file.aio=native
	modprobe nbd
	qemu-img create -q -f qcow2 /tmp/active $(($(sectors "$2") * 512))
	qemu-img create -q -f qcow2 /tmp/hidden $(($(sectors "$2") * 512))
	start_qemu standby \
		-drive "if=none,id=disk,$raw,file.filename=$2" \
		-drive if=none,id=replica,driver=replication,mode=secondary,top-id=top,file.driver=qcow2,file.file.driver=file,file.file.filename=/tmp/active,file.backing.driver=qcow2,file.backing.file.driver=file,file.backing.file.filename=/tmp/hidden,file.backing.backing=disk \
		-drive if=none,id=top,driver=quorum,read-pattern=fifo,vote-threshold=1,children.0=replica
	serve standby
	monitor /run/standby nbd-server-add device=disk writable=true
	monitor /run/standby nbd-server-add device=top writable=true
	monitor /run/standby xen-set-replication enable=true primary=false

	start_qemu source \
		-drive "if=none,id=top,driver=quorum,read-pattern=fifo,vote-threshold=1,children.0.driver=raw,children.0.file.driver=host_device,children.0.file.aio=native,cache.direct=on,children.0.file.filename=$1"
	monitor /run/source human-monitor-command \
		command-line='drive_add -n buddy driver=replication,mode=primary,file.driver=nbd,file.path=/run/standby.nbd,file.export=disk,node-name=remote'
	monitor /run/source x-blockdev-change parent=top node=remote
	monitor /run/source xen-set-replication enable=true primary=true
	serve source
	monitor /run/source nbd-server-add device=top writable=true
	nbd-client -unix /run/source.nbd -N top /dev/nbd0 >/dev/null
	nbd-client -unix /run/standby.nbd -N top /dev/nbd1 >/dev/null
	nbd-client -unix /run/standby.nbd -N disk /dev/nbd2 >/dev/null
}

qemu_stop()
{
	nbd-client -d /dev/nbd0 >/dev/null
	nbd-client -d /dev/nbd1 >/dev/null
	nbd-client -d /dev/nbd2 >/dev/null
	kill "$(cat /run/source.pid)" "$(cat /run/standby.pid)"
	while pgrep -x qemu-system-x86 >/dev/null; do
		sleep 0.1
	done
	modprobe -r nbd
	rm -f /tmp/active /tmp/hidden
}
