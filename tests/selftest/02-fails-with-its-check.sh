# verdict: FAIL exit code 1
check false
