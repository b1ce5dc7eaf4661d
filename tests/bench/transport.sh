# title: Over a network: NVMe/TCP and NBD on the loopback device
# packages: mdadm nbd-server
. /t/scenarios/lib/bench.sh

CONFIG=/sys/kernel/config
HOST=11111111-2222-3333-4444-555555555555
LOADS="write-qd1 write-qd16 write-128k read-qd1"

# nvme_serve DEV: it is NVME from here on
nvme_serve()
{
	local n=$CONFIG/nvmet/subsystems/replica p=$CONFIG/nvmet/ports/1
	mkdir "$n" "$n/namespaces/1" "$p"
	echo 1 >"$n/attr_allow_any_host"
	echo -n "$1" >"$n/namespaces/1/device_path"
	echo 1 >"$n/namespaces/1/enable"
	echo 127.0.0.1 >"$p/addr_traddr"
	echo ipv4 >"$p/addr_adrfam"
	echo tcp >"$p/addr_trtype"
	echo 4420 >"$p/addr_trsvcid"
	ln -s "$n" "$p/subsystems/replica"
	nvme connect -t tcp -a 127.0.0.1 -s 4420 -n replica \
		--hostid=$HOST --hostnqn=nqn.2014-08.org.nvmexpress:uuid:$HOST >/dev/null
	NVME=
	while [ -z "$NVME" ]; do
		for NVME in /dev/nvme?n1; do
			[ -b "$NVME" ] || NVME=
		done
		[ -n "$NVME" ] || sleep 0.1
	done
}

nvme_stop()
{
	nvme disconnect -n replica >/dev/null
	rm "$CONFIG/nvmet/ports/1/subsystems/replica"
	echo 0 >"$CONFIG/nvmet/subsystems/replica/namespaces/1/enable"
	rmdir $CONFIG/nvmet/ports/1 $CONFIG/nvmet/subsystems/replica/namespaces/1 \
		$CONFIG/nvmet/subsystems/replica
}

modprobe nvmet-tcp
modprobe nvme-tcp
modprobe nbd
mountpoint -q $CONFIG || mount -t configfs configfs $CONFIG
written_once /dev/ram0 /dev/ram1 /dev/ram2 /dev/ram3
baseline /dev/ram3
# shellcheck disable=SC2086
{
	random linear /dev/mapper/lin $LOADS

	nvme_serve /dev/ram1
	random nvme-tcp "$NVME" $LOADS
	mdadm --create /dev/md0 --run --quiet --level=1 --raid-devices=2 \
		--assume-clean --metadata=1.2 --bitmap=none /dev/ram0 "$NVME"
	random raid1-over-nvme-tcp /dev/md0 $LOADS
	mdadm --stop --quiet /dev/md0
	start_primary /dev/ram0 "$NVME"
	random primary-sync-over-nvme-tcp /dev/mapper/pri $LOADS
	dm_remove pri
	nvme_stop

	# The whole way: primary, transport, inbound view. One checkpoint first, so
	# that what comes in goes to the buffer.
	for mode in sync async; do
		blkdiscard -z /dev/ram2
		# the buffer has room for all of it
		dm_create sec "0 131072 replication secondary /dev/ram1 /dev/ram2 0"
		inbound in sec
		nvme_serve /dev/mapper/in
		msg sec start secondary
		start_primary /dev/ram0 "$NVME" $mode
		random primary-$mode-to-inbound-over-nvme-tcp /dev/mapper/pri $LOADS
		dm_remove pri
		nvme_stop
		dm_remove in sec
	done

	nbd-server 127.0.0.1:10809 /dev/ram1 -C /dev/null -p /run/nbd-server.pid
	nbd-client 127.0.0.1 10809 /dev/nbd0 -b 512 >/dev/null
	random nbd /dev/nbd0 $LOADS
	nbd-client -d /dev/nbd0 >/dev/null
	kill "$(cat /run/nbd-server.pid)"
}
