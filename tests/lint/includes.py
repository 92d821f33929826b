#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each part of the tree includes only what the part rule (docs/ARCHITECTURE.md) lets it know."""

import os
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
FREESTANDING = {"stddef.h", "stdint.h", "stdbool.h", "stdarg.h", "stdalign.h", "stdnoreturn.h", "limits.h",
                "string.h", "assert.h"}
CRYPTO = {"sodium.h", "zstd.h", "zstd_errors.h", "bearssl.h"}
PROCESSOR = {"cpuid.h", "immintrin.h", "x86intrin.h", "emmintrin.h", "wmmintrin.h"}

# Part -> parts it may include from; system headers it may include (None: any).
RULES = {
    "chunkboot/core": ({"chunkboot/core"}, FREESTANDING | CRYPTO | PROCESSOR),
    "chunkboot/net": ({"chunkboot/core", "chunkboot/net", "lwip"}, FREESTANDING | CRYPTO | {"errno.h", "sys/types.h"}),
    "chunkboot/host": ({"chunkboot/core", "chunkboot/host"}, None),
    "chunkboot/cmd": ({"chunkboot/core", "chunkboot/host", "chunkboot/cmd"}, None),
    "efi": ({"chunkboot/core", "chunkboot/net", "efi", "lwip"}, None),
    "tests/sim": ({"chunkboot/core", "chunkboot/net", "tests/sim", "tests/unit", "lwip"}, None),
}
HOSTED = {"sys/socket.h", "unistd.h", "pthread.h", "poll.h", "fcntl.h", "microhttpd.h", "jansson.h", "archive.h"}


def part_of(path):
    return next((part for part in RULES if path.startswith(part + "/")), None)


def target_of(includer, name):
    """The part that a quoted include leads to."""
    if name.startswith(("lwip/", "netif/")):
        return "lwip"
    if name == "build-info.h":
        return "generated"
    for base in ("chunkboot", os.path.dirname(includer), "efi", "tests/unit", "tests/sim", "tests", "."):
        path = os.path.normpath(os.path.join(base, name))
        if os.path.exists(path):
            return part_of(path) or os.path.dirname(path)
    return None


def problem(path, kind, name):
    """Why this include is wrong, or None."""
    part = part_of(path)
    parts, system = RULES[part]
    if kind == '"':
        target = target_of(path, name)
        if target is None:
            return "no such file in the tree"
        if target == "generated":
            return "the core knows no version or date" if part == "chunkboot/core" else None
        return None if target in parts else f"{part} may not know {target}"
    if name.startswith(("lwip/", "netif/", "arch/")):
        return None if "lwip" in parts else f"{part} may not know lwIP"
    if system is not None and name not in system and not name.startswith("sodium/"):
        return f"{part} may not include this system header"
    if part == "efi" and not path.startswith("efi/libc/") and name in HOSTED:
        return "not there under UEFI"
    return None


def main():
    listing = subprocess.run(["tests/lint/files", "*.c", "*.h"], check=True, capture_output=True, text=True)
    status = 0
    for path in listing.stdout.split():
        if not part_of(path):
            continue
        with open(path, encoding="utf-8") as file:
            for kind, name in INCLUDE.findall(file.read()):
                why = problem(path, kind, name)
                if why:
                    print(f"{path}: {name}: {why}")
                    status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
