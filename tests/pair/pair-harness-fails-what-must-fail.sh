# shellcheck shell=bash
# Shows that the harness of two guests fails what must fail, and says why.

pair_guest primary local=1
pair_guest standby disk=1
pair_boot "$k"

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
# only the other one's: nobody has asked this one for anything since
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
