# verdict: FAIL kernel: .*BUG: (sleeping function|scheduling while atomic)
modprobe planted mistake=sleep-in-atomic
