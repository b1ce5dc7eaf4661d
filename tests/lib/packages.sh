# shellcheck shell=bash
# What the host must have. Nothing is touched when all of it is there.

# command or file : package
HOST_NEEDS=(
	qemu-system-x86_64:qemu-system-x86
	depmod:kmod
	mke2fs:e2fsprogs
	cpio:cpio
	xz:xz-utils
	make:make
	gcc:gcc
	/usr/lib/x86_64-linux-gnu/libc.a:libc6-dev
	flock:util-linux
	pgrep:procps
	python3:python3
	/usr/include/json-c/json.h:libjson-c-dev
)
# what the headers of stock kernels build with
BUILD_NEEDS=(
	x86_64-linux-gnu-gcc-12:gcc-12
	/usr/lib/x86_64-linux-gnu/libelf.so.1:libelf1
	pahole:pahole
)
LINT_NEEDS=(
	shellcheck:shellcheck
	sparse:sparse
	perl:perl
	spatch:coccinelle
	cppcheck:cppcheck
)

APT_OPTIONS=(-y -q -o APT::Install-Recommends=false -o Acquire::Retries=3
	-o DPkg::Lock::Timeout=600)

refresh_lists()
{
	say "apt-get update"
	as_root apt-get -q update >&2 || die "apt-get update failed"
}

# Parts of a run that install something may run beside each other.
apt_update()
{
	with_lock apt refresh_lists || exit
}

# The archive's idea of a package, fetched when the host has none yet.
apt_knows()
{
	apt-cache show --no-all-versions "$1" >/dev/null 2>&1
}

install()
{
	say "installing $*"
	apt_knows "${1%%=*}" || refresh_lists
	as_root apt-get install "${APT_OPTIONS[@]}" "$@" >&2 && return
	# The lists may be older than the archive.
	refresh_lists
	as_root apt-get install "${APT_OPTIONS[@]}" "$@" >&2 ||
		die "cannot install $*"
}

apt_install()
{
	with_lock apt install "$@" || exit
}

have()
{
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

# ensure_packages NEED...
ensure_packages()
{
	local need missing=()
	for need in "$@"; do
		have "${need%%:*}" || missing+=("${need#*:}")
	done
	[ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
}
