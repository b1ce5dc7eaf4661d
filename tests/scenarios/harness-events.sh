# wait_status() returns on the event that brings the status it waits for,
# shown with a target of the kernel's own: dm-mirror, when a leg fails.
# dmesg: I/O error, dev dm-[0-9]+,|device-mapper: raid1
# stock: what all scenarios use

linear leg0 /dev/ram0
linear leg1 /dev/ram1
dm_create mirror "0 $RAM_SECTORS mirror core 2 1024 nosync \
	2 /dev/mapper/leg0 0 /dev/mapper/leg1 0 2 handle_errors keep_log"
wait_status mirror ' AA '
count=$(events mirror)
break_device leg1

# starts to wait before there is anything to wait for
spawn wait_status mirror ' AD '
waiter=$JOB
still_running "$waiter"
fill /dev/mapper/mirror 0 8 1
reap "$waiter"
wait_event mirror "$count"
holds /dev/ram0 0 8 1
is_zero /dev/ram1 0 8
