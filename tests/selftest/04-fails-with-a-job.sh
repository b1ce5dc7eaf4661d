# A job in the background that nobody waited for.
# verdict: FAIL exit code 1
spawn false
