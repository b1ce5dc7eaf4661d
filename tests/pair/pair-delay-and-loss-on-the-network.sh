# shellcheck shell=bash disable=SC2016
# A network that is slow and loses frames, in both directions: the pair is slower, and right.
# That they are there is told by the queue's counters, and by a round trip that cannot be
# shorter than the delay.

SIZE=16384

pair_guest primary local=8
pair_guest standby disk=8 buffer=32
pair_boot "$k"
pair_on standby 'secondary sec /dev/pair/disk /dev/pair/buffer
inbound in sec
nbd_export 192.0.2.2 /dev/mapper/in'
pair_on primary "nbd_attach 192.0.2.2
primary pri /dev/pair/local /dev/nbd0
fill /dev/mapper/pri 0 $SIZE 1
msg pri start primary
msg pri checkpoint"
pair_on standby 'msg sec start secondary'

pair_delay primary 30
pair_delay standby 20
pair_on primary 'ping -q -c 3 192.0.2.2 | tee /tmp/ping
awk -F "[=/ ]+" "/^rtt/ { exit !(\$6 >= 50) }" /tmp/ping ||
	fail "a round trip was shorter than the delay"'

pair_loss primary 10
pair_loss standby 5
pair_rate primary 50
pair_on primary "tc qdisc show dev net0 | grep 'delay 30ms loss 10% rate 50Mbit'
fill /dev/mapper/pri 0 1024 2"
pair_on primary 'until tc -s qdisc show dev net0 | grep "dropped [1-9]"; do
	fill /dev/mapper/pri 0 1024 2
done'
pair_on primary 'fill /dev/mapper/pri 512 1024 3; msg pri checkpoint; status pri'
[[ $ANSWER == *' online '* ]] || pair_fail "the remote leg was given up"
pair_on standby "msg sec checkpoint
holds /dev/mapper/sec 0 512 2
holds /dev/mapper/sec 512 1024 3
holds /dev/mapper/sec 1536 $((SIZE - 1536)) 1"

pair_loss primary 0
pair_rate primary 0
pair_delay primary 0
pair_loss standby 0
pair_delay standby 0
pair_on primary "! tc qdisc show dev net0 | grep netem
fill /dev/mapper/pri 0 $SIZE 4; msg pri checkpoint"
pair_on standby "msg sec checkpoint; holds /dev/mapper/sec 0 $SIZE 4"
pair_end
