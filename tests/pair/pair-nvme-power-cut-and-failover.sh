# shellcheck shell=bash disable=SC2016
# stock: QEMU loses what was not flushed
# A pair over NVMe/TCP: the first copy, checkpoints on both sides, a power cut of the primary.
# What the standby has after the failover is exactly the last checkpoint: what was written
# after it, and reached the standby, is not there.

SIZE=32768

pair_guest primary local=16
pair_guest standby disk=16 buffer=32
pair_boot "$k"

pair_on standby 'secondary sec /dev/pair/disk /dev/pair/buffer
inbound in sec
nvme_export 192.0.2.2 /dev/mapper/in'
pair_on primary 'nvme_attach 192.0.2.2
primary pri /dev/pair/local /dev/nvme0n1'

echo "--- the first copy"
pair_on primary "fill /dev/mapper/pri 0 $SIZE 1
msg pri start primary
msg pri checkpoint"
pair_on standby "msg sec start secondary
holds /dev/mapper/sec 0 $SIZE 1"

echo "--- two checkpoints, and what none holds"
pair_on primary 'fill /dev/mapper/pri 0 8192 2; msg pri checkpoint'
pair_on standby 'msg sec checkpoint'
pair_on primary 'fill /dev/mapper/pri 4096 8192 3; msg pri checkpoint'
pair_on standby 'msg sec checkpoint'
pair_on primary 'fill /dev/mapper/pri 8192 8192 4; sync /dev/mapper/pri; status pri'
[[ $ANSWER == *' online '* ]] || pair_fail "the pair did not stay whole"
pair_on standby 'status sec
in=$(status_field sec 5)
[ "$in" -ge 8192 ] || fail "only $in sectors came"'

pair_cut primary

pair_on standby "msg sec stop failover
holds /dev/mapper/sec 0 4096 2
holds /dev/mapper/sec 4096 8192 3
holds /dev/mapper/sec 12288 $((SIZE - 12288)) 1
msg sec merge_throttle 100
wait_status sec '^secondary done '
same /dev/mapper/sec /dev/pair/disk"

echo "--- the primary's host is up again: its disk is as the last flush left it, or newer"
pair_boot_again primary
pair_on primary "holds /dev/pair/local 0 4096 2
holds /dev/pair/local 4096 4096 3
holds /dev/pair/local 8192 8192 4
holds /dev/pair/local 16384 $((SIZE - 16384)) 1"
pair_end
