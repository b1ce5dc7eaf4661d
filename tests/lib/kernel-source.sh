# shellcheck shell=bash
# Files of the kernel that are in none but its source packages. They are kept in the
# cache and never copied into this repository.

SOURCE_NEEDS=(xz:xz-utils)
# lib/maple_tree.c and linux/maple_tree.h, over which layers run in user space
MAPLE=$CACHE/maple-tree

# source_files DIR PACKAGE PATTERN...: DIR gets those files that match, without the
# name of the first folder of their path
source_files()
{
	local dir=$1 package=$2 tmp=$1.tmp
	shift 2
	[ ! -e "$dir" ] || return 0
	say "fetching $package for $(basename "$dir")"
	rm -rf "$tmp"
	mkdir -p "$tmp"
	apt_knows "$package" || apt_update
	(cd "$tmp" && apt-get -q -o APT::Sandbox::User=root download "$package" >&2 &&
		dpkg-deb --fsys-tarfile ./*.deb |
			tar -x -O --wildcards '*/linux-source-*.tar.xz' |
			tar -x -J --strip-components=2 --wildcards "$@") || return
	rm -f "$tmp"/*.deb
	mv "$tmp" "$dir"
}

maple_ensure()
{
	source_files "$MAPLE" linux-source-6.12 'linux-source-*/lib/maple_tree.c' \
		'linux-source-*/include/linux/maple_tree.h' ||
		die "no maple tree of the kernel"
}
