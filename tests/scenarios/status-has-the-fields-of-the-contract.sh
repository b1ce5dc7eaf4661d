# Status lines and get_error are what the contract says, in each stage.
# dmesg: I/O error

linear local /dev/ram2 0 8192
linear remote /dev/ram3 0 8192
primary pri /dev/mapper/local /dev/mapper/remote region_size 128 nosync
replica 8192 8192

# all NAME REGEX: the whole line
all()
{
	matches "status of $1" "$(status "$1")" "^$2\$"
}

all pri 'primary none 0 64/64 (online|degraded) 0 - - -'
all sec 'secondary none 0 [0-9]+/[0-9]+ 0 0 0 - (-|[0-9]+/8192)'
all in 'inbound none 0 open -'
equal "get_error" "$(msg pri get_error) $(msg sec get_error)" 'not-running not-running'

msg pri start primary
msg sec start secondary
all pri 'primary running 1 64/64 online 0 - - -'
all sec 'secondary running 1 [0-9]+/[0-9]+ 0 0 0 - (-|[0-9]+/8192)'
all in 'inbound running 1 open -'
equal "get_error" "$(msg pri get_error) $(msg sec get_error)" 'ok ok'

note "sectors of each layer"
slow disk 2000
fill /dev/mapper/in 0 64 1
fill /dev/mapper/sec 100 24 2
all sec 'secondary running 1 [0-9]+/[0-9]+ 64 24 0 - (-|[0-9]+/8192)'
fill /dev/mapper/in 32 64 1
all sec 'secondary running 1 [0-9]+/[0-9]+ 96 24 0 - (-|[0-9]+/8192)'
equal "reply of checkpoint" "$(msg sec checkpoint)" 2
all sec 'secondary running 2 [0-9]+/[0-9]+ 0 0 (96|0) - (-|[0-9]+/8192)'
all in 'inbound running 2 open -'
wait_status sec ' 0 0 0 - -$'
used=$(status_field sec 4)
total=${used#*/}
[ "${used%/*}" -lt "$total" ] || fail "used of an empty buffer: $used"
[ "$total" -le 8192 ] || fail "total of a buffer of 8192 sectors: $used"
equal "reply of the primary's checkpoint" "$(msg pri checkpoint)" 2
all pri 'primary running 2 64/64 online 0 - - -'

note "an error"
break_device remote writes
fill /dev/mapper/pri 1000 8 3
wait_status pri ' degraded '
all pri 'primary running 2 63/64 degraded 0 EIO - -'
matches "get_error" "$(msg pri get_error)" '^EIO remote write 1000 .+'

note "failover"
fill /dev/mapper/sec 0 64 3
check msg sec stop failover
matches "status" "$(status sec)" '^secondary (failover|done) 2 '
wait_status sec ' done '
all sec 'secondary done 2 [0-9]+/[0-9]+ 0 0 0 - (-|[0-9]+/8192)'
all in 'inbound done 2 closed -'
equal "get_error" "$(msg sec get_error)" 'not-running'
check msg pri stop failover
all pri 'primary done 2 63/64 degraded 0 (EIO|-) - -'
equal "get_error" "$(msg pri get_error)" 'not-running'
