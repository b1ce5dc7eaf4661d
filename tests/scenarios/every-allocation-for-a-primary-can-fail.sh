# A primary's table whose load or resume lacks memory, for each allocation in
# turn: ENOMEM, and nothing is left of it; the next try does what was asked. So
# it is with a dirty log that is new, one that was in use, and a reload.
# kernels: debug
. faults.sh

L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri G=/dev/mapper/log
faulty local 4096
faulty remote 4096
faulty log 64
TABLE="0 4096 replication primary $L $R 5 region_size 128 dirty_log $G async"
undone pri "$TABLE" $G

# the kernel shows a backtrace when it cannot make a slab cache for the first
# device of a kind
faulty other 4096
faulty another 4096
primary pri2 /dev/mapper/other /dev/mapper/another async
was=$(resources)
notable pri
nth load pri "$TABLE"
nth -u 'sh -e /tmp/blank' resume pri
matches "status" "$(status pri)" '^primary none 0 0/32 '

note "a reload"
nth load pri "$TABLE"
dmsetup suspend pri
dmsetup resume pri
msg pri start primary
wait_status pri ' 32/32 online '
fill $P 0 256 1
msg pri checkpoint >/dev/null
fill $P 256 128 2
dm_remove pri
equal "what is left" "$(resources)" "$was"

note "a log that was in use"
notable pri
dmsetup load pri --table "$TABLE"
nth -u 'sh -e /tmp/anew' resume pri
matches "status" "$(status pri)" '^primary none 2 [0-9]+/32 '
[ "$(dirty pri)" -ge 1 ] || fail "the log forgot what was written"
msg pri start primary
wait_status pri ' 32/32 online '
msg pri checkpoint >/dev/null
same $L $R
dm_remove pri
equal "what is left" "$(resources)" "$was"
