#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a C table (tests/efi/vectors.h) of Wycheproof's files, for Linux and for UEFI.

usage: tests/efi/make-vectors.py DIR OUT

DIR holds wycheproof/*.json; a file that is missing leaves its part empty. OUT is only written when
it changes.
"""

import json
import os
import sys

FILES = (
    ("ANSWER_ED25519", "ed25519_test.json"),
    ("ANSWER_XCHACHA20_POLY1305", "xchacha20_poly1305_test.json"),
    ("ANSWER_AES_GCM", "aes_gcm_test.json"),
    ("ANSWER_CHACHA20_POLY1305", "chacha20_poly1305_test.json"),
    ("ANSWER_HMAC_SHA256", "hmac_sha256_test.json"),
    ("ANSWER_X25519", "x25519_test.json"),
    ("ANSWER_ECDH_P256", "ecdh_secp256r1_ecpoint_test.json"),
    ("ANSWER_ECDH_P256_SPKI", "ecdh_secp256r1_test.json"),
    ("ANSWER_ECDSA_P256", "ecdsa_secp256r1_sha256_test.json"),
    ("ANSWER_ECDSA_P256_RAW", "ecdsa_secp256r1_sha256_p1363_test.json"),
    ("ANSWER_ECDSA_P384", "ecdsa_secp384r1_sha384_test.json"),
    ("ANSWER_ECDSA_P384_RAW", "ecdsa_secp384r1_sha384_p1363_test.json"),
    ("ANSWER_RSA_2048", "rsa_signature_2048_sha256_test.json"),
    ("ANSWER_RSA_3072", "rsa_signature_3072_sha256_test.json"),
    ("ANSWER_RSA_4096", "rsa_signature_4096_sha256_test.json"),
    ("ANSWER_RSA_4096_SHA512", "rsa_signature_4096_sha512_test.json"),
)
RESULTS = {"valid": "ANSWER_VALID", "invalid": "ANSWER_INVALID", "acceptable": "ANSWER_ACCEPTABLE"}


def fields(group, test):
    """key, nonce (of RSA: the exponent), aad, msg, sealed: by what the file has"""
    public = group.get("publicKey", {})
    if "pk" in public:
        words = (public["pk"], "", "", test["msg"], test["sig"])
    elif "uncompressed" in public:
        words = (public["uncompressed"], "", "", test["msg"], test["sig"])
    elif "modulus" in public:
        words = (public["modulus"], public["publicExponent"], "", test["msg"], test["sig"])
    elif "private" in test:
        words = (test["private"], "", "", test["public"], test["shared"])
    elif "iv" in test:
        words = (test["key"], test["iv"], test["aad"], test["msg"], test["ct"] + test["tag"])
    else:
        words = (test["key"], "", "", test["msg"], test["tag"])
    return [bytes.fromhex(word) for word in words]


def span(blob, data):
    """Appends data to the blob; the initialiser of its span."""
    if not data:
        return "{ blob, 0 }"
    at = blob.find(data) if len(data) > 8 else -1
    if at < 0:
        at = len(blob)
        blob += data
    return f"{{ blob + {at}, {len(data)} }}"


def rows(directory, blob, counts):
    for kind, name in FILES:
        path = os.path.join(directory, "wycheproof", name)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        counts[kind] = document["numberOfTests"]
        for group in document["testGroups"]:
            for test in group["tests"]:
                spans = ", ".join(span(blob, data) for data in fields(group, test))
                flags = f'" {" ".join(test["flags"])} "'
                yield f'\t{{ {test["tcId"]}, {kind}, {RESULTS[test["result"]]}, {flags}, {spans} }},'


def text(directory):
    blob, counts = bytearray(), {}
    table = list(rows(directory, blob, counts))
    blob = blob or bytearray(1)
    lines = ["/* SPDX-License-Identifier: MIT */", "/* Made by tests/efi/make-vectors.py. */", '#include "vectors.h"', ""]
    lines.append("static const uint8_t blob[] = {")
    for at in range(0, len(blob), 32):
        lines.append("\t" + ",".join(map(str, blob[at:at + 32])) + ",")
    lines.append("};")
    lines.append("const unsigned n_vectors_of[ANSWER_FILES] = {")
    lines.extend(f"\t[{kind}] = {n}," for kind, n in counts.items() or [("0", 0)])
    lines.append("};")
    lines.append(f"const unsigned n_vectors = {len(table)};")
    # C has no empty arrays
    lines.append("const struct answer_vector vectors[] = {")
    lines.extend(table or ["\t{ .key = { blob, 0 } },"])
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
