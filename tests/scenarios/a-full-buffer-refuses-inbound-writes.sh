# Inbound writes that don't fit fail: the primary degrades, its workload sees
# nothing, the last checkpoint is intact, and a checkpoint gets out of it.
# dmesg: I/O error|critical space allocation error

linear local /dev/ram2 0 32768
fill /dev/mapper/local 0 32768 1
replica 32768 4096
A=/dev/mapper/sec I=/dev/mapper/in P=/dev/mapper/pri
fill $I 0 32768 1
msg sec start secondary
primary pri /dev/mapper/local $I nosync region_size 128
msg pri start primary
fill $P 0 1024 2
msg pri checkpoint
msg sec checkpoint
equal "active" "$(tags $A 0 2048)" '2x1024 1x1024'

note "more than the buffer holds"
fill $P 0 16384 3
wait_status pri ' degraded '
holds $P 0 16384 3
matches "primary" "$(msg pri get_error)" '^ENOSPC remote write [0-9]+ '
matches "secondary" "$(msg sec get_error)" '^ENOSPC inbound write [0-9]+ '
matches "status" "$(status sec) $(status in)" '^secondary running .* ENOSPC - inbound running .* open ENOSPC$'
used=$(status_field sec 4)
[ "${used%/*}" -le "${used#*/}" ] || fail "more used than there is: $used"

note "the last checkpoint is intact"
equal "active" "$(tags $A 0 2048)" '2x1024 1x1024'
holds $A 2048 30720 1
holds $I 16384 16384 1

note "a checkpoint gets out of it"
check msg sec checkpoint
wait_status sec ' 0 0 0 [^ ]* -$'
fill $I 20000 1000 4
holds $I 20000 1000 4
holds $A 16384 16384 1
check msg sec checkpoint
equal "active" "$(tags $A 19000 3000)" '1x1000 4x1000 1x1000'
