#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One boot from a local disk, for tests/bench/local-disk.sh, and the table of all.

usage: disk_run.py DIR SECONDS QEMU...      writes DIR/console.log and DIR/result.json, prints a line
       disk_run.py --table WORK PEER...     medians of WORK/PEER-*/result.json; writes WORK/local-disk.json
"""
import glob
import json
import os
import statistics
import sys
import time

from console import watch

COLUMNS = (("loader_s", "loader"), ("kernel_s", "kernel"), ("userspace_s", "userspace"),
           ("loader_to_kernel_s", "load"), ("loader_to_userspace_s", "load+kernel"),
           ("known_to_userspace_s", "known+kernel"))
LEGEND = """Seconds, medians. loader, kernel, userspace: power-on until the firmware starts the loader, the kernel's first line,
and the first line of userspace; load: loader to kernel; load+kernel: loader to userspace; known+kernel: to userspace from
where the loader knows what to boot (ours: the account's key is derived, the network and the metadata were before), with
least and most.
"""


def seconds_until_known(console):
    """From the loader's start; 0 without our boot record."""
    with open(console, encoding="utf-8", errors="replace") as file:
        records = [line for line in file if line.startswith('{"type":"chunkboot-boot-record"')]
    return json.loads(records[-1])["stage_entered_ms"]["record"] / 1000 if records else 0


def run(directory, seconds, *command):
    start, console = time.time(), os.path.join(directory, "console.log")
    seen = watch(command, console, start + float(seconds))
    result = {f"{name}_s": round(at - start, 3) for name, at in seen.items()}
    for end in ("kernel", "userspace"):
        if "loader" in seen and end in seen:
            result[f"loader_to_{end}_s"] = round(seen[end] - seen["loader"], 3)
    if "loader_to_userspace_s" in result:
        result["known_to_userspace_s"] = round(result["loader_to_userspace_s"] - seconds_until_known(console), 3)
    with open(os.path.join(directory, "result.json"), "w", encoding="utf-8") as file:
        json.dump(result, file)
    print(os.path.basename(directory), json.dumps(result), flush=True)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def table(work, *peers):
    results = {peer: [load(path) for path in sorted(glob.glob(os.path.join(work, peer + "-[0-9]*", "result.json")))]
               for peer in peers}
    print("\n" + LEGEND + f"{'':20}" + "".join(f"{title:>13}" for _, title in COLUMNS))
    for peer, runs in results.items():
        up = [r for r in runs if "loader_to_userspace_s" in r]
        if not up:
            print(f"{peer:20} {'did not come up' if runs else 'not measured'}")
            continue
        total = [r["known_to_userspace_s"] for r in up]
        print(f"{peer:20}" + "".join(f"{statistics.median(r[key] for r in up):13.2f}" for key, _ in COLUMNS)
              + f"  {min(total):.2f}-{max(total):.2f}, {len(up)} of {len(runs)} came up")
    with open(os.path.join(work, "local-disk.json"), "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)


def main(words):
    if words[0] == "--table":
        table(*words[1:])
    else:
        run(*words)


main(sys.argv[1:])
