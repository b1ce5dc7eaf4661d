# verdict: FAIL kernel: .*Call Trace
# dmesg: .
echo 'Call Trace: made up' >/dev/kmsg
