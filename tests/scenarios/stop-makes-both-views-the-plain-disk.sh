# `stop` takes a checkpoint and merges it; then both views are the plain disk.
# `start` begins anew.

replica 16384 16384
A=/dev/mapper/sec I=/dev/mapper/in D=/dev/mapper/disk
fill $I 0 16384 1
msg sec start secondary
fill $I 0 2048 2
fill $A 1024 2048 3
slow disk 10
msg sec stop
matches "status" "$(status sec)" '^secondary done 2 [0-9]+/[0-9]+ 0 0 0 - -$'
for view in $A $I $D; do
	equal "$view" "$(tags "$view" 0 4096)" '2x2048 1x2048'
done
note "plain"
matches "status" "$(status in)" '^inbound done 2 open -$'
fill $I 100 50 4
fill $A 200 50 5
for view in $A $I $D; do
	equal "$view" "$(tags "$view" 0 300)" '2x100 4x50 2x50 5x50 2x50'
done
matches "status" "$(status sec)" ' 0 0 0 - -$'

note "start begins anew, from what is on the disk"
msg sec start secondary
equal "stage" "$(status_field sec 2)" running
epoch=$(status_field sec 3)
fill $I 0 10 6
fill $A 5 10 7
equal "active" "$(tags $A 0 20)" '2x5 7x10 2x5'
equal "inbound" "$(tags $I 0 20)" '6x10 2x10'
equal "the disk" "$(tags $D 0 20)" '2x20'
equal "epoch" "$(msg sec checkpoint)" $((epoch + 1))
equal "active" "$(tags $A 0 20)" '6x10 2x10'

note "also after a failover"
fill $A 0 5 8
msg sec stop failover
wait_status sec ' done '
equal "the disk" "$(tags $D 0 20)" '8x5 6x5 2x10'
msg sec start secondary
equal "inbound view" "$(status_field in 4)" open
fill $I 0 2 9
equal "inbound" "$(tags $I 0 20)" '9x2 8x3 6x5 2x10'
equal "active" "$(tags $A 0 20)" '8x5 6x5 2x10'
msg sec stop
equal "the disk" "$(tags $D 0 20)" '9x2 8x3 6x5 2x10'

note "a primary"
linear local /dev/ram2 0 16384
linear remote /dev/ram3 0 16384
primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128
msg pri start primary
fill /dev/mapper/pri 0 1000 1
msg pri stop
matches "status" "$(status pri)" '^primary done '
same /dev/mapper/local /dev/mapper/remote
fill /dev/mapper/pri 500 1000 2
equal "remote" "$(tags /dev/mapper/remote 0 2000)" '1x1000 0x1000'
equal "local" "$(tags /dev/mapper/local 0 2000)" '1x500 2x1000 0x500'
equal "dirty: regions 3 to 11" "$(status_field pri 4)" 119/128
msg pri start primary
wait_status pri ' running [0-9]+ 128/128 online '
same /dev/mapper/local /dev/mapper/remote
