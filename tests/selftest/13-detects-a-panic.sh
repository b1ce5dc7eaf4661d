# verdict: FAIL .*(Kernel panic|BUG|Oops)
echo c >/proc/sysrq-trigger
sleep 1000
