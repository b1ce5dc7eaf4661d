# The same, declared. But a declaration never covers a splat.
# verdict: ok
# dmesg: dev made-up
echo 'I/O error, dev made-up, sector 0' >/dev/kmsg
