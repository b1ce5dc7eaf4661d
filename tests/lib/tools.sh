# shellcheck shell=bash
# The tests of the tools need no guest. They count as one here; their log has
# them one by one.

tools_test()
{
	local begun=$EPOCHREALTIME log pid result=ok why=''
	log=$(scenario_log host tools)
	mkdir -p "${log%/*}"
	"$TESTS/tools-test" ${SEED:+--seed "$SEED"} >"$log" 2>&1 &
	pid=$!
	trap 'kill "$pid" 2>/dev/null' EXIT
	trap 'exit 130' INT TERM
	if ! wait "$pid"; then
		result=FAIL
		why=$(grep -m 1 '^FAIL ' "$log")
	fi
	trap - EXIT INT TERM
	verdict host tools "$result" "$(elapsed "$begun")" "$log" "$why"
}
