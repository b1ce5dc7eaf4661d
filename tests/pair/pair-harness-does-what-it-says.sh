# shellcheck shell=bash
# The harness of two guests: a power cut loses what QEMU's disk had not flushed, and no more; a
# link that is down lets nothing pass; and what must fail fails, and says why.

pair_guest primary local=1
pair_guest standby disk=4
pair_boot "$k"

echo "--- a power cut"
pair_on standby 'fill /dev/pair/disk 0 1024 1
sync /dev/pair/disk
fill /dev/pair/disk 1024 1024 2'
pair_cut standby
pair_boot_again standby
pair_on standby 'holds /dev/pair/disk 0 1024 1'
if is_um "$k"; then
	pair_on standby 'holds /dev/pair/disk 1024 1024 2'
else
	pair_on standby 'is_zero /dev/pair/disk 1024 1024'
fi

echo "--- a link, either end of it"
for end in standby primary; do
	pair_on primary 'ping -q -c 1 192.0.2.2'
	pair_link $end down
	pair_on primary 'check_not ping -q -c 1 -W 2 192.0.2.2'
	pair_link $end up
done
pair_on primary 'ping -q -c 1 192.0.2.2'

# must_fail REGEX FUNCTION...: as the last step of a test would
must_fail()
{
	local why PAIR_COLLECTED=1
	rm -f "$HOST_RUN/why"
	if ("${@:2}"); then
		host_fail "succeeded: ${*:2}"
	fi
	why=$(cat "$HOST_RUN/why" 2>/dev/null)
	echo "--- said: $why"
	[[ $why =~ $1 ]] || host_fail "failed with '$why', not with '$1'"
}

short_of_time()
{
	COMMAND_LIMIT=5
	pair_on primary 'sleep 1000'
}

echo "--- commands"
must_fail '^exit code 1 on the primary: false$' pair_on primary 'false'
must_fail '^exit code 1 on the standby: false' pair_on standby 'false
true'
must_fail '^exit code 7 on the standby' pair_ask standby '(exit 7) | cat'
pair_on standby 'true'

echo "--- a kernel that complains, and does not die"
# the standby's only: no command has been sent to it since
pair_ask standby 'echo "<4>WARNING: CPU: 0 PID: 1 at planted by a test" >/dev/kmsg'
must_fail '^kernel: .*WARNING: .*planted' pair_end

echo "--- a guest that dies, and is missed"
must_fail '^the standby guest died: .*(Kernel panic|sysrq)' \
	pair_on standby 'echo c >/proc/sysrq-trigger; sleep 1000'
must_fail '^the standby guest died: ' pair_ask standby 'true'
must_fail '^the standby guest died: ' pair_end

echo "--- a command without an end"
must_fail '^no answer from the primary guest after [0-9]+ s: sleep 1000$' short_of_time
pair_kill
