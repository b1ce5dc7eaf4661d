# An I/O error that the scenario did not say it expects.
# verdict: FAIL kernel: .*I/O error
echo 'I/O error, dev made-up, sector 0' >/dev/kmsg
