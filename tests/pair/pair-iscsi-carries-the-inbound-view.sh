# shellcheck shell=bash
# A pair over iSCSI, from the kernel's target (LIO) to the kernel's initiator: data makes the
# round trip through the inbound view, and the pair takes checkpoints.

SIZE=16384

pair_guest primary local=8
pair_guest standby disk=8 buffer=32
pair_boot "$k"

pair_on standby 'secondary sec /dev/pair/disk /dev/pair/buffer
inbound in sec
iscsi_export 192.0.2.2 /dev/mapper/in'
pair_on primary 'iscsi_attach 192.0.2.2'
disk=${ANSWER##*$'\n'}
pair_on primary "equal 'its size' \$(sectors $disk) $SIZE"

echo "--- data, there and back"
pair_on primary "fill $disk 0 $SIZE 1
holds $disk 0 $SIZE 1"
# before the start it goes straight to the disk
pair_on standby "holds /dev/pair/disk 0 $SIZE 1"

echo "--- a pair on it"
pair_on primary "primary pri /dev/pair/local $disk
fill /dev/mapper/pri 0 $SIZE 2
msg pri start primary
msg pri checkpoint"
pair_on standby 'msg sec start secondary'
pair_on primary 'fill /dev/mapper/pri 2048 4096 3; msg pri checkpoint'
pair_on standby 'msg sec checkpoint'
pair_on primary "fill /dev/mapper/pri 0 4096 4
dm_remove pri
iscsi_detach"
pair_on standby "msg sec stop failover
holds /dev/mapper/sec 0 2048 2
holds /dev/mapper/sec 2048 4096 3
holds /dev/mapper/sec 6144 $((SIZE - 6144)) 2"
pair_end
