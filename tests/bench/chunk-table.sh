#!/bin/bash
# SPDX-License-Identifier: MIT
# Prints the table behind the default chunk size and level: HTTP bodies of a first boot (manifest and chunks) relative
# to the same kernel and cpio, each compressed whole with zstd -9. Data: Debian's cloud kernel, CPIO_MIB (default 128)
# MiB of real files. SIZES and LEVELS can be set.
set -euo pipefail
tool=$CB_BUILD/chunkboot
kernel=$CB_BUILD/images/minimal/vmlinuz
work=$CB_BUILD/bench/chunk-table
sizes=${SIZES:-16K:64K:256K 32K:128K:512K 64K:256K:1M 256K:1M:4M}
levels=${LEVELS:-3 9 19}
mib=${CPIO_MIB:-128}
mkdir -p "$work"

# Regular files of these directories, in order, those that still fit.
make_cpio() {
	find /usr/bin /usr/lib/x86_64-linux-gnu /usr/share -xdev -type f -links 1 -printf '%s %p\n' | sort -k2 |
		awk -v max=$((mib * 1048576)) 'n + $1 + 200 <= max { n += $1 + 200; sub(/^[0-9]+ \//, ""); print }' >"$work/files"
	(cd / && cpio --quiet -o -H newc -R 0:0 --reproducible <"$work/files") >"$work/data.cpio"
}

# bodies SIZE LEVEL: bytes that a first boot fetches.
bodies() {
	"$tool" publish "$work/repo" table --keys "$work/keys" --kernel "$kernel" --initrd "$work/data.cpio" \
		--chunk-size "$1" --level "$2" --dry-run --json |
		python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["update_bytes"] + d["manifest_bytes"])'
}

make_cpio
rm -rf "$work/repo" "$work/keys"
"$tool" init "$work/repo" --keys "$work/keys" --kdf small --quiet
whole=$(($(zstd -9 -q -c "$kernel" | wc -c) + $(zstd -9 -q -c "$work/data.cpio" | wc -c)))
echo "kernel $(stat -c %s "$kernel"), cpio $(stat -c %s "$work/data.cpio"), both whole with zstd -9: $whole bytes"
printf '%-16s' 'chunk size'
for level in $levels; do
	printf '%16s' "-$level"
done
echo
for size in $sizes; do
	printf '%-16s' "$size"
	for level in $levels; do
		python3 -c 'import sys; print(f"{int(sys.argv[1]) / int(sys.argv[2]):16.2f}", end="", flush=True)' \
			"$(bodies "$size" "$level")" "$whole"
	done
	echo
done
