#!/bin/bash
# SPDX-License-Identifier: MIT
# Gets one pinned third-party source: download (or copy), check its hash, unpack, patch.
#
# usage: mk/fetch-source.sh DIR NAME SUITE PACKAGE TARBALL SHA256 [DEBIAN-TAR PATCH SHA256]...
#
# DIR is the folder for all sources; NAME its folder in there, with the stamp NAME/.chunkboot-source.
# With THIRD_PARTY_DIR set, tarballs come from that folder and the network is not used; otherwise Debian's
# source archive is asked, through a private apt configuration made from the machine's own: nothing outside
# DIR is written. A source that is there with the same pins is left alone.
set -euo pipefail

die() {
	echo "mk/fetch-source.sh: error: $1" >&2
	[[ -n ${2:-} ]] && echo "hint: $2" >&2
	exit 1
}

# shellcheck source=SCRIPTDIR/private-apt.sh
. "$(dirname "$0")/private-apt.sh"

[[ $# -ge 6 ]] || die "too few arguments"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
readonly dir name=$2 suite=$3 package=$4 tarball=$5 sha256=$6
readonly pins="$*"
shift 6

readonly dest=$dir/$name stamp=$dir/$name/.chunkboot-source
readonly tarballs=$dir/tarballs apt=$dir/apt
mkdir -p "$tarballs"
exec 9>"$dir/.lock"
flock 9

if [[ -f $stamp && $(<"$stamp") == "$pins" ]]; then
	touch "$stamp"
	exit 0
fi

# A private package database with source entries for $suite, refreshed once a suite.
prepare_apt() {
	command -v apt-get >/dev/null ||
		die "$tarball is not there and this machine has no apt" \
			"put the files of third-party.mk into a folder and run make THIRD_PARTY_DIR=that-folder"
	private_apt "$apt" deb-src "$suite" ||
		die "the machine's package sources give no source list of $suite" \
			"put the files of third-party.mk into a folder and run make THIRD_PARTY_DIR=that-folder"
}

download_source() {
	(cd "$tarballs" && apt-get -qq source --download-only --only-source "$package/$suite" >/dev/null)
}

# obtain FILE: leaves it in $tarballs.
obtain() {
	local file=$1
	[[ -f $tarballs/$file ]] && return
	if [[ -n ${THIRD_PARTY_DIR:-} ]]; then
		[[ -f $THIRD_PARTY_DIR/$file ]] || die "$file is not in $THIRD_PARTY_DIR"
		cp "$THIRD_PARTY_DIR/$file" "$tarballs/.$file" && mv "$tarballs/.$file" "$tarballs/$file"
		return
	fi
	prepare_apt
	if ! download_source; then
		# The lists may be older than the archive: once more with new ones.
		rm -f "$apt/updated-$suite"
		prepare_apt
		download_source || die "apt-get could not get the source of $package from $suite"
	fi
	[[ -f $tarballs/$file ]] || die "$suite now has another version of $package than $file" \
		"change third-party.mk after reading what changed"
}

# check FILE SHA256: a wrong file is removed, so that a later run asks again.
check() {
	echo "$2  $1" | sha256sum --check --status && return
	local found
	found=$(sha256sum "$1" | cut -d' ' -f1)
	rm -f "$1"
	die "$(basename "$1") has SHA-256 $found, pinned is $2"
}

echo "  SOURCE  $tarball"
obtain "$tarball"
check "$tarballs/$tarball" "$sha256"
readonly new=$dest.new
rm -rf "$new"
mkdir -p "$new"
tar -C "$new" --strip-components=1 --no-same-owner -xf "$tarballs/$tarball"

while [[ $# -ge 3 ]]; do
	obtain "$1"
	tar -C "$new" --no-same-owner -xf "$tarballs/$1" "debian/patches/$2"
	check "$new/debian/patches/$2" "$3"
	patch --quiet --forward -d "$new" -p1 <"$new/debian/patches/$2" || die "$2 does not apply to $tarball"
	shift 3
done

if [[ -f $new/src/libsodium/include/sodium/version.h.in ]]; then
	# What libsodium's configure would write; the numbers are those of release 1.0.18.
	sed -e 's/@VERSION@/1.0.18/' -e 's/@SODIUM_LIBRARY_VERSION_MAJOR@/10/' \
		-e 's/@SODIUM_LIBRARY_VERSION_MINOR@/3/' -e 's/@SODIUM_LIBRARY_MINIMAL_DEF@//' \
		"$new/src/libsodium/include/sodium/version.h.in" >"$new/src/libsodium/include/sodium/version.h"
fi

rm -rf "$dest"
mv "$new" "$dest"
printf '%s' "$pins" >"$stamp"
