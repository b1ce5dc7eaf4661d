# verdict: FAIL kernel: .*(UBSAN: array-index-out-of-bounds|BUG: KASAN: stack-out-of-bounds)
modprobe planted mistake=out-of-bounds
