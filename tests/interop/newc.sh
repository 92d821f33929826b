#!/bin/bash
# SPDX-License-Identifier: MIT
# A normalised archive of GNU cpio gives cpio, bsdtar and busybox the same tree, hard links and all.
set -euo pipefail

filter=$CB_BUILD/san/test_newc
[[ -x $filter ]] || { echo "$filter is not built"; exit 77; }
command -v cpio >/dev/null || { echo "no cpio"; exit 77; }

dir=$CB_TEST_TMP
mkdir -p "$dir/tree/d/e/f" "$dir/tree/d/g"
(
	cd "$dir/tree"
	echo one >d/first
	ln d/first d/second
	ln d/first d/e/third
	: >d/empty
	ln d/empty d/g/empty-too
	echo other >d/other
	ln d/other d/e/other-too
	echo solo >d/solo
	ln -s first d/soft
	mkfifo d/fifo
	chmod 700 d/e
)

# Paths with type, mode, size and link target; which regular files are one; what is in them.
describe() {
	(
		cd "$1"
		find . -printf '%p %y %m %l\n' | sort
		find . -type f -printf '%i %p %n %s\n' | sort -k 2 |
			awk '{ if (!($1 in group)) group[$1] = ++n; print group[$1], $2, $3, $4 }'
		find . -type f -exec sha256sum {} + | sort -k 2
	)
}

(cd "$dir/tree" && find . -mindepth 1 | sort | cpio -o -H newc --quiet) >"$dir/in.cpio"
"$filter" --normalise <"$dir/in.cpio" >"$dir/normal.cpio"
"$filter" --normalise <"$dir/normal.cpio" >"$dir/again.cpio"
cmp "$dir/again.cpio" "$dir/normal.cpio"
# An archive behind another one, as behind early microcode, is normalised by itself.
cat "$dir/in.cpio" "$dir/in.cpio" | "$filter" --normalise >"$dir/twice.cpio"
cat "$dir/normal.cpio" "$dir/normal.cpio" | cmp - "$dir/twice.cpio"

# The same tree elsewhere has other inode and device numbers, and the same archive.
cp -a "$dir/tree" "$dir/copy"
(cd "$dir/copy" && find . -mindepth 1 | sort | cpio -o -H newc --quiet) | "$filter" --normalise |
	cmp - "$dir/normal.cpio"

describe "$dir/tree" >"$dir/want"
unpack_cpio() { cpio -idm --quiet <"$1"; }
unpack_bsdtar() { bsdtar -xpf "$1"; }
unpack_busybox() { busybox cpio -idm <"$1"; }
status=0
for tool in cpio bsdtar busybox; do
	command -v "$tool" >/dev/null || { echo "skip newc.$tool not installed"; continue; }
	mkdir "$dir/$tool"
	if (cd "$dir/$tool" && "unpack_$tool" ../normal.cpio) && describe "$dir/$tool" | diff "$dir/want" -; then
		echo "ok newc.$tool"
	else
		echo "not ok newc.$tool"
		status=1
	fi
done
exit "$status"
