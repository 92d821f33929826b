#!/bin/bash
# SPDX-License-Identifier: MIT
# One file added to an initramfs of 7,000 files makes at most 0.5 % of the stored bytes new, thanks to normalised
# headers: with --exact, where each inode number after the new file shifts, it is most of them.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-image.sh"

# make_archive FILE EXTRA: 7,000 files, inode numbers in sequence as mkinitramfs has them; EXTRA=1 adds one near
# the start, two bytes long.
make_archive() {
	python3 - "$@" <<'PYTHON'
import random, sys

FILES, SIZE = 7000, 28000
# each byte one of 64: compresses to three quarters
letters = bytes(64 + i % 64 for i in range(256))

def entry(ino, name, mode, data):
    name = name.encode() + b"\0"
    fields = (ino, mode, 0, 0, 1, 1700000000, len(data), 8, 1, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)

source, ino = random.Random(11), 1
with open(sys.argv[1], "wb") as out:
    for i in range(FILES):
        if i == 100 and sys.argv[2] == "1":
            out.write(entry(ino, "etc/new", 0o100644, b"x\n"))
            ino += 1
        out.write(entry(ino, f"usr/lib/file-{i:05}", 0o100644, source.randbytes(SIZE).translate(letters)))
        ino += 1
    out.write(entry(0, "TRAILER!!!", 0, b""))
PYTHON
}

# new_per_mille NAME [OPTION...]: publishes both archives; new stored bytes of the second in thousandths.
new_per_mille() {
	publish "$1" --initrd "$dir/before" --quiet "${@:2}"
	publish "$1" --initrd "$dir/after" --json "${@:2}" >"$dir/out"
	json "$dir/out" 'round(1000 * d["new_bytes"] / d["stored_bytes"], 2)'
}

test_one_added_file() {
	make_realm
	make_kernel "$dir/vmlinuz"
	make_archive "$dir/before" 0
	make_archive "$dir/after" 1
	normal=$(new_per_mille normal)
	exact=$(new_per_mille exact --exact)
	echo "one file added: $normal per mille of the stored bytes are new, $exact with --exact"
	assert_equal True "$(python3 -c "print(0 < $normal <= 5)")" "new per mille $normal"
	assert_equal True "$(python3 -c "print($exact >= 300)")" "new per mille with --exact $exact"
}

run_tests "$@"
