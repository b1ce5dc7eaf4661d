# A message that fails returns an errno, logs a line, and changes nothing.

linear local /dev/ram2 0 8192
linear remote /dev/ram3 0 8192
primary pri /dev/mapper/local /dev/mapper/remote nosync
replica 8192 8192

state()
{
	echo "$(status pri), $(msg pri get_error); $(status sec), $(msg sec get_error)"
}

# wrong ERRNO NAME MESSAGE...: and checked() sees what came of all of these
wrong()
{
	WRONG=$((WRONG + 1))
	expect_errno "$1" msg "${@:2}"
}

begin()
{
	WRONG=0
	before=$(state)
	klog_since
}

checked()
{
	equal "state" "$(state)" "$before"
	equal "lines that say why" \
		"$(klog_lines | grep -cE 'replication: .*message .* failed: .+')" $WRONG
}

# What is wrong at any time.
always()
{
	local name
	for name in pri sec; do
		wrong EINVAL $name bogus
		wrong EINVAL $name checkpoint now
		wrong EINVAL $name get_error please
		wrong EINVAL $name stop slowly
		wrong EINVAL $name stop failover now
		wrong EINVAL $name stop_all at_once
		wrong EINVAL $name stop_all failover now
		wrong EINVAL $name start
		wrong EINVAL $name start primary now
		wrong EINVAL $name start secondary now
		wrong EINVAL $name start nobody
		wrong EINVAL $name start_all
		wrong EINVAL $name start_all nobody
		wrong EINVAL $name checkpoint_all now
		wrong EINVAL $name get_error_all now
		wrong EINVAL $name merge_throttle
		wrong EINVAL $name merge_throttle 0
		wrong EINVAL $name merge_throttle 101
		wrong EINVAL $name merge_throttle 50%
		wrong EINVAL $name merge_throttle 50 now
		wrong EINVAL $name "$(printf 'x%.0s' {1..2000})"
	done
	wrong EINVAL pri merge_throttle 50
	wrong EINVAL pri start secondary
	wrong EINVAL sec start primary
}

note "before start"
begin
always
for name in pri sec; do
	wrong EINVAL $name checkpoint
	wrong EINVAL $name stop
	wrong EINVAL $name stop failover
done
checked
for name in pri sec; do
	equal "get_error before start" "$(msg $name get_error)" not-running
done

note "while running"
msg pri start primary
msg sec start secondary
begin
always
wrong EBUSY pri start primary
wrong EBUSY sec start secondary
checked

note "suspended"
for name in pri sec; do
	dmsetup suspend $name
	for message in checkpoint stop 'stop failover'; do
		# shellcheck disable=SC2086 # words of a message
		expect_errno EAGAIN within dmsetup message $name 0 $message
	done
	dmsetup resume $name
	matches "status after resume" "$(status $name)" ' running 1 '
done

note "done"
msg pri stop
msg sec stop
begin
always
wrong EINVAL pri checkpoint
wrong EINVAL sec checkpoint
checked
equal "get_error when done" "$(msg pri get_error) $(msg sec get_error)" "not-running not-running"

note "an inbound view takes no bad message either"
expect_errno EINVAL msg in bogus
