# shellcheck shell=bash
# The guests' root image: Debian packages, taken from the archive the host
# itself uses, unpacked without running their scripts. That needs no root,
# no chroot and no mirror of our own, and takes seconds.

GUEST_PACKAGES=(
	base-files bash coreutils dash diffutils e2fsprogs fdisk findutils
	gawk grep gzip hostname iproute2 kmod libc-bin ncurses-base procps
	sed tar util-linux mount
	dmsetup fio nbd-client nbdkit nvme-cli
	python3
	busybox-static
)
IMAGE_DIR=''

# apt as if nothing were installed: the closure is the guest's, not the host's
guest_apt()
{
	apt-get -q -y -o APT::Install-Recommends=false \
		-o Dir::State::status="$CACHE/empty-status" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
		-o APT::Sandbox::User=root -o Debug::NoLocking=1 \
		-o Acquire::Retries=3 "$@"
}

image_closure()
{
	guest_apt --print-uris install "${GUEST_PACKAGES[@]}" 2>/dev/null |
		sed -n "s/^'[^']*' \([^ ]*\) .*/\1/p" | sort
}

image_unpack()
{
	local root=$1 deb d
	shift
	mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{dev,proc,sys,run,tmp,mnt,root,t}
	for d in bin sbin lib lib64; do
		ln -s "usr/$d" "$root/$d"
	done
	for deb in "$@"; do
		dpkg-deb --fsys-tarfile "$deb" |
		tar -x -C "$root" --keep-directory-symlink --no-same-owner \
			--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
			--exclude='./usr/share/locale/*' --exclude='./usr/share/info/*' ||
			return
	done
	# What the packages' scripts would have done.
	ln -sf gawk "$root/usr/bin/awk"
	echo 'root:x:0:0:root:/root:/bin/bash' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
	echo '127.0.0.1 localhost' >"$root/etc/hosts"
	ln -sf /proc/self/mounts "$root/etc/mtab"
	mkdir -p "$root/usr/lib/modules"
}

image_build()
{
	local dir=$1 tmp=$1.tmp
	[ ! -e "$dir/ready" ] || return 0
	say "guest image: fetching $(image_closure | wc -l) packages"
	rm -rf "$tmp" "$dir"
	mkdir -p "$tmp/debs/partial"
	guest_apt -o Dir::Cache::archives="$tmp/debs" --download-only \
		install "${GUEST_PACKAGES[@]}" >"$tmp/apt.log" 2>&1 ||
		{ tail -n 20 "$tmp/apt.log" >&2; return 1; }
	say "guest image: building"
	image_unpack "$tmp/root" "$tmp"/debs/*.deb || return
	cp "$tmp/root/usr/bin/busybox" "$tmp/busybox"
	mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$tmp/root" "$tmp/root.img" "${GUEST_IMAGE_SIZE:-1G}" >&2 ||
		return
	rm -rf "$tmp/debs" "$tmp/root"
	touch "$tmp/ready"
	mv "$tmp" "$dir"
}

# apt takes seconds to resolve the closure: once for each state of its lists.
image_resolve()
{
	local closure memo
	memo=$CACHE/image/closure-$({ stat -c '%n %Y' /var/lib/apt/lists \
		/etc/apt/sources.list* /etc/apt/sources.list.d/* 2>/dev/null
		echo "${GUEST_PACKAGES[*]}"
		cat "$TESTS/lib/image.sh"; } | hash_of)
	if [ ! -s "$memo" ]; then
		closure=$(image_closure)
		[ -n "$closure" ] || return
		mkdir -p "$CACHE/image"
		echo "$closure" >"$memo.$$"
		mv "$memo.$$" "$memo"
	fi
	IMAGE_DIR=$CACHE/image/$(cat "$memo" "$TESTS/lib/image.sh" | hash_of)
}

image_ensure()
{
	mkdir -p "$CACHE"
	: >>"$CACHE/empty-status"
	image_resolve || { apt_update; image_resolve; } ||
		die "guest image: apt cannot resolve ${GUEST_PACKAGES[*]}"
	[ ! -e "$IMAGE_DIR/ready" ] || return 0
	if ! with_lock image image_build "$IMAGE_DIR"; then
		apt_update
		image_resolve
		with_lock image image_build "$IMAGE_DIR" || die "guest image: build failed"
	fi
}
