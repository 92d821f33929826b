#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds the minimal sample image: Debian's cloud kernel, and an initramfs of busybox and one script.
#
# usage: images/minimal/build.sh OUTDIR
#
# Leaves OUTDIR/vmlinuz and OUTDIR/initrd.cpio (uncompressed newc; the same inputs give the same bytes). The
# kernel package is downloaded once and unpacked, not installed: installing it would run this machine's own
# initramfs and boot loader hooks. Kernel modules are not needed.
set -euo pipefail

readonly metapackage=linux-image-cloud-amd64
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: images/minimal/build.sh OUTDIR}"
out=$(cd "$1" && pwd)

die() {
	echo "images/minimal/build.sh: error: $1" >&2
	exit 1
}

# The concrete package, such as linux-image-6.1.0-0-cloud-amd64, that the metapackage stands for.
kernel_package() {
	apt-cache depends --important "$metapackage" |
		sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*cloud-amd64\)$/\1/p' | sed -n 1p
}

get_kernel() {
	local package download=$out/download
	package=$(kernel_package)
	if [[ -z $package ]]; then
		if [[ $(id -u) -eq 0 ]]; then apt-get -qq update; else sudo apt-get -qq update; fi
		package=$(kernel_package)
	fi
	[[ -n $package ]] || die "apt knows no $metapackage"
	echo "  KERNEL  $package"
	rm -rf "$download"
	mkdir -p "$download/tree"
	(cd "$download" && apt-get -qq -o APT::Sandbox::User=root download "$package") ||
		die "$package could not be downloaded"
	dpkg -x "$download"/linux-image-*.deb "$download/tree"
	cp "$download"/tree/boot/vmlinuz-* "$out/vmlinuz.new"
	printf '%s\n' "$package" >"$out/kernel-package"
	mv "$out/vmlinuz.new" "$out/vmlinuz"
	rm -rf "$download"
}

# Everything in the archive has one date, one owner and a fixed order.
make_initrd() {
	local tree
	tree=$(mktemp -d)
	trap 'rm -rf "$tree"' RETURN
	install -d -m 755 "$tree"/{bin,dev,proc,sys,tmp,run,root}
	install -m 755 "$here/init" "$tree/init"
	install -m 755 "$(command -v busybox)" "$tree/bin/busybox"
	ln -s busybox "$tree/bin/sh"
	find "$tree" -exec touch --no-dereference --date=@0 {} +
	(cd "$tree" && find . -mindepth 1 -printf '%P\0' | LC_ALL=C sort -z |
		cpio --null --create --format=newc --owner=+0:+0 --reproducible --quiet) >"$out/initrd.cpio.new"
	mv "$out/initrd.cpio.new" "$out/initrd.cpio"
	echo "  CPIO    $out/initrd.cpio"
}

has_static_busybox() {
	command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1
}

command -v cpio >/dev/null || die "cpio is missing: run mk/deps.sh run"
has_static_busybox || die "a static busybox is missing: run mk/deps.sh run"
exec 9>"$out/.lock"
flock 9
[[ -f $out/vmlinuz ]] || get_kernel
make_initrd
