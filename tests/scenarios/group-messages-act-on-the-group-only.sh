# The _all messages act on every device of the addressed device's group, leave
# other groups, the other mode, and what failed over or is done alone.
# dmesg: I/O error

for n in 0 1 2 3 4 5 6 7; do
	linear d$n /dev/ram$n 0 8192
	linear e$n /dev/ram$n 8192 8192
done
M=/dev/mapper
primary p1 $M/d0 $M/d1 nosync region_size 128 group a
primary p2 $M/d2 $M/d3 nosync region_size 128 group a
primary other $M/d4 $M/d5 nosync region_size 128 group b
primary none $M/d6 $M/d7 nosync region_size 128
secondary s1 $M/e0 $M/e1 group a
secondary s2 $M/e2 $M/e3 group a
secondary s3 $M/e4 $M/e5 group b

# stages: of all of them
stages()
{
	local name
	for name in p1 p2 other none s1 s2 s3; do
		printf '%s%s ' "$(status_field $name 2)" "$(status_field $name 3)"
	done
}

note "start_all"
msg p1 start_all primary
equal "stages" "$(stages)" 'running1 running1 none0 none0 none0 none0 none0 '
msg p2 start_all secondary
equal "stages" "$(stages)" 'running1 running1 none0 none0 running1 running1 none0 '
expect_errno EBUSY msg s2 start_all primary
equal "stages" "$(stages)" 'running1 running1 none0 none0 running1 running1 none0 '
msg other start_all primary
msg none start_all primary
equal "stages" "$(stages)" 'running1 running1 running1 running1 running1 running1 none0 '

note "checkpoint_all"
equal "reply" "$(msg s1 checkpoint_all)" 2
equal "stages" "$(stages)" 'running2 running2 running1 running1 running2 running2 none0 '

note "get_error_all"
equal "no error" "$(msg p1 get_error_all)" ok
break_device d5
fill $M/other 0 8 1
wait_status other ' degraded '
matches "an error in b" "$(msg s3 get_error_all)" '^EIO remote write '
equal "no error in a" "$(msg p1 get_error_all)" ok
break_device d3
fill $M/p2 0 8 1
wait_status p2 ' degraded '
matches "an error in a" "$(msg s1 get_error_all)" '^EIO remote write '
equal "p1's own" "$(msg p1 get_error)" ok
equal "the default group" "$(msg none get_error_all)" ok

note "failed over or done: not disturbed, and not in the way"
msg s1 stop failover
wait_status s1 ' done '
msg p2 stop
expect_errno EIO msg other checkpoint_all
msg p1 checkpoint_all
equal "stages" "$(stages)" 'running3 done2 running1 running1 done2 running3 none0 '
equal "no error in a" "$(msg p1 get_error_all)" ok

note "stop_all"
msg p1 stop_all failover
equal "p1" "$(status_field p1 2)" 'done'
wait_status s2 ' done '
equal "stages" "$(stages)" 'done3 done2 running1 running1 done2 done3 none0 '
msg p1 stop_all
msg p1 checkpoint_all
equal "stages" "$(stages)" 'done3 done2 running1 running1 done2 done3 none0 '
msg none stop_all
equal "stages" "$(stages)" 'done3 done2 running1 done2 done2 done3 none0 '

note "a group of its own after a reload"
dm_load none "0 8192 replication primary $M/d6 $M/d7 5 nosync region_size 128 group b"
msg none start primary
equal "stage" "$(status_field none 2)" running
matches "an error in b" "$(msg none get_error_all)" '^EIO remote write '

note "through a suspended device nothing is begun, and errors are told"
before=$(stages)
dmsetup suspend other
expect_errno EAGAIN msg other checkpoint_all
expect_errno EAGAIN msg other stop_all
matches "an error in b" "$(msg other get_error_all)" '^EIO remote write '
dmsetup resume other
equal "stages" "$(stages)" "$before"
