# verdict: FAIL kernel: .*WARNING: possible circular locking dependency
modprobe planted mistake=wrong-order
