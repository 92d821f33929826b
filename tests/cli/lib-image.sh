# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Makes what images are made of: kernels and initramfs archives. Sourced after lib.sh.
# shellcheck disable=SC2154  # dir, repo and keys are set by lib.sh

# make_kernel FILE [--arch x86_64|aarch64] [--stub MAJOR] [--protocol HEX] [--section NAME] [--bytes N]:
# the smallest thing that passes for a Linux kernel with EFI stub.
make_kernel() {
	python3 - "$@" <<'PYTHON'
import argparse
import random
import struct

HEADER_LEN = 1024

parser = argparse.ArgumentParser(add_help=False)
parser.add_argument("file")
parser.add_argument("--arch", default="x86_64")
parser.add_argument("--stub", type=int, default=1)
parser.add_argument("--protocol", type=lambda s: int(s, 16), default=0x20F)
parser.add_argument("--section", default=".text")
parser.add_argument("--bytes", type=int, default=300000)
arguments = parser.parse_args()

machine = {"x86_64": 0x8664, "aarch64": 0xAA64}[arguments.arch]
code_len = (arguments.bytes + 511) // 512 * 512
head = bytearray(HEADER_LEN)
head[0:2] = b"MZ"
struct.pack_into("<I", head, 0x3C, 0x240)
if arguments.arch == "x86_64":
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x206, arguments.protocol)
coff = b"PE\0\0" + struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, 240, 0x22)
optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, code_len, 0, 0, 4096, 4096)
optional += struct.pack("<QIIHHHHHHIIIIHHQQQQII", 0x140000000, 4096, 512, 0, 0, arguments.stub, 1, 0, 0, 0,
                        4096 + (code_len + 4095) // 4096 * 4096, HEADER_LEN, 0, 10, 0, 0, 0, 0, 0, 0, 16)
optional += bytes(128)
section = struct.pack("<8sIIIIIIHHI", arguments.section.encode(), code_len, 4096, code_len, HEADER_LEN,
                      0, 0, 0, 0, 0x60000020)
header = coff + optional + section
head[0x240:0x240 + len(header)] = header
assert len(head) == HEADER_LEN
with open(arguments.file, "wb") as file:
    file.write(head)
    file.write(random.Random(7).randbytes(code_len))
PYTHON
}

# make_cpio FILE NAME...: a newc archive of small files with these names.
make_cpio() {
	local file=$1 name
	shift
	rm -rf "$dir/tree"
	mkdir "$dir/tree"
	for name in "$@"; do
		seq "${#name}" 3000 >"$dir/tree/$name"
	done
	(cd "$dir/tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc) >"$file"
}

# make_inputs: a repository, a kernel, and an initramfs plain and compressed.
make_inputs() {
	make_realm
	make_kernel "$dir/vmlinuz"
	make_cpio "$dir/initrd" init one two
	gzip -c "$dir/initrd" >"$dir/initrd.gz"
}

# publish NAME [OPTION...]
publish() {
	chunkboot publish "$repo" "$1" --keys "$keys" --kernel "$dir/vmlinuz" "${@:2}"
}
