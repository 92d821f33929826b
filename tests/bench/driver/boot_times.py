#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a boot in QEMU and tells when what appeared on its console.

usage: boot_times.py RUNS COMMAND [ARG...]

COMMAND boots with its serial console on stdout ("chunkboot run --headless ..."). Prints one line a run and
the medians: seconds from the start of the command to the prompt and to Starting; from the passphrase's Enter
(or, unattended, from the first request) to the kernel's first line and to userspace; goodput while fetching.
"""

import json
import os
import statistics
import subprocess
import sys
import time

# Name -> text on the console that marks it. The first appearance counts.
MARKS = {
    "firmware": b"BdsDxe: starting",
    "loader": b"chunkboot 0.",
    "prompt": b"Account: ",
    "entered": b"Checking the passphrase",
    "fetch": b"Your environment",
    "start": b"Starting ",
    "kernel": b"Linux version",
    "userspace": b"chunkboot-minimal: up",
}


def watch(command):
    """Console text and mark -> seconds since the command was started."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text, seen = b"", {}
    while True:
        piece = os.read(child.stdout.fileno(), 65536)
        if not piece:
            break
        now = time.monotonic() - begin
        text += piece
        for name, mark in MARKS.items():
            if name not in seen and mark in text:
                seen[name] = now
    if child.wait() != 0 or "userspace" not in seen:
        sys.exit("boot_times.py: the boot failed:\n" + text.decode(errors="replace")[-3000:])
    return text, seen


def boot_record(text):
    at = text.rindex(b'{"type":"chunkboot-boot-record"')
    return json.loads(text[at:text.index(b"\n", at)])


def measure(command):
    text, seen = watch(command)
    record = boot_record(text)
    stages = record["stage_entered_ms"]
    body_bytes = sum(source["body_bytes"] for source in record["sources"])
    # With one environment the fetch begins with the menu, under its count-down.
    fetch_ms = stages["handover"] - stages.get("menu", stages["fetch"])
    figures = {
        "power_on_to_loader_s": seen["loader"],
        "fetch_s": fetch_ms / 1000,
        "goodput_mb_s": body_bytes / 1e3 / fetch_ms,
        "fetched_mb": body_bytes / 1e6,
    }
    if "prompt" in seen:
        figures["power_on_to_prompt_s"] = seen["prompt"]
        figures["derive_s"] = (stages["record"] - stages["derive"]) / 1000
    asked = seen.get("entered", seen["loader"])
    figures["sign_in_to_kernel_s"] = seen["kernel"] - asked
    figures["sign_in_to_userspace_s"] = seen["userspace"] - asked
    figures["kernel_to_userspace_s"] = seen["userspace"] - seen["kernel"]
    figures["power_on_to_userspace_s"] = seen["userspace"]
    return figures


def main():
    runs, command = int(sys.argv[1]), sys.argv[2:]
    results = []
    for i in range(runs):
        results.append(measure(command))
        print(f"run {i + 1}:", " ".join(f"{k}={v:.2f}" for k, v in results[-1].items()), flush=True)
    print("median:", " ".join(f"{k}={statistics.median(r[k] for r in results):.2f}" for k in results[0]))


main()
