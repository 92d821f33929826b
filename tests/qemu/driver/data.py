#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes files that make a large initrd: always the same ones, which compress to about a third.

usage: data.py DIR MIB
"""
import hashlib
import os
import random
import sys

FILE_LEN = 8 << 20
PAGE_LEN = 4096
NOISE_LEN = 1200  # of each page; the rest repeats


def content(seed):
    noise = random.Random(seed)
    pages = []
    for page in range(FILE_LEN // PAGE_LEN):
        part = noise.randbytes(NOISE_LEN)
        pages.append((part * 4)[:PAGE_LEN])
    return b"".join(pages)


def main():
    folder, left = sys.argv[1], int(sys.argv[2]) << 20
    sums = []
    for number in range((left + FILE_LEN - 1) // FILE_LEN):
        # An odd length at the end, so that padding is met.
        data = content(number)[:left] if left >= FILE_LEN else content(number)[:left - 1]
        left -= FILE_LEN
        name = f"file{number:03}"
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
        sums.append(f"{hashlib.md5(data).hexdigest()}  {name}\n")
    with open(os.path.join(folder, "md5sums"), "w") as file:
        file.write("".join(sums))


main()
