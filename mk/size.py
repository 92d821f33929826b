#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints how many bytes of the loader come from each library and each part of our own code.

usage: mk/size.py FILE.efi FILE.map LIBRARY.a...        FILE.map is from lld-link -lldmap
"""

import collections
import os
import re
import struct
import subprocess
import sys

LIMIT = 400 * 1024
# Address, size and alignment, then the input at column "In": path.o:(.section), a library's without a folder.
INPUT = re.compile(r"^[0-9a-f]{8} ([0-9a-f]{8}) +\d+ {9}(\S.*):\((\.\w+[^)]*)\)$")


def members(libraries):
    """Object file name -> library; a name that two of them have belongs to both."""
    owner = {}
    for path in libraries:
        name = re.sub(r"^lib|\.a$", "", os.path.basename(path))
        listing = subprocess.run(["llvm-ar", "t", path], check=True, capture_output=True, text=True)
        for member in set(listing.stdout.split()):
            owner[member] = owner[member] + " or " + name if member in owner else name
    return owner


def part(path, owner):
    """The library or the folder of ours that an input file belongs to."""
    if path in owner:
        return "lib " + owner[path]
    own = re.search(r"/((?:chunkboot|efi)(?:/[a-z_0-9]+)*)/[^/]+\.o", path)
    return "own " + own.group(1) if own else "other"


def sections(path):
    """Name, virtual size and raw size of each section of a PE file."""
    with open(path, "rb") as file:
        data = file.read()
    pe = struct.unpack_from("<I", data, 0x3C)[0]
    count, = struct.unpack_from("<H", data, pe + 6)
    table = pe + 24 + struct.unpack_from("<H", data, pe + 20)[0]
    for index in range(count):
        name, virtual, _, raw = struct.unpack_from("<8sIII", data, table + 40 * index)
        yield name.rstrip(b"\0").decode(), virtual, raw


def main():
    efi, lldmap, *libraries = sys.argv[1:]
    owner = members(libraries)
    totals = collections.defaultdict(lambda: [0, 0])
    with open(lldmap, encoding="utf-8") as file:
        for line in file:
            match = INPUT.match(line.rstrip())
            if match:
                is_zero = match.group(3).startswith(".bss")
                totals[part(match.group(2), owner)][is_zero] += int(match.group(1), 16)
    print(f"{'part':<24}{'in the file':>12}{'zeroed':>12}")
    for name, (stored, zero) in sorted(totals.items(), key=lambda item: -item[1][0]):
        print(f"{name:<24}{stored:>12,}{zero:>12,}")
    print()
    for name, virtual, raw in sections(efi):
        print(f"section {name:<16}{raw:>12,}{virtual - raw if virtual > raw else 0:>12,}")
    size = os.path.getsize(efi)
    print(f"{'whole file':<24}{size:>12,}   of {LIMIT:,} ({100 * size / LIMIT:.1f} %)")


if __name__ == "__main__":
    main()
