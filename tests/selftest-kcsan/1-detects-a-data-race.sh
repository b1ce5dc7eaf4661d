# verdict: FAIL kernel: .*BUG: KCSAN: data-race in .*\[planted\]
modprobe planted mistake=race
