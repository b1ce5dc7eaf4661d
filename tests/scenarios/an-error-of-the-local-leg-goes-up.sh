# An error of the local leg reaches the workload, and what may differ is dirty.
# dmesg: I/O error

broken local /dev/ram0 8192 8
linear remote /dev/ram1
P=/dev/mapper/pri
primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128
msg pri start primary
fill $P 0 8192 1
fill $P 8200 8192 1
expect_errno EIO pattern write $P 8192 8 2
clean=$(status_field pri 4)
[ "${clean%/*}" -lt "${clean#*/}" ] || fail "the legs may differ, and no region is dirty: $clean"
holds $P 0 8192 1
holds $P 8200 8192 1
fill $P 100 100 3
holds /dev/ram0 100 100 3
matches "get_error" "$(msg pri get_error)" '^EIO local write [0-9]+ '

note "a large write that meets it in the middle"
expect_errno EIO pattern write $P 8000 1000 4

note "before start too"
dm_remove pri
primary pri /dev/mapper/local /dev/mapper/remote nosync
expect_errno EIO pattern write $P 8192 8 2
expect_errno EIO pattern check $P 8192 8 2
fill $P 0 8 5
holds /dev/ram0 0 8 5
