# verdict: FAIL exit code 1
false | cat
true
