#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks for the secrets of a sign-in in a machine's memory.

usage: secrets.py REPO ACCOUNT PASSPHRASE DUMP...

The keys are derived here as docs/FORMATS-record.md says, from what REPO holds; that the account's record lies where they
say, and opens, proves them right. Prints a line "DUMP NAME N" for each dump and each secret that is in it N times.
"""
import ctypes
import ctypes.util
import glob
import hashlib
import json
import mmap
import sys

PIECE = 16  # of a key; so many bytes are enough to know it by
ARGON2ID_13 = 2

sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))


def argon2id(passphrase, salt, passes, kib):
    key = ctypes.create_string_buffer(64)
    if sodium.crypto_pwhash(key, ctypes.c_ulonglong(64), passphrase, ctypes.c_ulonglong(len(passphrase)), salt,
                            ctypes.c_ulonglong(passes), ctypes.c_size_t(kib * 1024), ARGON2ID_13) != 0:
        sys.exit("out of memory")
    return key.raw


def opened(sealed, data, nonce, key):
    out = ctypes.create_string_buffer(len(sealed) - 16)
    if sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(out, None, None, sealed, ctypes.c_ulonglong(len(sealed)), data,
                                                         ctypes.c_ulonglong(len(data)), nonce, key) != 0:
        sys.exit("the record does not open")
    return out.raw


def keyed(key, data, length):
    return hashlib.blake2b(data, key=key, digest_size=length).digest()


def signed(path):
    return json.load(open(path))["signed"]


def keys_of(repo, account, passphrase):
    root = json.dumps(signed(f"{repo}/metadata/1.root.json"), sort_keys=True, separators=(",", ":"))
    realm_id = hashlib.sha256(root.encode()).digest()
    targets = max((signed(path) for path in glob.glob(f"{repo}/metadata/*.targets.json")), key=lambda t: t["version"])
    kdf = targets["x-chunkboot"]["kdf"][0]
    salt = hashlib.blake2b(b"cb1/salt" + realm_id + bytes([len(account)]) + account, digest_size=16).digest()
    k0 = argon2id(passphrase, salt, kdf["t"], kdf["m_kib"])
    k = keyed(k0, b"cb1/factor", 64)
    locator, kek = keyed(k[:32], b"cb1/locator", 32), keyed(k[32:], b"cb1/kek", 32)
    name = locator.hex()
    record = open(f"{repo}/accounts/{name[:2]}/{name}", "rb").read()
    return {"K0": k0, "K": k, "KEK": kek, "RK": opened(record[104:152], locator, record[80:104], kek)}


def spread(text, stride):
    """The text with stride - 1 bytes of zero behind each character."""
    return b"".join(bytes([c]) + bytes(stride - 1) for c in text)


def secrets_of(repo, account, passphrase):
    secrets = {"passphrase": [passphrase], "passphrase-UCS-2": [spread(passphrase, 2)], "passphrase-keys": [spread(passphrase, 4)]}
    for name, key in keys_of(repo, account, passphrase).items():
        secrets[name] = [key[at:at + PIECE] for at in range(0, len(key), PIECE)]
    return secrets


def count(memory, piece):
    n, at = 0, memory.find(piece)
    while at >= 0:
        n, at = n + 1, memory.find(piece, at + 1)
    return n


def main(repo, account, passphrase, *dumps):
    secrets = secrets_of(repo, account.encode(), passphrase.encode())
    for dump in dumps:
        with open(dump, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
            for name, pieces in secrets.items():
                n = max(count(memory, piece) for piece in pieces)
                if n:
                    print(dump.rsplit("/", 1)[-1], name, n)


if __name__ == "__main__":
    main(*sys.argv[1:])
