#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The loader's PE file is laid out as firmware with memory protection wants it, and small enough."""

import os
import struct
import sys

SIZE_LIMIT = 400 * 1024
PAGE = 4096
EXECUTE, WRITE = 0x20000000, 0x80000000
HIGH_ENTROPY, DYNAMIC_BASE, NX_COMPAT = 0x20, 0x40, 0x100
RELOCS_STRIPPED = 0x1
EFI_APPLICATION = 10
RELOC_DIRECTORY = 5


def problems(data):
    pe, = struct.unpack_from("<I", data, 0x3C)
    if data[:2] != b"MZ" or data[pe:pe + 4] != b"PE\0\0":
        yield "not a PE file"
        return
    n_sections, = struct.unpack_from("<H", data, pe + 6)
    optional_len, characteristics = struct.unpack_from("<HH", data, pe + 20)
    optional = pe + 24
    if struct.unpack_from("<H", data, optional)[0] != 0x20B:
        yield "not PE32+"
        return
    alignment, = struct.unpack_from("<I", data, optional + 32)
    subsystem, dll = struct.unpack_from("<HH", data, optional + 68)
    reloc_at, reloc_len = struct.unpack_from("<II", data, optional + 112 + 8 * RELOC_DIRECTORY)
    if len(data) > SIZE_LIMIT:
        yield f"{len(data):,} bytes, more than {SIZE_LIMIT:,}"
    if alignment != PAGE:
        yield f"section alignment {alignment}"
    if subsystem != EFI_APPLICATION:
        yield f"subsystem {subsystem}"
    if not dll & NX_COMPAT:
        yield "NX_COMPAT is not set"
    if not dll & DYNAMIC_BASE or characteristics & RELOCS_STRIPPED or not reloc_at or not reloc_len:
        yield "not relocatable"
    for index in range(n_sections):
        at = optional + optional_len + 40 * index
        name = data[at:at + 8].rstrip(b"\0").decode()
        address, = struct.unpack_from("<I", data, at + 12)
        flags, = struct.unpack_from("<I", data, at + 36)
        if flags & EXECUTE and flags & WRITE:
            yield f"section {name} is writable and executable"
        if address % PAGE:
            yield f"section {name} does not start on a page"


def main():
    path = os.path.join(os.environ.get("CB_BUILD", "build"), "chunkboot-x86_64.efi")
    if not os.path.exists(path):
        print("there is no loader yet")
        return 77
    with open(path, "rb") as file:
        found = list(problems(file.read()))
    for problem in found:
        print(f"{path}: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
