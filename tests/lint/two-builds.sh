#!/bin/bash
# SPDX-License-Identifier: MIT
# The loader built in two folders of different names, at different times, is the same byte for byte.
#
# usage: two-builds.sh [own|all]      own (the default): our files, with the libraries as they are built; all: those, too,
#                                     and the tool
# timeout: 1800
set -euo pipefail

readonly what=${1:-own}
libraries=(bearssl sodium zstd lwip)
products=(build/chunkboot-x86_64.efi)
[[ $what == own ]] || products+=(build/chunkboot)
epoch=$(sed -n 's/^#define CB_BUILD_EPOCH \([0-9]*\)LL$/\1/p' "$CB_BUILD/gen/build-info.h")

# build DIR: the sources in DIR, built there.
build() {
	local dir=$1 library
	local options=(--no-print-directory --silent NO_DEPS=1 "SOURCE_DATE_EPOCH=$epoch")
	mkdir -p "$dir/build/efi-x86_64"
	cp -a Makefile third-party.mk mk chunkboot efi "$dir"
	ln -s "$CB_TOP/build/third-party" "$dir/build/third-party"
	for library in "${libraries[@]}"; do
		options+=(-o "build/third-party/$library/.chunkboot-source")
		if [[ $what == own ]]; then
			cp -a "$CB_BUILD/efi-x86_64/lib$library.a" "$dir/build/efi-x86_64"
			options+=(-o "build/efi-x86_64/lib$library.a")
		fi
	done
	make -C "$dir" -j2 "${options[@]}" "${products[@]}" >"$dir.log" 2>&1 || {
		tail -n 30 "$dir.log"
		return 1
	}
}

readonly first=$CB_TEST_TMP/a second=$CB_TEST_TMP/another-folder-with-a-longer-name
build "$first"
build "$second"
for product in "${products[@]}"; do
	cmp "$first/$product" "$second/$product"
done
