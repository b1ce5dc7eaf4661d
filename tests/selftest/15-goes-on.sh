# After all that there is a guest, clean and well.
# verdict: ok
equal "devices" "$(dmsetup ls)" "No devices found"
is_zero /dev/ram0 0 "$RAM_SECTORS"
