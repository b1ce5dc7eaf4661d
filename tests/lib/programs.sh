# shellcheck shell=bash
# Tests that need no guest: of the tools, and of the sources. Each counts as one
# here; its log has the details.

# program_test NAME COMMAND...: a line of its log that begins with FAIL says why
# it failed
program_test()
{
	local name=$1 begun=$EPOCHREALTIME log pid result=ok why='' before
	shift
	log=$(scenario_log host "$name")
	mkdir -p "${log%/*}"
	children_cpu
	before=$CPU
	"$@" >"$log" 2>&1 &
	pid=$!
	trap 'kill "$pid" 2>/dev/null' EXIT
	trap 'exit 130' INT TERM
	if ! wait "$pid"; then
		result=FAIL
		why=$(grep -m 1 '^FAIL ' "$log")
	fi
	trap - EXIT INT TERM
	children_cpu
	CPU=$((CPU - before))
	verdict host "$name" "$result" "$(elapsed "$begun")" "$log" "$why"
}
