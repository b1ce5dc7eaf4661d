# shellcheck shell=bash disable=SC2016
# A pair over NBD whose network is cut: the transport fails what is on its way when its timeout
# is over, the remote leg is degraded, and the workload goes on with the local leg. Once the
# network is back the difference is copied, by a dirty log, and the next checkpoint has all of
# it.

SIZE=32768

pair_guest primary local=16 log=1
pair_guest standby disk=16 buffer=32
pair_boot "$k"

pair_on standby 'secondary sec /dev/pair/disk /dev/pair/buffer
inbound in sec
nbd_export 192.0.2.2 /dev/mapper/in'
pair_on primary "nbd_attach 192.0.2.2 -timeout 20
primary pri /dev/pair/local /dev/nbd0 dirty_log /dev/pair/log
fill /dev/mapper/pri 0 $SIZE 1
msg pri start primary
msg pri checkpoint"
pair_on standby 'msg sec start secondary'
# twice: what was sent since the checkpoint before the last one is sent again
for i in 1 2; do
	pair_on primary 'msg pri checkpoint'
	pair_on standby 'msg sec checkpoint'
done

pair_link primary down
pair_wire 'count primary'
before=$ANSWER
pair_on primary "fill /dev/mapper/pri 0 8192 2
status pri | grep ' degraded '
fill /dev/mapper/pri 4096 8192 3
holds /dev/mapper/pri 0 4096 2
holds /dev/mapper/pri 4096 8192 3
msg pri get_error
expect_errno EIO msg pri checkpoint"
pair_wire 'count primary'
[ "${before% *}" = "${ANSWER% *}" ] ||
	pair_fail "frames went over a link that is down: $before, then $ANSWER"
pair_on standby "holds /dev/mapper/sec 0 $SIZE 1"

pair_link primary up
# nbd-client does not connect a device again that is open, as the primary's is.
pair_on primary 'dm_remove pri
nbd_detach
nbd_attach 192.0.2.2
primary pri /dev/pair/local /dev/nbd0 dirty_log /dev/pair/log
matches "the dirty regions" "$(status_field pri 4)" "^[1-9][0-9]*/16"
msg pri start primary
msg pri checkpoint
status pri | grep " online "'
pair_on standby "msg sec checkpoint
holds /dev/mapper/sec 0 4096 2
holds /dev/mapper/sec 4096 8192 3
holds /dev/mapper/sec 12288 $((SIZE - 12288)) 1"
pair_end
