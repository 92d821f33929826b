#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks into and adds to the variables of a machine that is off (OVMF's flash file, edk2 VariableFormat.h).

usage: vars.py FILE list          NAME ATTRIBUTES LENGTH of each variable of chunkboot, by name
       vars.py FILE plant NAME    adds NAME, of 256 bytes, where the operating system could: NV|BS|RT
"""
import struct
import sys
import uuid

VENDOR = uuid.UUID("9b1f7c52-5e0a-4d3c-8a61-2f0c74d9e315").bytes_le
STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le  # gEfiAuthenticatedVariableGuid
HEADER = struct.Struct("<HBBIQ16sIII16s")
START, ADDED, IN_DELETION = 0x55AA, 0x3F, 0x3E
NV_BS_RT = 7


def align(offset):
    return (offset + 3) & ~3


def variables(flash):
    """Each variable that counts as (name, vendor, attributes, length); then (None, offset of the free room)."""
    header_len = struct.unpack_from("<H", flash, 48)[0]
    assert flash[40:44] == b"_FVH" and flash[header_len:header_len + 16] == STORE, "no variable store"
    offset = align(header_len + 28)
    while struct.unpack_from("<H", flash, offset)[0] == START:
        _, state, _, attributes, _, _, _, name_len, data_len, vendor = HEADER.unpack_from(flash, offset)
        name = flash[offset + HEADER.size:offset + HEADER.size + name_len].decode("utf-16-le").rstrip("\0")
        if state in (ADDED, IN_DELETION):
            yield name, vendor, attributes, data_len
        offset = align(offset + HEADER.size + name_len + data_len)
    yield None, offset, 0, 0


def plant(flash, name):
    offset = [entry[1] for entry in variables(flash) if entry[0] is None][0]
    wide = (name + "\0").encode("utf-16-le")
    value = b"CBSTATE1" + bytes(248)
    header = HEADER.pack(START, ADDED, 0, NV_BS_RT, 0, bytes(16), 0, len(wide), len(value), VENDOR)
    entry = header + wide + value
    assert set(flash[offset:offset + len(entry)]) == {0xFF}, "the store is full"
    flash[offset:offset + len(entry)] = entry


def main(path, verb, name=None):
    with open(path, "r+b") as file:
        flash = bytearray(file.read())
        if verb == "plant":
            plant(flash, name)
            file.seek(0)
            file.write(flash)
            return
    for entry in sorted(entry for entry in variables(flash) if entry[0] and entry[1] == VENDOR):
        print(entry[0], entry[2], entry[3])


main(*sys.argv[1:])
