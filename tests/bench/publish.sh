#!/bin/bash
# SPDX-License-Identifier: MIT
# Times "chunkboot publish" of MIB (default 1024) MiB of real files against "casync make" of the same bytes with the
# same chunk size: RUNS (default 3) of each in turn, each into an empty store, wall clock and processor seconds.
set -euo pipefail
tool=$CB_BUILD/chunkboot
kernel=$CB_BUILD/images/minimal/vmlinuz
work=$CB_BUILD/bench/publish
mib=${MIB:-1024}
runs=${RUNS:-3}
mkdir -p "$work"

# Every fifth regular file of /usr, in order of name, over and over until it is enough.
make_data() {
	find /usr -xdev -type f -links 1 | LC_ALL=C sort | awk 'NR % 5 == 0' >"$work/files"
	: >"$work/data"
	while (($(stat -c %s "$work/data") < mib * 1048576)); do
		xargs -d '\n' cat <"$work/files" >>"$work/data"
	done
	truncate -s $((mib * 1048576)) "$work/data"
}

# timed COMMAND...: wall and processor seconds on one line.
timed() {
	sync
	/usr/bin/time -f '%e %U %S' -o "$work/time" "$@" >/dev/null
	awk '{ printf "%s %.1f\n", $1, $2 + $3 }' "$work/time"
}

make_data
: >"$work/ours"
: >"$work/casync"
for ((i = 0; i < runs; i++)); do
	rm -rf "$work/repo" "$work/keys" "$work/store.castr"
	"$tool" init "$work/repo" --keys "$work/keys" --kdf small --quiet
	timed "$tool" publish "$work/repo" data --keys "$work/keys" --kernel "$kernel" --initrd "$work/data" --exact --quiet >>"$work/ours"
	(cd "$work" && timed casync make --store=store.castr --chunk-size=65536:262144:1048576 data.caibx data) >>"$work/casync"
done
for what in ours casync; do
	printf '%-8s median of %d: %s s wall, %s s processor; runs:%s\n' "$what" "$runs" \
		"$(sort -n "$work/$what" | awk -v n="$runs" 'NR == int((n + 1) / 2) { print $1 }')" \
		"$(sort -n -k2 "$work/$what" | awk -v n="$runs" 'NR == int((n + 1) / 2) { print $2 }')" \
		"$(awk '{ printf " %s/%s", $1, $2 }' "$work/$what")"
done
printf 'stored: %s MiB against %s MiB\n' "$(du -sm "$work/repo/store.castr" | cut -f1)" "$(du -sm "$work/store.castr" | cut -f1)"
rm -rf "$work"
