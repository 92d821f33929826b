#!/bin/bash
# SPDX-License-Identifier: MIT
# Unpacks a Debian package below a directory without installing it, for tests: installed, nginx would start a server
# and ipxe would put itself into the boot menu. Without the package the test that wants it is skipped.
#
# usage: mk/unpack-deb.sh PACKAGE DIR        makes DIR/.unpacked last
set -euo pipefail

package=$1
dir=$2
new=$dir.new
rm -rf "$new"
mkdir -p "$new"
if ! (cd "$new" && apt-get -qq -o APT::Sandbox::User=root download "$package" >log 2>&1); then
	echo "  NOTE    no package $package to be had: its test is skipped"
	rm -rf "$new"
	exit 0
fi
echo "  UNPACK  $package"
dpkg -x "$new"/*.deb "$new"
rm -rf "$dir" "$new"/*.deb "$new/log"
mv "$new" "$dir"
touch "$dir/.unpacked"
