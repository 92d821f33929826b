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

# The base addresses of the Debian archives this machine uses: "URI RELEASE", one a line.
debian_archives() {
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk '$1 == "Debian" && $4 == "main" { print $2, $3 }' | sort -u
}

write_apt_conf() {
	cat >"$apt/apt.conf" <<-CONF
		Dir::State "$apt/state";
		Dir::State::lists "$apt/state/lists";
		Dir::State::status "/var/lib/dpkg/status";
		Dir::Cache "$apt/cache";
		APT::Sandbox::User "root";
		APT::Get::List-Cleanup "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
	CONF
}

# One deb-src entry for each archive: the suites it serves here, and the wanted one on the main archive.
write_sources() {
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed="" archives=$1
	[[ -f $keyring ]] && signed="[signed-by=$keyring] "
	rm -rf "$apt/sources"
	mkdir -p "$apt/sources"
	{
		awk '{ print $1, $2 }' <<<"$archives"
		# The main archive is the one that serves a plain suite, such as "bookworm".
		awk -v suite="$suite" '$2 !~ /[-\/]/ { print $1, suite }' <<<"$archives"
	} | sort -u | while read -r uri release; do
		echo "deb-src $signed$uri $release main"
	done >"$apt/sources/chunkboot.list"
	cat >>"$apt/apt.conf" <<-CONF
		Dir::Etc::sourcelist "/dev/null";
		Dir::Etc::sourceparts "$apt/sources";
	CONF
}

# A private package database with source entries for $suite, refreshed once a suite.
prepare_apt() {
	local archives
	command -v apt-get >/dev/null ||
		die "$tarball is not there and this machine has no apt" \
			"put the files of third-party.mk into a folder and run make THIRD_PARTY_DIR=that-folder"
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
	archives=$(debian_archives)
	write_apt_conf
	export APT_CONFIG=$apt/apt.conf
	if [[ -z $archives ]]; then
		# Nothing known yet: read the machine's own sources into the private database.
		apt-get -qq update || die "apt-get could not read the machine's package sources"
		archives=$(debian_archives)
	fi
	[[ -n $archives ]] ||
		die "no Debian archive among this machine's package sources" \
			"put the files of third-party.mk into a folder and run make THIRD_PARTY_DIR=that-folder"
	write_sources "$archives"
	[[ -f $apt/updated-$suite ]] && return
	apt-get -qq update || die "apt-get could not read the source lists of $suite"
	touch "$apt/updated-$suite"
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
