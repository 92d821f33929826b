# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Debian root file systems for measurements: packages as apt chooses them for an empty machine, unpacked and upgraded as
# dpkg does it, but without maintainer scripts, and packed as mkinitramfs does it. Nobody has to be root. To be sourced.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../../mk/private-apt.sh"

readonly installed_at=@1700000000 upgraded_at=@1700086400 # times of directories and of dpkg's own files

# packages_of LIST APT DEBS SUITES PACKAGE...: LIST gets the file names of these packages and of all that they depend
# on, in order, LIST.suites the suites and their versions, DEBS (absolute) the files; APT is apt's folder.
packages_of() (
	local list=$1 into=$3 suites install
	read -ra suites <<<"$4"
	mkdir -p "$into/partial"
	empty_machine "$2" "${suites[@]}" || exit 1
	shift 4
	install=(apt-get -qq -y -o APT::Install-Recommends=false -o Debug::NoLocking=true)
	# told of an empty folder, it names what is there already, too
	mkdir -p "$2/none/partial"
	"${install[@]}" -o Dir::Cache::archives="$2/none" --print-uris install "$@" |
		awk '{ print $2 }' | LC_ALL=C sort >"$list.new" || exit 1
	[[ -s $list.new ]] || exit 1
	"${install[@]}" -o Dir::Cache::archives="$into" --download-only install "$@" >/dev/null || exit 1
	apt-cache policy | sed -n 's/.*release v=\([^,]*\),.*,n=\([^,]*\),.*/\2 \1/p' | sort >"$list.suites"
	mv "$list.new" "$list"
)

# What a package file's name says; the version without its epoch's escape.
name_of() {
	echo "${1%%_*}"
}

version_of() {
	local rest=${1#*_}
	rest=${rest%_*}
	echo "${rest/\%3a/:}"
}

# remove_old TREE NAME [NEW-LIST]: the files of the package but those that NEW-LIST has.
remove_old() {
	local info=$1/var/lib/dpkg/info/$2 path
	LC_ALL=C comm -23 "$info.list" "${3:-/dev/null}" | LC_ALL=C sort -r | while IFS= read -r path; do
		# links here, though directories in some packages
		[[ $path =~ ^/(bin|sbin|lib|lib64)$ ]] && continue
		if [[ -d $1$path && ! -L $1$path ]]; then
			rmdir --ignore-fail-on-non-empty "$1$path"
		else
			rm -f "$1$path"
		fi
	done
	# no pattern with a star: python3 is not python3.11
	rm -f "$info".{list,md5sums,conffiles,config,preinst,postinst,prerm,postrm,shlibs,symbols,templates,triggers}
	[[ $# -gt 2 ]] || rm -f "$1.db/$2"
}

# unpack_one TREE DEB TIME: the package, or its new version; directories that exist stay as they are. TIME: of what dpkg
# itself writes.
unpack_one() {
	local tree=$1 deb=$2 name info
	name=$(name_of "$(basename "$deb")")
	info=$tree/var/lib/dpkg/info/$name
	dpkg-deb --fsys-tarfile "$deb" >"$tree.tar"
	tar -tf "$tree.tar" | sed -e 's|^\.||' -e 's|/$||' -e '/^$/d' | LC_ALL=C sort >"$tree.list"
	[[ ! -f $info.list ]] || remove_old "$tree" "$name" "$tree.list"
	tar -xpf "$tree.tar" -C "$tree" --no-same-owner --keep-directory-symlink --no-overwrite-dir
	rm -rf "$tree.control"
	dpkg-deb -e "$deb" "$tree.control"
	sed "/^Package:/a Status: install ok installed" "$tree.control/control" >"$tree.db/$name"
	rm "$tree.control/control"
	mv "$tree.list" "$info.list"
	(cd "$tree.control" && find . -type f -printf '%f\n') | while IFS= read -r path; do
		mv "$tree.control/$path" "$info.$path"
	done
	touch -d "$3" "$info.list"
}

# end_unpacking TREE TIME: dpkg's list of packages; every directory in which something changed has that time.
end_unpacking() {
	local status=$1/var/lib/dpkg/status
	(cd "$1.db" && for file in *; do cat "$file" && echo; done) >"$status"
	touch -d "$2" "$status"
	touch -d "$installed_at" "$1.reference"
	find "$1" -type d -newer "$1.reference" -exec touch -d "$2" {} +
	rm -rf "$1.control" "$1.tar"
}

# new_tree TREE DEBS LIST
new_tree() {
	local tree=$1 directory deb
	rm -rf "$tree" "$tree.db"
	mkdir -p "$tree"/usr/{bin,sbin,lib,lib64} "$tree/var/lib/dpkg/info" "$tree.db"
	for directory in bin sbin lib lib64; do
		ln -s "usr/$directory" "$tree/$directory"
		touch -h -d "$installed_at" "$tree/$directory"
	done
	while IFS= read -r deb; do
		unpack_one "$tree" "$2/$deb" "$installed_at"
	done <"$3"
	end_unpacking "$tree" "$installed_at"
	# what was unpacked first has the time that its package gave it
	find "$tree" -type d -exec touch -d "$installed_at" {} +
}

# upgrade_tree TREE DEBS OLD-LIST NEW-LIST [NAME]: the tree at the state of the old list to that of the new one; with
# NAME that package only. Prints "NAME OLD NEW", one package a line, with "-" for none.
upgrade_tree() {
	local tree=$1 name deb old
	while IFS= read -r name; do
		deb=$(grep "^${name}_" "$4" || true)
		old=$(grep "^${name}_" "$3" || true)
		[[ $deb != "$old" ]] || continue
		if [[ $deb ]]; then
			unpack_one "$tree" "$2/$deb" "$upgraded_at"
		else
			remove_old "$tree" "$name"
		fi
		echo "$name $([[ $old ]] && version_of "$old" || echo -) $([[ $deb ]] && version_of "$deb" || echo -)"
	done < <(if [[ ${5:-} ]]; then echo "$5"; else sed 's/_.*//' "$3" "$4" | LC_ALL=C sort -u; fi)
	end_unpacking "$tree" "$upgraded_at"
}

# pack_tree TREE CPIO KERNEL DEFAULT: the archive as mkinitramfs makes it without /boot; the kernel of the tree, or DEFAULT
pack_tree() {
	local kernels=("$1"/boot/vmlinuz-*)
	[[ -f ${kernels[0]} ]] || kernels=("$4")
	cp "${kernels[0]}" "$3"
	(cd "$1" && find . -path ./boot -prune -o ! -path . -printf '%P\0' | LC_ALL=C sort -z |
		cpio --null --quiet --create --format=newc --owner=+0:+0 --reproducible) >"$2"
}
