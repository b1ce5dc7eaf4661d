# shellcheck shell=bash
# What every host-side part needs: progress, errors, root, the cache, locks.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TESTS=$TOP/tests
CACHE=${DM_REPLICATION_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dm-replication}
OUT=${DM_REPLICATION_OUT:-$TESTS/out}
KERNELS=(6.1 6.12)
# depmod, mke2fs: not in every user's path
PATH=$PATH:/usr/sbin:/sbin

# Progress goes to stderr: the stdout of `run --exec` is the command's own.
say()
{
	printf '== %s\n' "$*" >&2
}

die()
{
	printf 'error: %s\n' "$*" >&2
	exit 1
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		env DEBIAN_FRONTEND=noninteractive "$@"
	elif command -v sudo >/dev/null; then
		sudo env DEBIAN_FRONTEND=noninteractive "$@"
	else
		die "need root (or sudo) for: $*"
	fi
}

# Short content key of what is on stdin.
hash_of()
{
	sha256sum | cut -c1-16
}

# with_lock NAME FUNCTION ARG...: several runs may share the cache.
with_lock()
{
	local name=$1
	shift
	mkdir -p "$CACHE/lock"
	(
		flock -n 9 || { say "waiting for another run ($name)"; flock 9; }
		"$@"
	) 9>"$CACHE/lock/$name"
}

# prune DIR: drops what no run has used for two weeks (`ready` is touched on use), and what
# an interrupted run has left half made.
prune()
{
	find "$1" -mindepth 1 -maxdepth 1 -name '*.tmp' -mtime +1 -print0 | xargs -0 -r rm -rf
	find "$1" -mindepth 2 -maxdepth 2 -name ready -mtime +14 -printf '%h\0' |
		xargs -0 -r rm -rf
}

# A log that nobody looks at unless the command fails.
# quietly LOG CMD...
quietly()
{
	local log=$1
	shift
	if ! "$@" >"$log" 2>&1; then
		tail -n 60 "$log" >&2
		return 1
	fi
}
