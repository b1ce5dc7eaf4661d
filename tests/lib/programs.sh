# shellcheck shell=bash
# Tests that need no guest of their own kernel: of the tools, of the sources, of the
# speed. Each counts as one here; its log has the details. One that passes is run
# again when something has changed that it looks at: NAME_looks_at prints that.

# It takes seconds, and each run has other seeds.
check_looks_at()
{
	false
}

tools_looks_at()
{
	versions gcc:gcc gcc:gcc-12 make:make python3:python3 json:libjson-c-dev libc:libc6-dev
	# the tools share sources with the module: which, is for their Makefile to say
	module_contents
	contents tests/tools-test tests/fixtures tools
}

# Scripts are everywhere. When it runs, tests/lint has a key for each of its parts.
lint_looks_at()
{
	local k
	versions "${HOST_NEEDS[@]}" "${BUILD_NEEDS[@]}" "${LINT_NEEDS[@]}"
	for k in "${KERNELS[@]}"; do
		kernel_contents "$k"
	done
	contents . | grep -vE '[.](rst|md|svg|tsv|txt|patch)$'
	# no test program may have the name of one of these
	compgen -c | LC_ALL=C sort -u
}

speed_looks_at()
{
	guest_contents "${K:-6.12}"
	module_contents
	versions "${BUILD_NEEDS[@]}"
	contents tests/benchmark tests/bench tests/tools \
		tests/lib/{build,common,debug-kernel,guest,image,kernel,packages,usage}.sh
}

# program_test NAME COMMAND...: a line of its log that begins with FAIL says why
# it failed
program_test()
{
	local name=$1 begun=$EPOCHREALTIME log pid result=ok why='' before PASSED SAID
	shift
	if passed_before "$name" "${name}_looks_at"; then
		verdict_before host "$name"
		return
	fi
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
	[ $result != ok ] || remember "$name" "$(date)" "${name}_looks_at"
	verdict host "$name" "$result" "$(elapsed "$begun")" "$log" "$why"
}
