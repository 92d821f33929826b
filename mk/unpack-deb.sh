#!/bin/bash
# SPDX-License-Identifier: MIT
# Unpacks a Debian package below a directory without installing it, for tests: installed, nginx would start a server
# and ipxe would put itself into the boot menu. Without the package the test that wants it is skipped.
#
# usage: mk/unpack-deb.sh PACKAGE[@SUITE] DIR        makes DIR/.unpacked last
set -euo pipefail
# shellcheck source=SCRIPTDIR/private-apt.sh
. "$(dirname "$0")/private-apt.sh"

package=${1%@*}
dir=$2
new=$dir.new

# Leaves the package file in the current directory.
download() {
	if [[ $1 == *@* ]]; then
		# its own database for each suite: two packages may be wanted at once
		exec 9>"$top/apt-$suite.lock"
		flock 9
		private_apt "$top/apt-$suite" deb "$suite" || return 1
		apt-get -qq download "$package/$suite"
	else
		apt-get -qq -o APT::Sandbox::User=root download "$package"
	fi
}

rm -rf "$new"
mkdir -p "$new"
top=$(cd "$(dirname "$dir")" && pwd)
suite=${1#*@}
if ! (cd "$new" && download "$1" >log 2>&1); then
	echo "  NOTE    no package $package to be had: its test is skipped"
	rm -rf "$new"
	exit 0
fi
echo "  UNPACK  $1"
dpkg -x "$new"/*.deb "$new"
rm -rf "$dir" "$new"/*.deb "$new/log"
mv "$new" "$dir"
touch "$dir/.unpacked"
