# shellcheck shell=bash
# What of the module the scenarios reached: each boot's counts, see
# tests/guest/session, put together by tests/lib/coverage.py. All scenarios
# together must reach this much; some of them need not.

COVERAGE_LINES=90

# coverage KERNEL: counts as one test
coverage()
{
	local k=$1 begun=$EPOCHREALTIME data dir log result=ok why='' strict=()
	log=$(scenario_log "$k" coverage)
	[ -z "$WHOLE" ] || strict=(--least "$COVERAGE_LINES")
	: >"$log"
	for data in "$RUN/$k"/*/gcov-*.tar.gz; do
		[ -s "$data" ] || continue
		dir=${data%.tar.gz}
		mkdir -p "$dir"
		tar -x -z -f "$data" -C "$dir"
		cp "$(build_dir "$k")"/*.gcno "$dir/"
		(cd "$dir" && gcov --json-format --stdout ./*.gcda >counts.json) 2>>"$log" ||
			why='gcov failed'
	done
	"$TESTS/lib/coverage.py" "${strict[@]}" "$(build_dir "$k")" \
		"$TESTS/lib/not-covered.txt" "$RUN/$k"/*/gcov-*/counts.json >>"$log" ||
		why=${why:-$(tail -n 1 "$log")}
	[ -z "$why" ] || result=FAIL
	sed -n '/^lines/,$p' "$log"
	verdict "$k" coverage "$result" "$(elapsed "$begun")" "$log" "$why"
}
