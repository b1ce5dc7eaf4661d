# verdict: FAIL no end after [0-9]+ s
# limit: 3
sleep 1000
