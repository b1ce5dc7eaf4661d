# verdict: FAIL kernel: .*this place is gone from the log
dmesg -n 3
trap 'dmesg -n 7' EXIT
line=$(printf 'x%.0s' {1..900})
for ((i = 0; i < 50000; i++)); do
	echo "$line"
done >/dev/kmsg
