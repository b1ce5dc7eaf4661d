# verdict: FAIL kernel: .*BUG: KASAN: .*use-after-free
modprobe planted mistake=use-after-free
