# verdict: FAIL no end after 3 s
# limit: 3
sleep 1000
