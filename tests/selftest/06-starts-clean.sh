# ... so that the next one starts from a clean state.
# verdict: ok
equal "devices" "$(dmsetup ls)" "No devices found"
for n in 0 1 2 3 4 5 6 7; do
	is_zero /dev/ram$n 0 "$RAM_SECTORS"
done
check_not pgrep -f 'sleep 1000'
