# shellcheck shell=bash
# Builds the module, the test modules and the test tools. Each kernel has its
# own copy of the sources in the cache, so that the two builds don't disturb
# each other and the source tree stays clean. Another checkout has other copies.

BUILD_ROOT=$CACHE/build/$(basename "$TOP")-$(echo "$TOP" | hash_of)

build_dir()
{
	printf '%s/%s\n' "$BUILD_ROOT" "${KERNEL_RELEASE[$1]}"
}

have_module_sources()
{
	[ -e "$TOP/Kbuild" ]
}

# What a build can depend on.
build_sources()
{
	(cd "$TOP" && find . \( -name .git -o -path ./tests/out \) -prune -o \
		-type f \( -name '*.[chS]' -o -name Kbuild -o -name Makefile \
		-o -path './tests/tools/*.sh' \) \
		! -name '*.mod.c' -print | LC_ALL=C sort)
}

build_key()
{
	{
		(cd "$TOP" && build_sources | xargs -d '\n' sha256sum)
		cat "$TESTS/lib/build.sh"
		echo "$1"
	} | hash_of
}

# Copies what differs only: kbuild goes by the time stamps.
sync_sources()
{
	local copy=$1 f
	mkdir -p "$copy"
	build_sources >"$copy/.sources.new"
	if [ -e "$copy/.sources" ]; then
		LC_ALL=C comm -23 "$copy/.sources" "$copy/.sources.new" |
		while read -r f; do
			rm -f "${copy:?}/$f"
		done
	fi
	while read -r f; do
		cmp -s "$TOP/$f" "$copy/$f" && continue
		mkdir -p "$copy/${f%/*}"
		cp "$TOP/$f" "$copy/$f"
	done <"$copy/.sources.new"
	mv "$copy/.sources.new" "$copy/.sources"
}

# kbuild KERNEL DIR ARG...
kbuild()
{
	local k=$1 dir=$2
	shift 2
	make -C "$(kernel_headers "$k")" "$(kernel_arch "$k")" M="$dir" -j "$(nproc)" "$@"
}

build_test_modules()
{
	local k=$1 copy=$2 dir rc=0
	for dir in "$copy"/tests/modules/*/; do
		[ -e "$dir/Kbuild" ] || continue
		kbuild "$k" "${dir%/}" \
			KBUILD_EXTRA_SYMBOLS="$copy/Module.symvers" modules || rc=1
	done
	return $rc
}

# The kernel's own module tree plus ours: depmod runs here, where it is fast.
# Only what changed goes into the guest.
stage_modules()
{
	local k=$1 copy=$2 stage=$3 release=${KERNEL_RELEASE[$1]} tree ko
	tree=$stage.tree
	rm -rf "$stage" "$tree"
	mkdir -p "$tree/lib" "$stage/modules/$release"
	cp -al "${KERNEL_DIR[$k]}/tree/lib/modules" "$tree/lib/"
	mkdir -p "$tree/lib/modules/$release/updates"
	: >"$stage/test-modules"
	for ko in "$copy"/*.ko "$copy"/tests/modules/*/*.ko; do
		[ -e "$ko" ] || continue
		strip --strip-debug -o "$tree/lib/modules/$release/updates/${ko##*/}" "$ko"
		ko=${ko##*/}
		[ "$ko" = dm-replication.ko ] ||
			echo "${ko%.ko}" | tr - _ >>"$stage/test-modules"
	done
	# depmod writes beside and renames: the cached tree keeps its files
	depmod -b "$tree" "$release" || return
	cp -r "$tree/lib/modules/$release/updates" \
		"$tree/lib/modules/$release"/modules.* "$stage/modules/$release/"
	rm -rf "$tree"
}

# Each tests/tools/NAME.c is one program, so are all files of tests/tools/NAME/
# together; each tests/tools/NAME.sh goes along, and so do the programs of tools/.
build_tools()
{
	local out=$1 name rc=0
	local -a c
	rm -rf "$out"
	mkdir -p "$out"
	for name in "$TESTS"/tools/*.c "$TESTS"/tools/*/; do
		[ -e "$name" ] || continue
		c=("${name%/}")
		[ ! -d "$name" ] || c=("$name"*.c)
		gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -static -pthread \
			-I"$TOP" -o "$out/$(basename "$name" .c)" "${c[@]}" || rc=1
	done
	cp "$TESTS"/tools/*.sh "$out/" 2>/dev/null
	make -s -C "$TOP/tools" O="$out" LDFLAGS=-static || rc=1
	rm -f "$out"/*.[od]
	return $rc
}

build_for_kernel()
{
	local k=$1 copy key rc=0
	local -a profile=(${COVERAGE:+GCOV_PROFILE=y})
	copy=$(build_dir "$k")
	key=$(build_key "${KERNEL_VERSION[$k]} ${KERNEL_DIR[$k]} ${profile[*]}")
	[ "$(cat "$copy.key" 2>/dev/null)" != "$key" ] || return 0
	say "kernel $k: building dm-replication.ko"
	rm -f "$copy.key"
	sync_sources "$copy"
	if have_module_sources; then
		quietly "$copy.log" kbuild "$k" "$copy" "${profile[@]}" modules || return
		# a warning nobody sees is a warning nobody fixes
		grep -E 'warning:|WARNING:' "$copy.log" >&2
		quietly "$copy.tests.log" build_test_modules "$k" "$copy" || rc=1
	fi
	stage_modules "$k" "$copy" "$copy.stage" || return
	quietly "$copy.tools.log" build_tools "$copy.stage/bin" || rc=1
	if [ $rc -eq 0 ]; then
		echo "$key" >"$copy.key"
	elif [ -n "${TOOLS_MAY_FAIL-}" ]; then
		# An experiment can do without somebody's unfinished test.
		say "kernel $k: going on without what did not build"
		rc=0
	fi
	return $rc
}

build_ensure()
{
	with_lock "build-$(basename "$BUILD_ROOT")-$1" build_for_kernel "$1" ||
		die "kernel $1: build failed (log: $(build_dir "$1").log)"
}

# payload KERNEL FILE SCENARIO_DIR: what is under test, as the guest's /t
payload()
{
	local stage
	stage=$(build_dir "$1").stage
	tar -c -f "$2" -C "$stage" . -C "$TESTS" guest \
		-C "$(dirname "$3")" --transform "s,^$(basename "$3"),scenarios," \
		"$(basename "$3")"
}
