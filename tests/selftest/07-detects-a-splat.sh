# The kernel warns: the scenario fails, although its script passes.
# verdict: FAIL kernel: .*WARNING: made up
echo 'WARNING: made up by the selftest' >/dev/kmsg
