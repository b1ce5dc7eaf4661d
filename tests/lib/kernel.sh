# shellcheck shell=bash
# The stock Debian kernels: found through their metapackages, unpacked into
# the cache, with an initramfs that does no more than mount the root image.
# So are their headers. Neither is installed on the host: the packages of headers
# depend on a kernel, and one that is installed may be the next that is booted.
# Kernels of ours, see debug-kernel.sh, come from its source package.

declare -A KERNEL_META=(
	[6.1]=linux-image-cloud-amd64
	[6.12]=linux-image-6.12-cloud-amd64
	[6.1-rt]=linux-image-rt-amd64
	[6.12-rt]=linux-image-6.12-rt-amd64
	[6.12-debug]=linux-source-6.12
	[6.12-kcsan]=linux-source-6.12
	[6.12-gcov]=linux-source-6.12
	[6.12-um]=linux-source-6.12
	[6.12-um-debug]=linux-source-6.12
)
declare -A KERNEL_PACKAGE KERNEL_VERSION KERNEL_RELEASE KERNEL_DIR

# What the guest needs before it has its root, unless it is built in. User-Mode Linux has
# all of it built in.
INITRAMFS_MODULES=(virtio_pci virtio_blk virtio_console ext4)
# What no scenario needs, and most of what a kernel has that is not of the cloud
KERNEL_WITHOUT=(sound drivers/{gpu,media,net/{ethernet,wireless},staging})

# How many times as long as on a stock kernel may everything take? 6.12-debug needs
# ten times as long; limits leave a stock kernel at least twice what it needs.
kernel_slowness()
{
	case $1 in
	*-um-debug|*-rt) echo 2 ;;
	*-debug|*-kcsan) echo 5 ;;
	*) echo 1 ;;
	esac
}

# kernel_resolve 6.1: package, its version and the kernel release
kernel_resolve()
{
	local meta=${KERNEL_META[$1]-} about
	[ -n "$meta" ] || die "unknown kernel $1 (have: ${!KERNEL_META[*]})"
	apt_knows "$meta" || apt_update
	about=$(apt-cache show --no-all-versions "$meta")
	if is_compiled "$1"; then
		[[ $about =~ Version:\ (([^-]+)[^$'\n']*) ]] || die "$meta: which version?"
		KERNEL_PACKAGE[$1]=$meta
		KERNEL_RELEASE[$1]=${BASH_REMATCH[2]}-${1#*-}
		KERNEL_VERSION[$1]=${BASH_REMATCH[1]}
	else
		[[ $about =~ Depends:[^$'\n']*(linux-image-([^ ,]+))\ \(=\ ([^\)]+)\) ]] ||
			die "$meta: cannot read its dependency"
		KERNEL_PACKAGE[$1]=${BASH_REMATCH[1]}
		KERNEL_RELEASE[$1]=${BASH_REMATCH[2]}
		KERNEL_VERSION[$1]=${BASH_REMATCH[3]}
	fi
	KERNEL_DIR[$1]=$CACHE/kernel/${KERNEL_RELEASE[$1]}_${KERNEL_VERSION[$1]}-$(
		{
			cat "$TESTS/lib/kernel.sh" "$TESTS/guest/initramfs-init"
			! is_compiled "$1" || debug_kernel_dir "$1"
		} | hash_of)
}

# headers_unpack PACKAGE=VERSION DIR: with the packages that a build reads, too
headers_unpack()
{
	local dir=$2 tmp=$2.tmp need
	local -a packages=("$1")
	[ ! -e "$dir/ready" ] || return 0
	say "fetching $1"
	rm -rf "$tmp" "$dir"
	mkdir -p "$tmp/deb"
	while read -r need; do
		packages+=("$need")
	done < <(apt-cache show --no-all-versions "$1" | sed -n 's/^Depends: //p' |
		grep -oE 'linux-(headers-[^ ,|]+|kbuild-[^ ,|]+)')
	(cd "$tmp/deb" && apt-get -q -o APT::Sandbox::User=root download \
		"${packages[@]}" >&2) || return
	for need in "$tmp"/deb/*.deb; do
		dpkg-deb -x "$need" "$tmp" || return
	done
	rm -rf "$tmp/deb"
	# they include one another by where they would have been installed
	sed -i "s|^include /|include $dir/|" "$tmp"/usr/src/*/Makefile || return
	touch "$tmp/ready"
	mv "$tmp" "$dir"
}

headers_dir()
{
	printf '%s/headers/%s_%s-%s\n' "$CACHE" "${KERNEL_RELEASE[$1]}" \
		"${KERNEL_VERSION[$1]}" "$(declare -f headers_unpack | hash_of)"
}

kernel_headers()
{
	local root
	if is_compiled "$1"; then
		root=$(debug_kernel_dir "$1")
	else
		root=$(headers_dir "$1")
	fi
	printf '%s/usr/src/linux-headers-%s\n' "$root" "${KERNEL_RELEASE[$1]}"
}

headers_fetch()
{
	with_lock "headers-$1" headers_unpack \
		"linux-headers-${KERNEL_RELEASE[$1]}=${KERNEL_VERSION[$1]}" "$(headers_dir "$1")"
}

# ensure_headers 6.1: resolved before, maybe to an older version than after
ensure_headers()
{
	local k=$1
	! is_compiled "$k" || return 0
	ensure_packages "${BUILD_NEEDS[@]}"
	if ! headers_fetch "$k"; then
		# Most likely lists older than the archive: look again, once.
		apt_update
		kernel_resolve "$k"
		headers_fetch "$k" || die "kernel $k: cannot prepare its headers"
	fi
	touch "$(headers_dir "$k")/ready"
}

# kernel_initramfs DIR RELEASE BUSYBOX MODULE...
kernel_initramfs()
{
	local dir=$1 release=$2 busybox=$3 root=$1/initramfs.d m path
	mkdir -p "$root"/{bin,dev,proc,sys,root,modules}
	cp "$busybox" "$root/bin/busybox"
	: >"$root/modules/order"
	for m in "${@:4}"; do
		# --show-depends says nothing to load for what is built in
		modprobe -d "$dir/tree" -S "$release" --show-depends "$m" |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' >"$dir/depends" || return
		while read -r path; do
			grep -qx "${path##*/}" "$root/modules/order" && continue
			cp "$path" "$root/modules/"
			echo "${path##*/}" >>"$root/modules/order"
		done <"$dir/depends"
	done
	cp "$TESTS/guest/initramfs-init" "$root/init"
	chmod 755 "$root/init"
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$dir/initramfs" || return
	rm -rf "$root" "$dir/depends"
}

# kernel_unpack KERNEL DIR: its package
kernel_unpack()
{
	local k=$1 tmp=$2
	if is_compiled "$k"; then
		debug_kernel_compile "$k" "$(debug_kernel_dir "$k")" || return
		cp -al "$(debug_kernel_dir "$k")" "$tmp/package"
		return
	fi
	say "kernel $k: fetching ${KERNEL_PACKAGE[$k]} ${KERNEL_VERSION[$k]}"
	mkdir -p "$tmp/deb" "$tmp/package"
	(cd "$tmp/deb" && apt-get -q -o APT::Sandbox::User=root download \
		"${KERNEL_PACKAGE[$k]}=${KERNEL_VERSION[$k]}" >&2) || return
	dpkg-deb -x "$tmp"/deb/*.deb "$tmp/package"
}

kernel_build()
{
	local k=$1 dir=$2 busybox=$3 release=${KERNEL_RELEASE[$1]} tmp=$2.tmp
	local -a modules=("${INITRAMFS_MODULES[@]}")
	[ ! -e "$dir/ready" ] || return 0
	rm -rf "$tmp" "$dir"
	mkdir -p "$tmp"
	kernel_unpack "$k" "$tmp" || return

	say "kernel $k: module tree, initramfs"
	mkdir -p "$tmp/tree/lib/modules"
	mv "$tmp/package/boot/vmlinuz-$release" "$tmp/vmlinuz"
	mv "$tmp/package/boot/config-$release" "$tmp/config"
	mv "$tmp/package/lib/modules/$release" "$tmp/tree/lib/modules/"
	(cd "$tmp/tree/lib/modules/$release/kernel" && rm -rf "${KERNEL_WITHOUT[@]}") || return
	# Unpacked here once, not in an emulated guest at each modprobe.
	find "$tmp/tree" -name '*.ko.xz' -print0 |
		xargs -0 -r -P "$(nproc)" -n 64 xz -d || return
	depmod -b "$tmp/tree" "$release" || return
	! is_um "$k" || modules=()
	kernel_initramfs "$tmp" "$release" "$busybox" "${modules[@]}" || return
	mke2fs -q -t ext4 -O ^has_journal -m 0 \
		-d "$tmp/tree/lib/modules" "$tmp/modules.img" 300M >&2 || return
	rm -rf "$tmp/deb" "$tmp/package"
	touch "$tmp/ready"
	mv "$tmp" "$dir"
}

# kernel_ensure 6.1 BUSYBOX: the kernel and its headers
kernel_ensure()
{
	local k=$1
	kernel_resolve "$k"
	ensure_headers "$k"
	[ ! -e "${KERNEL_DIR[$k]}/ready" ] || return 0
	if ! with_lock "kernel-$k" kernel_build "$k" "${KERNEL_DIR[$k]}" "$2"; then
		# Most likely lists older than the archive: look again, once.
		apt_update
		kernel_resolve "$k"
		ensure_headers "$k"
		with_lock "kernel-$k" kernel_build "$k" "${KERNEL_DIR[$k]}" "$2" ||
			die "kernel $k: cannot prepare ${KERNEL_PACKAGE[$k]}"
	fi
}
