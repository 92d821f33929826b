#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Medians of the runs of tests/bench/peers.sh.

usage: peer_table.py DIR PROFILE...     prints a table for each, and writes DIR/peers.json
       peer_table.py --line PROFILE PEER RESULT.json
"""
import glob
import json
import os
import statistics
import sys

COLUMNS = (("goodput_mb_s", "MB/s", 2), ("t0_request_s", "T0", 1), ("t1_first_byte_s", "T1", 1), ("t_end_s", "end", 1),
           ("t2_kernel_s", "T2", 1), ("t3_userspace_s", "T3", 1), ("t0_to_t3_s", "T0-T3", 1), ("sent_mb", "wire MB", 1),
           ("up_mb", "up MB", 2), ("dropped", "dropped", 0), ("connections", "conns", 0))
LEGEND = """Medians. MB/s: HTTP payload from the first request for the kernel (T0) to the last byte (end; both to 0.05 s).
T1: first byte, T2: kernel's first line, T3: userspace, seconds from power-on. wire: frames that the server's
side put onto the line between T0 and end; up: the same of the machine. dropped: frames in both directions. ours-cached has
all of the image in a cache: T0 is its request for the metadata.
"""


def load(path):
    with open(path, encoding="utf-8") as file:
        r = json.load(file)
    if r.get("t3_userspace_s"):
        r["t0_to_t3_s"] = r["t3_userspace_s"] - r["t0_request_s"]
    r["sent_mb"], r["up_mb"] = r["sent_down_bytes"] / 1e6, r["up_bytes"] / 1e6
    r["dropped"] = sum(r["dropped_down"].values()) + sum(r["dropped_up"].values())
    return r


def cells(row):
    return [f"{row[key]:.{digits}f}" if row.get(key) is not None else "-" for key, _, digits in COLUMNS]


def median(results):
    row = {}
    for key, _, _ in COLUMNS:
        values = [r[key] for r in results if r.get(key) is not None]
        row[key] = statistics.median(values) if values else None
    row["spread_mb_s"] = [min(r["goodput_mb_s"] for r in results), max(r["goodput_mb_s"] for r in results)]
    row["outcomes"] = [r["outcome"] for r in results]
    row["estimates"] = sum(r["payload_is_of_the_line"] for r in results)
    row["runs"] = len(results)
    return row


def notes(row):
    text = "{:.2f}-{:.2f}".format(*row["spread_mb_s"])
    unfinished = [o for o in row["outcomes"] if o != "up"]
    if unfinished:
        text += f", {len(unfinished)} of {row['runs']} did not finish (got to: {', '.join(unfinished)})"
    if row["estimates"]:
        text += f", {row['estimates']} estimated from the line"
    return text


def table(directory, profile):
    rows = {}
    for folder in sorted(glob.glob(os.path.join(directory, profile, "*-[0-9]*"))):
        peer = os.path.basename(folder).rsplit("-", 1)[0]
        try:
            rows.setdefault(peer, []).append(load(os.path.join(folder, "result.json")))
        except (OSError, ValueError):
            print(f"{folder}: no result")
    for peer, results in rows.items():
        if any(r["dropped_before_line"] for r in results):
            print(f"{peer}: the kernel dropped frames in front of the line: not to be trusted")
        for r in results:
            if r["congestion"] != ["cubic"] and r["down_bytes"] > 0:
                sys.exit(f"{profile}, {peer}: congestion control {r['congestion']} instead of cubic")
    medians = {peer: median(results) for peer, results in rows.items()}
    print(f"== {profile} ==")
    print(f"{'':16}" + "".join(f"{name:>9}" for _, name, _ in COLUMNS) + "  MB/s of each run")
    for peer, row in medians.items():
        print(f"{peer:16}" + "".join(f"{cell:>9}" for cell in cells(row)) + f"  {notes(row)}")
    return {"median": medians, "runs": rows}


def main(words):
    if words[0] == "--line":
        r = load(words[3])
        print(words[1], words[2], r["outcome"], *(f"{n}={c}" for (_, n, _), c in zip(COLUMNS, cells(r))), flush=True)
        return
    print(LEGEND)
    result = {profile: table(words[0], profile) for profile in words[1:]}
    with open(os.path.join(words[0], "peers.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)


main(sys.argv[1:])
