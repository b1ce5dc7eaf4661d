# shellcheck shell=bash
# Kernels that look at what the module does, compiled from Debian's source package. Each
# is kept in the cache, laid out as the packages of a stock kernel are, under a key of
# its own: whatever else of the harness changes, it need not be compiled again.

# The files of kernel/ that make its configuration, on top of guest.config. Those with
# `um` are User-Mode Linux: the kernel is a program of the host.
declare -A KERNEL_CONFIG=(
	[6.12-debug]='emulated debug emulated-debug'
	[6.12-kcsan]='emulated kcsan'
	[6.12-gcov]='emulated gcov'
	[6.12-um]='um'
	[6.12-um-debug]='um debug um-debug'
)

DEBUG_NEEDS=(
	flex:flex
	bison:bison
	bc:bc
	perl:perl
	m4:m4
	lz4:lz4
	/usr/include/gelf.h:libelf-dev
)

is_compiled()
{
	[ -n "${KERNEL_CONFIG[$1]-}" ]
}

is_um()
{
	[[ ${KERNEL_CONFIG[$1]-} == um* ]]
}

# kbuild's words for the machine that a kernel runs on
kernel_arch()
{
	if is_um "$1"; then echo ARCH=um; else echo ARCH=x86; fi
}

debug_kernel_config()
{
	local part
	for part in guest ${KERNEL_CONFIG[$1]}; do
		cat "$TESTS/lib/kernel/$part.config"
	done
	echo "CONFIG_LOCALVERSION=\"-${1#*-}\""
}

debug_kernel_dir()
{
	printf '%s/kernel/%s_%s-%s\n' "$CACHE" "${KERNEL_RELEASE[$1]}" "${KERNEL_VERSION[$1]}" "$(
		{
			declare -f debug_kernel_unpack debug_kernel_configure debug_kernel_make \
				debug_kernel_headers kernel_arch
			debug_kernel_config "$1"
		} | hash_of)"
}

# Only what kconfig and an x86 kernel without these drivers read
debug_kernel_unpack()
{
	local package=$1 source=$2
	mkdir -p "$source" "$source.deb"
	(cd "$source.deb" && apt-get -q -o APT::Sandbox::User=root download "$package" >&2) || return
	dpkg-deb --fsys-tarfile "$source.deb"/*.deb |
		tar -x -O --wildcards '*/linux-source-*.tar.xz' |
		tar -x -J -C "$source" --strip-components=1 --anchored \
			--exclude='*/Documentation/*/*' --exclude='*/tools/testing/*' \
			--exclude='*/arch/[!ux]*/*.[chS]' --exclude='*/arch/*/boot/dts/*' \
			--exclude='*/drivers/gpu/*.[ch]' --exclude='*/drivers/media/*.[ch]' \
			--exclude='*/drivers/net/ethernet/*.[ch]' \
			--exclude='*/drivers/net/wireless/*.[ch]' --exclude='*/sound/*.[ch]' || return
	rm -rf "$source.deb"
}

# Kconfig drops what it does not like without a word.
debug_kernel_configure()
{
	local wanted=$1 misses
	make -s tinyconfig &&
		scripts/kconfig/merge_config.sh -m -Q .config "$wanted" &&
		make -s olddefconfig || return
	misses=$(awk 'NR == FNR { have[$0]; if (sub(/=.*/, "")) set[$0]; next }
		/^CONFIG_/ && !($0 in have) { print }
		/^# CONFIG_.* is not set$/ && ($2 in set) { print }' .config "$wanted")
	[ -n "$misses" ] || return 0
	echo "asked for, and not in the configuration:"
	echo "$misses"
	return 1
}

# What a module is built with, as the package of a stock kernel's headers has it. The
# kernel's own script leaves out what User-Mode Linux takes from the processor's tree.
debug_kernel_headers()
{
	local dir=$1
	# shellcheck disable=SC2016
	make -s run-command \
		KBUILD_RUN_COMMAND='$(srctree)/scripts/package/install-extmod-build '"$dir" || return
	[ "$ARCH" = um ] || return 0
	find arch/x86 \( -name 'Makefile*' -o -path '*/include/*' -o -path '*/um/*.h' \) \
		-type f -print | tar -c -f - -T - | tar -x -f - -C "$dir"
}

debug_kernel_make()
{
	local tmp=$1 release=$2 found image=bzImage
	cd "$tmp/source" || return
	# shellcheck disable=SC1007,SC2163 # the third argument is NAME=VALUE
	export LOCALVERSION= "$3"
	[ "$ARCH" != um ] || image=linux
	debug_kernel_configure "$tmp/wanted.config" || return
	make -s -j "$(nproc)" "$image" modules || return
	found=$(make -s kernelrelease)
	[ "$found" = "$release" ] || { echo "release is $found, not $release"; return 1; }
	make -s modules_install INSTALL_MOD_PATH="$tmp" || return
	rm -f "$tmp/lib/modules/$release"/{build,source}
	mkdir -p "$tmp/boot" "$tmp/usr/src"
	[ "$ARCH" = um ] || image=arch/x86/boot/$image
	cp "$image" "$tmp/boot/vmlinuz-$release"
	cp .config "$tmp/boot/config-$release"
	debug_kernel_headers "$tmp/usr/src/linux-headers-$release"
}

debug_kernel_compile()
{
	local k=$1 dir=$2 tmp=$2.tmp
	[ ! -e "$dir/ready" ] || return 0
	ensure_packages "${DEBUG_NEEDS[@]}"
	say "kernel $k: fetching ${KERNEL_PACKAGE[$k]} ${KERNEL_VERSION[$k]}"
	rm -rf "$tmp" "$dir"
	debug_kernel_unpack "${KERNEL_PACKAGE[$k]}=${KERNEL_VERSION[$k]}" "$tmp/source" || return
	debug_kernel_config "$k" >"$tmp/wanted.config"
	say "kernel $k: compiling; this takes minutes, and once (log: $dir.log)"
	(quietly "$dir.log" debug_kernel_make "$tmp" "${KERNEL_RELEASE[$k]}" "$(kernel_arch "$k")") ||
		return
	rm -rf "$tmp/source" "$tmp/wanted.config"
	touch "$tmp/ready"
	mv "$tmp" "$dir"
}
