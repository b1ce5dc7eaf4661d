# shellcheck shell=bash
# Settings made in a subshell are meant for it alone.
# shellcheck disable=SC2030,SC2031
# Shows that the harness fails what must fail: tests/selftest/*.sh each say in
# their head how they must end (`# verdict: ok` or `# verdict: FAIL REGEX`).

# Kernels that look closer have to find the mistakes of tests/selftest-debug or
# -kcsan as well, and with --leaks that of tests/selftest-leaks.

selftest_dirs()
{
	local dir
	echo "$TESTS/selftest"
	for dir in "$TESTS/selftest-${1##*-}" ${LEAKS:+"$TESTS/selftest-leaks"}; do
		[ ! -d "$dir" ] || echo "$dir"
	done
}

# The last three need no file: a guest that does not boot, an empty run, and the verdicts
# of programs that are kept.
selftest_names()
{
	selftest_dirs "$1" | xargs -I{} find {} -name '*.sh' | sed 's,.*/,,; s,[.]sh$,,' | LC_ALL=C sort
	printf '%s\n' does-not-boot runs-nothing keeps-passes-only
}

selftest_count()
{
	selftest_names "$1" | wc -l
}

# selftest_looks_at KERNEL: the module under test has no part in it
selftest_looks_at()
{
	guest_contents "$1"
	selftest_dirs "$1" | xargs -n 1 basename
	contents tests/run tests/lib tests/modules tests/selftest{,-debug,-kcsan,-leaks}
}

# judge KERNEL NAME GOT EXPECTED SECONDS LOG
judge()
{
	local log
	log=$(scenario_log "$1" "selftest-$2")
	mkdir -p "${log%/*}"
	cp "$6" "$log" 2>/dev/null || : >"$log"
	if [[ $3 =~ ^$4$|^$4 ]]; then
		verdict "$1" "selftest-$2" ok "$5" "$log"
	else
		verdict "$1" "selftest-$2" FAIL "$5" "$log" "ended with '$3', not with '$4'"
	fi
}

# How a scenario ended: what its verdict line and its log say.
ending()
{
	local word
	word=$(awk -v n="$2" '$3 == n { print $1 }' "$1" | tr '\n' ' ')
	word=${word% }
	echo "$word$(sed -n 's/^--- FAIL:/ /p' "$3" | tail -n 1 | tr -s ' ')"
}

# selftest_scenarios KERNEL DIR
selftest_scenarios()
{
	local k=$1 dir=$2 names=() name line log expected
	mapfile -t names < <(basename -s .sh "$dir"/*.sh | LC_ALL=C sort)
	(
		RESULTS=$RUN/selftest-$k.results OUT=$OUT/selftest RUN=$RUN/selftest-$k GRACE=25
		mkdir -p "$RUN"
		: >"$RESULTS"
		run_scenarios "$k" "$dir" "${names[@]}"
	) | while read -r line; do
		# each is judged as soon as it ends
		read -r _ _ name seconds _ <<<"$line"
		log=$OUT/selftest/$k/$name.log
		# none for what comes between or after them: it never is as it should be
		expected=$(sed -n 's/^# verdict: //p' "$dir/$name.sh")
		judge "$k" "$name" "$(ending "$RUN/selftest-$k.results" "$name" "$log")" \
			"${expected:-never}" "${seconds%s}" "$log"
	done
}

selftest_no_boot()
{
	local k=$1 begun=$EPOCHREALTIME dir=$RUN/no-boot-$1
	mkdir -p "$dir"
	echo 'not a kernel' >"$dir/vmlinuz"
	cp "${KERNEL_DIR[$k]}/initramfs" "$dir/"
	ln -s "${KERNEL_DIR[$k]}/modules.img" "$dir/"
	(
		OUT=$OUT/selftest RUN=$dir RESULTS=$dir/results KERNEL_DIR["$k"]=$dir
		: >"$RESULTS"
		run_scenarios "$k" "$TESTS/selftest" 01-passes
	) >"$dir/out" 2>&1
	judge "$k" does-not-boot "$(tr '\n' ' ' <"$dir/results")" \
		"FAIL $k 01-passes" "$(elapsed "$begun")" "$dir/out"
}

selftest_nothing()
{
	local k=$1 got
	got=$(RESULTS=/dev/null; summary 0 && echo passed)
	judge "$k" runs-nothing "$got" "0 passed, 0 failed" 0 /dev/null
}

verdicts_look_at()
{
	contents looked-at
}

# once WHAT EXPECTED: a program looks at the file `looked-at`, and passes if that says so
once()
{
	local got=ran
	if passed_before program verdicts_look_at; then
		got=kept
	elif grep -qs pass "$TOP/looked-at"; then
		[ "$1" != 'changed meanwhile' ] || echo more >>"$TOP/looked-at"
		remember program '' verdicts_look_at
	fi
	[ $got = "$2" ] || echo "$1: $got, expected $2"
}

selftest_verdicts()
{
	local k=$1 begun=$EPOCHREALTIME dir=$RUN/verdicts-$1
	mkdir -p "$dir"
	(
		unset FRESH
		TOP=$dir CACHE=$dir/cache
		echo fail >"$dir/looked-at"
		once 'a failure' ran
		once 'the same failure' ran
		echo pass >"$dir/looked-at"
		once 'a pass' ran
		once 'the same pass' kept
		echo other >"$dir/other"
		once 'another file has changed' kept
		FRESH=1 once 'asked for' ran
		echo 'pass 2' >"$dir/looked-at"
		once 'changed meanwhile' ran
		once 'after that' ran
		once 'after that, the same' kept
		echo fail >"$dir/looked-at"
		once 'the failure of before' ran
		echo pass >"$dir/looked-at"
		once 'the pass of before' kept
		rm "$dir/looked-at"
		once 'nothing to look at' ran
		echo "the end"
	) >"$dir/out" 2>&1
	judge "$k" keeps-passes-only "$(cat "$dir/out")" "the end" "$(elapsed "$begun")" "$dir/out"
}

selftest()
{
	local dir name PASSED SAID
	if passed_before "selftest-$1" selftest_looks_at "$1"; then
		while read -r name; do
			verdict_before "$1" "selftest-$name"
		done < <(selftest_names "$1")
		return
	fi
	selftest_nothing "$1"
	selftest_verdicts "$1"
	selftest_no_boot "$1"
	while read -r dir; do
		selftest_scenarios "$1" "$dir" </dev/null
	done < <(selftest_dirs "$1")
	if [ "$(grep -c "^ok $1 selftest-" "$RESULTS")" -eq "$(selftest_count "$1")" ] &&
			! grep -q "^FAIL $1 selftest-" "$RESULTS"; then
		remember "selftest-$1" "$(date)" selftest_looks_at "$1"
	fi
}
