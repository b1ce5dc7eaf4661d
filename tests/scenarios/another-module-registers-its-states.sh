# States of another module and mapped devices are one group: called in the
# order of registration, up to the first error, with the mode and the failover
# flag, and never again once removed.
# stock: symbols for other modules

modprobe registry_test
tell()
{
	echo "$*" >/sys/kernel/debug/registry_test
}

# log: what was called since klog_since, as "NAME op, NAME op"
log()
{
	klog_lines | sed -n 's/.*registry_test: //p' | paste -s -d , | sed 's/,/, /g'
}

# calls EXPECTED COMMAND...
calls()
{
	klog_since
	"${@:2}"
	equal "called by '${*:2}'" "$(log)" "$1"
}

note "arguments"
tell new_wrong

note "order, groups, mode, failover"
tell add g one
tell add other stranger
tell add g two
tell add g three
calls 'one start primary, two start primary, three start primary' tell start_all g primary
calls 'one start secondary, two start secondary, three start secondary' tell start_all g secondary
calls 'one checkpoint, two checkpoint, three checkpoint' tell checkpoint_all g
calls 'one get_error, two get_error, three get_error' tell get_error_all g
calls 'one stop, two stop, three stop' tell stop_all g
calls 'one stop failover, two stop failover, three stop failover' tell stop_all g failover
calls 'stranger checkpoint' tell checkpoint_all other
calls '' tell checkpoint_all nobody

note "the first error ends it"
tell fail two checkpoint 28
calls 'one checkpoint, two checkpoint, why: two was told to fail' \
	expect_errno ENOSPC tell checkpoint_all g
calls 'one stop, two stop, three stop' tell stop_all g
tell fail two checkpoint 0
for op in start get_error stop; do
	tell fail three $op 5
done
calls 'one start primary, two start primary, three start primary, why: three was told to fail' \
	expect_errno EIO tell start_all g primary
calls 'one get_error, two get_error, three get_error, why: three was told to fail' \
	expect_errno EIO tell get_error_all g
calls 'one stop failover, two stop failover, three stop failover, why: three was told to fail' \
	expect_errno EIO tell stop_all g failover

note "removed is removed"
tell remove three
calls 'one checkpoint, two checkpoint' tell checkpoint_all g
tell remove one
calls 'two checkpoint' tell checkpoint_all g

note "remove waits for the op under way, and nobody else does"
tell slow two 1
tell add g four
klog_since
spawn tell checkpoint_all g
one=$JOB
until [ "$(log)" = 'two checkpoint' ]; do
	sleep 0.05
done
spawn tell remove two
two=$JOB
tell checkpoint_all other
tell add g five
equal "called meanwhile" "$(log)" 'two checkpoint, stranger checkpoint'
tell go
reap "$one"
reap "$two"
matches "called" "$(log)" '^two checkpoint, stranger checkpoint, two checkpoint ends, .*four checkpoint'
matches "removed" "$(log)" 'two checkpoint ends, .*two is removed'
tell remove four
tell remove five

note "together with mapped devices"
linear local /dev/ram2 0 8192
linear remote /dev/ram3 0 8192
tell add g before
primary pri /dev/mapper/local /dev/mapper/remote nosync group g
replica 8192 8192
dm_load sec "$(table sec | sed 's/ [0-9]*$//') 2 group g"
tell add g after
calls 'before start primary, after start primary' tell start_all g primary
matches "primary" "$(status pri)" '^primary running 1 '
matches "secondary" "$(status sec)" '^secondary none '
msg sec start secondary

# primaries have sent all before anybody else is asked; then comes the order
tell fail before checkpoint 28
expect_errno ENOSPC msg pri checkpoint_all
matches "the error of one before it" "$(status pri)" '^primary running 2 '
matches "the error of one before it" "$(status sec)" '^secondary running 1 '
tell fail before checkpoint 0
tell fail after checkpoint 28
klog_since
expect_errno ENOSPC msg pri checkpoint_all
klog_has 'checkpoint_all failed: after was told to fail'
matches "the error of one behind it" "$(status pri)" '^primary running 3 '
matches "the error of one behind it" "$(status sec)" '^secondary running 2 '
tell fail after checkpoint 0
calls 'before checkpoint, after checkpoint' tell checkpoint_all g
matches "status" "$(status pri) $(status sec)" 'primary running 4 .*secondary running 3 '

tell fail after get_error 5
matches "get_error_all" "$(msg sec get_error_all 2>&1)" 'after was told to fail'
tell fail after get_error 0
equal "get_error_all" "$(msg sec get_error_all)" ok
calls 'before stop failover, after stop failover' msg sec stop_all failover
equal "stage" "$(status_field pri 2)" 'done'
wait_status sec ' done '
tell remove before

note "unload of the other module"
rmmod registry_test
check msg pri checkpoint_all
