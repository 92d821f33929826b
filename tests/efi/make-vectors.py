#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a C table (tests/efi/vectors.h) of Wycheproof's files, for the self-test that runs on UEFI.

usage: tests/efi/make-vectors.py DIR OUT

DIR holds wycheproof/*.json; without them the table is empty. OUT is only written when it changes.
"""

import json
import os
import sys

FILES = (
    ("ANSWER_ED25519", "ed25519_test.json"),
    ("ANSWER_XCHACHA20_POLY1305", "xchacha20_poly1305_test.json"),
)


def fields(kind, group, test):
    """key, nonce, aad, msg, sealed"""
    if kind == "ANSWER_ED25519":
        words = (group["publicKey"]["pk"], "", "", test["msg"], test["sig"])
    else:
        words = (test["key"], test["iv"], test["aad"], test["msg"], test["ct"] + test["tag"])
    return [bytes.fromhex(word) for word in words]


def span(blob, data):
    """Appends data to the blob; the initialiser of its span."""
    at = len(blob)
    blob += data
    return f"{{ blob + {at}, {len(data)} }}"


def rows(directory, blob):
    for kind, name in FILES:
        path = os.path.join(directory, "wycheproof", name)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        for group in document["testGroups"]:
            for test in group["tests"]:
                if test["result"] not in ("valid", "invalid"):
                    sys.exit(f"{path}: vector {test['tcId']}: {test['result']} wants a decision")
                spans = ", ".join(span(blob, data) for data in fields(kind, group, test))
                valid = "true" if test["result"] == "valid" else "false"
                yield f"\t{{ {test['tcId']}, {kind}, {valid}, {spans} }},"


def text(directory):
    blob = bytearray()
    table = list(rows(directory, blob))
    blob = blob or bytearray(1)
    lines = ["/* SPDX-License-Identifier: MIT */", "/* Made by tests/efi/make-vectors.py. */", '#include "vectors.h"', ""]
    lines.append("static const uint8_t blob[] = {")
    for at in range(0, len(blob), 16):
        lines.append("\t" + " ".join(f"{byte}," for byte in blob[at:at + 16]))
    lines.append("};")
    lines.append(f"const unsigned n_vectors = {len(table)};")
    # C has no empty arrays
    lines.append("const struct answer_vector vectors[] = {")
    lines.extend(table or ["\t{ 0 },"])
    lines.append("};")
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    new = text(sys.argv[1])
    if os.path.exists(sys.argv[2]):
        with open(sys.argv[2], encoding="utf-8") as file:
            if file.read() == new:
                return
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(new)


main()
