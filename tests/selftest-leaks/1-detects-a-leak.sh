# verdict: FAIL memory leaks
modprobe planted mistake=leak
