# shellcheck shell=bash
# Verdicts that need not be found twice. A program that passes is not run again as long
# as all that it looks at is the same: the files, and the versions of what reads them.
# A failure is never kept. Where a run makes random choices, these are no part of the
# key: with FRESH set (tests/run --fresh) everything runs, and makes new ones.
#
# Each is a directory in $CACHE/passed with a file `ready`, see prune().

# contents PATH...: a line for each file in these, below the top. Directories count with
# all that is in them but what a build or a run leaves there.
contents()
{
	(cd "$TOP" && find "$@" \( -name .git -o -path ./tests/out -o -path tests/out \
		-o -name '__pycache__' \) -prune -o \
		-type f ! -name '*.[oda]' ! -name '*.mod.c' -print0 |
		LC_ALL=C sort -z | xargs -0 -r sha256sum --)
}

# module_contents: what dm-replication.ko is built from, wherever it lies
module_contents()
{
	contents . | grep -vE ' [.]/(tests|tools|Documentation)/' | grep -E '([.][chS]|/Kbuild)$'
}

# versions NEED...: of the packages that ensure_packages() is given
versions()
{
	# shellcheck disable=SC2016
	dpkg-query -W -f '${Package} ${Version}\n' "${@#*:}" 2>/dev/null
}

# kernel_contents KERNEL: the one that a guest boots or a build is for
kernel_contents()
{
	[ -n "${KERNEL_RELEASE[$1]-}" ] || kernel_resolve "$1"
	echo "${KERNEL_RELEASE[$1]} ${KERNEL_VERSION[$1]}"
	! is_compiled "$1" || basename "$(debug_kernel_dir "$1")"
}

# guest_contents KERNEL: what boots a guest, and what runs in it beside the scenarios
guest_contents()
{
	kernel_contents "$1"
	basename "$IMAGE_DIR"
	versions "${HOST_NEEDS[0]}"
	contents tests/guest
}

# passed_before NAME LOOKS...: the command LOOKS prints a line for each input of NAME. True
# if NAME passed before with the same lines; SAID is then what remember() was given. Sets
# PASSED, for remember(). When LOOKS fails, nothing is known of NAME, and nothing is kept.
passed_before()
{
	local key
	PASSED='' SAID=''
	key=$("${@:2}" 2>/dev/null | hash_of) || return
	PASSED=$CACHE/passed/${1//[ \/]/-}-$key
	[ -z "${FRESH-}" ] && [ -e "$PASSED/ready" ] || return
	SAID=$(cat "$PASSED/ready")
	touch "$PASSED/ready"
}

# remember NAME SAID LOOKS...: NAME has passed, since passed_before() was called. If a file
# was changed meanwhile it is unknown which of the two it has seen, and nothing is kept.
remember()
{
	local before=$PASSED tmp
	FRESH=1 passed_before "$1" "${@:3}"
	[ -n "$before" ] && [ "$PASSED" = "$before" ] || return 0
	mkdir -p "$PASSED"
	tmp=$PASSED/ready.$BASHPID
	printf '%s\n' "$2" >"$tmp"
	mv "$tmp" "$PASSED/ready"
}

# verdict_before KERNEL NAME: its line in the results of this run
verdict_before()
{
	local log
	log=$(scenario_log "$1" "$2")
	mkdir -p "${log%/*}"
	echo "not run: it has passed with the same contents on $SAID" >"$log"
	verdict "$1" "$2" ok 0.0 "$log" | sed 's/$/  (as passed before with the same contents)/'
}
