#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What tests/bench/update.sh measured.

usage: update_table.py --ours DIR WORDS      from fetched-old and fetched-new in DIR: writes DIR/ours-N.json
       update_table.py --pair DIR            what differs between old.cpio and new.cpio, all figures: DIR/result.json
       update_table.py --table WORK NAME...  prints the tables of these pairs, writes WORK/update.json
"""
import glob
import hashlib
import json
import os
import struct
import subprocess
import sys

MANIFEST_HEADER, MANIFEST_SEGMENT, MANIFEST_CHUNK = 64, 64, 72
METADATA_MAX = 65536  # bytes of it that an update fetches
LARGEST = 8  # files that are named
NAMES = {"casync_blob_bytes": "casync, cpio", "casync_tree_bytes": "casync, tree", "zsync_bytes": "zsync, cpio",
         "zsync_gz_bytes": "zsync, gzip", "delta_bytes": "zstd delta", "changed_stored_bytes": "files"}
LEGEND = """MB (10^6 bytes) that a client with the old image fetches; % of the bytes that the new image is stored in.
ours: HTTP bodies, metadata and manifest included, at the first chunk size. casync: new chunks and the index, same chunk
size, of the cpio and of the directory. zsync: HTTP bodies, of the cpio and of its gzip. zstd delta: --patch-from -9
between just these two archives. files: those that are new or have other content, together through zstd -9.
"""


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def save(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)


def chunks(path):
    """(digest, stored bytes, raw bytes) of each chunk in a manifest."""
    with open(path, "rb") as file:
        data = file.read()
    n_segments, n_chunks = struct.unpack_from("<HI", data, 14)
    at = MANIFEST_HEADER + n_segments * MANIFEST_SEGMENT
    for i in range(n_chunks):
        yield struct.unpack_from("<32x32sII", data, at + i * MANIFEST_CHUNK)


def ours(directory, words):
    old, new = (list(chunks(os.path.join(directory, f"fetched-{of}", "manifest.cbm"))) for of in ("old", "new"))
    known = {digest for digest, _, _ in old}
    fetched = {c for c in new if c[0] not in known}
    manifest = os.path.getsize(os.path.join(directory, "fetched-new", "manifest.cbm"))
    body = load(os.path.join(directory, "fetched-new.json"))["body_bytes"]
    result = {
        "published_with": words, "update_bytes": body, "manifest_bytes": manifest,
        "stored_bytes": sum(c[1] for c in set(new)), "chunks": len(new), "new_chunks": len(fetched),
        "new_stored_bytes": sum(c[1] for c in fetched), "new_raw_bytes": sum(c[2] for c in fetched),
        "first_boot_bytes": load(os.path.join(directory, "fetched-old.json"))["body_bytes"],
    }
    # A chunk that is in the image twice may be asked for before it has come the first time.
    result["repeated_bytes"] = sum(c[1] for c in new if c[0] not in known) - result["new_stored_bytes"]
    rest = body - manifest - result["new_stored_bytes"]
    if not 0 <= rest < METADATA_MAX + result["repeated_bytes"]:
        sys.exit(f"{directory}: {body} bytes fetched, {manifest} of manifest, {result['new_stored_bytes']} of chunks: "
                 "not what should be missing")
    number = len(glob.glob(os.path.join(glob.escape(directory), "ours-*.json"))) + 1
    save(os.path.join(directory, f"ours-{number}.json"), result)
    print(f"  {words}: {body / 1e6:.2f} MB, {100 * body / result['stored_bytes']:.2f} %", flush=True)


def archive(path):
    """name: (header without inode and devices, length, digest of the content, content's place) of a newc archive."""
    entries = {}
    with open(path, "rb") as file:
        while True:
            header = file.read(110)
            fields = [int(header[6 + 8 * i:14 + 8 * i], 16) for i in range(13)]
            name = file.read((fields[11] + 110 + 3 & ~3) - 110)[:fields[11] - 1].decode()
            if name == "TRAILER!!!":
                return entries
            at, content = file.tell(), file.read(fields[6])
            file.seek(-fields[6] & 3, os.SEEK_CUR)
            entries[name] = (fields[1:6], fields[6], hashlib.sha256(content).digest(), at)


def compressed(path, places):
    """Bytes of these parts of the file, all in one through zstd -9."""
    with open(path, "rb") as file, subprocess.Popen(
            ["zstd", "-q", "-9", "-c"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as zstd:
        data = b""
        for at, length in places:
            file.seek(at)
            data += file.read(length)
        return len(zstd.communicate(data)[0])


def difference(directory):
    old, new = (archive(os.path.join(directory, of + ".cpio")) for of in ("old", "new"))
    changed = {n: e for n, e in new.items() if n not in old or old[n][2] != e[2]}
    headers = [n for n, e in new.items() if n in old and n not in changed and old[n][0] != e[0]]
    largest = sorted(changed, key=lambda n: -changed[n][1])[:LARGEST]
    return {
        "cpio_bytes": os.path.getsize(os.path.join(directory, "new.cpio")), "entries": len(new),
        "removed_entries": len(old.keys() - new.keys()), "changed_entries": len(changed),
        "changed_bytes": sum(e[1] for e in changed.values()), "changed_headers_only": len(headers),
        "changed_stored_bytes": compressed(
            os.path.join(directory, "new.cpio"), [(e[3], e[1]) for e in changed.values()]),
        "largest_changed": [[n, changed[n][1]] for n in largest],
        "same_kernel": open_bytes(directory, "old.kernel") == open_bytes(directory, "new.kernel"),
    }


def lines(directory, name):
    with open(os.path.join(directory, name), encoding="utf-8") as file:
        return file.read().splitlines()


def open_bytes(directory, name):
    with open(os.path.join(directory, name), "rb") as file:
        return file.read()


def pair(directory):
    result = {"difference": difference(directory)}
    result["upgraded"] = [line.split() for line in lines(directory, "upgraded")]
    result["others"] = {name: int(value) for name, value in map(str.split, lines(directory, "figures"))}
    result["others"]["changed_stored_bytes"] = result["difference"]["changed_stored_bytes"]
    result["ours"] = [load(path) for path in sorted(glob.glob(os.path.join(glob.escape(directory), "ours-*.json")))]
    result["suites"] = lines(directory, "suites")
    save(os.path.join(directory, "result.json"), result)


def cell(value, whole):
    return f"{value / 1e6:9.2f} {100 * value / whole:5.1f} %"


def describe(name, result):
    d, upgraded = result["difference"], result["upgraded"]
    what = ", ".join(" ".join((n, old, "->", new)) for n, old, new in upgraded[:3])
    print(f"{name}: {what}" + (f" and {len(upgraded) - 3} more packages" if len(upgraded) > 3 else "")
          + f" ({', '.join(result['suites'])})")
    print(f"  {d['cpio_bytes'] / 1048576:.0f} MiB; {d['changed_bytes'] / 1048576:.1f} MiB in {d['changed_entries']} files are "
          f"new or other ({100 * d['changed_bytes'] / d['cpio_bytes']:.1f} %), of {d['changed_headers_only']} entries the "
          f"header alone, {d['removed_entries']} went; kernel: {'the same' if d['same_kernel'] else 'another'}")
    print("  " + ", ".join(f"{os.path.basename(n)} {size / 1e6:.1f}" for n, size in d["largest_changed"] if size > 5e5))


def table(work, names):
    results = {name: load(os.path.join(work, name, "result.json")) for name in names}
    conditions = lines(work, "conditions")
    print("\n" + "\n".join(conditions) + "\n")
    for name, result in results.items():
        describe(name, result)
    print("\n" + LEGEND)
    print(f"{'':16}{'ours':>17}" + "".join(f"{name:>17}" for name in NAMES.values()))
    for name, result in results.items():
        mine = result["ours"][0]
        whole = mine["stored_bytes"]
        print(f"{name:16}  {cell(mine['update_bytes'], whole)}"
              + "".join("  " + cell(result["others"][key], whole) for key in NAMES))
    print(f"\n{'published with':52}{'update':>17}{'of it manifest':>17}{'first boot':>17}  raw bytes in new chunks")
    for name, result in results.items():
        whole = result["ours"][0]["stored_bytes"]
        for o in result["ours"]:
            print(f"{name:16}{o['published_with']:36}  {cell(o['update_bytes'], whole)}  {cell(o['manifest_bytes'], whole)}  "
                  f"{cell(o['first_boot_bytes'], whole)}  {o['new_raw_bytes'] / 1e6:.1f} MB in {o['new_chunks']} of {o['chunks']}")
    save(os.path.join(work, "update.json"), {"conditions": conditions, "pairs": results})


def main(words):
    {"--ours": ours, "--pair": pair, "--table": lambda work, *names: table(work, names)}[words[0]](*words[1:])


main(sys.argv[1:])
