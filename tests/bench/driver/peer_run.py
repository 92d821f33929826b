#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One boot of a virtual machine behind the wire program, with the times and bytes of its transfer.

usage: peer_run.py DIR FIRST SECONDS QEMU...

DIR has wire.control, access.log of nginx (format: epoch of the end, seconds, connection, status, body bytes,
path) and gets console.log, samples.json and sockets.txt. FIRST is the beginning of the paths whose first request is
the first one for the kernel. Gives up after SECONDS. Prints one line of JSON; times are seconds from power-on.
"""
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

from console import watch

SAMPLE_S = 0.05
SOCKETS_EVERY = 10  # samples
FRAME_HEADERS = 14 + 20 + 32  # Ethernet, IPv4, TCP with timestamps
CONGESTION = re.compile(r"\b(bbr|cubic|dctcp|htcp|reno|vegas|westwood)\b")


def ask_wire(directory):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(os.path.join(directory, "wire.control"))
        sock.send(b"stats")
        return json.loads(sock.recv(8192))


class Sampler(threading.Thread):
    """The line's counters over time, and the server's sockets now and then."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.directory, self.rows, self.congestion = directory, [], set()
        self.ended = threading.Event()

    def run(self):
        with open(os.path.join(self.directory, "sockets.txt"), "w", encoding="utf-8") as file:
            while not self.ended.wait(SAMPLE_S):
                self.sample()
                if len(self.rows) % SOCKETS_EVERY == 0:
                    text = subprocess.run(["ss", "-tinH", "state", "established"], stdout=subprocess.PIPE, check=False,
                                          text=True).stdout
                    self.congestion.update(CONGESTION.findall(text))
                    file.write(f"---- {time.time():.3f}\n{text}")

    def sample(self):
        wire = ask_wire(self.directory)
        self.rows.append((time.time(), wire["ab"]["out_bytes"], wire["ab"]["out_frames"], wire["ab"]["sent_bytes"],
                          wire["ba"]["out_bytes"], wire["ba"]["out_frames"]))


def requests(directory, first):
    """What the server answered from the first request for the kernel on: begin, connection, status, bytes, path."""
    found = []
    with open(os.path.join(directory, "access.log"), encoding="utf-8") as file:
        for line in file:
            end, seconds, connection, status, size, path = line.split(maxsplit=5)
            found.append((float(end) - float(seconds), connection, int(status), int(size), path.strip().split("?")[0]))
    begin = min((r[0] for r in found if r[4].startswith(first)), default=None)
    return begin, [r for r in found if begin is not None and r[0] >= begin]


def transfer(rows, begin, kernel):
    """The rows before the transfer, of its first bytes and of its end. With the kernel's first line nobody is there
    any more for whom the server repeats what has not been acknowledged."""
    rows = [r for r in rows if kernel is None or r[0] <= kernel] or rows[:1]
    before = max((r for r in rows if r[0] <= begin), default=rows[0])
    last = rows[-1]
    end = next(r for r in rows if r[1] >= last[1] - 2000)
    first = next((r for r in rows if r[1] > before[1] + 2000), last)
    return before, first, end


def summary(directory, first, start, seen, sampler):
    begin, answered = requests(directory, first)
    wire = ask_wire(directory)
    result = {"outcome": "up" if "userspace" in seen else "kernel" if "kernel" in seen else "not up",
              "t2_kernel_s": seen.get("kernel"), "t3_userspace_s": seen.get("userspace")}
    if begin is None:
        # Nothing was answered to its end: the time of the first kilobytes is near enough.
        begin = next((r[0] for r in sampler.rows if r[1] > sampler.rows[0][1] + 20000), sampler.rows[-1][0])
        result["t0_is_of_the_line"] = True
    before, first_row, end = transfer(sampler.rows, begin, seen.get("kernel"))
    result |= {"t0_request_s": begin, "t1_first_byte_s": first_row[0], "t_end_s": end[0]}
    result = {k: round(v - start, 3) if k.endswith("_s") and v else v for k, v in result.items()}
    paths = {}
    for _, _, status, size, path in answered:
        if status in (200, 206):
            paths[path] = max(paths.get(path, 0), size)
    is_whole = "kernel" in seen
    frames = end[2] - before[2]
    payload = sum(paths.values()) if is_whole else max(0, end[1] - before[1] - frames * FRAME_HEADERS)
    result |= {
        "payload_bytes": payload, "payload_is_of_the_line": not is_whole,
        "goodput_mb_s": round(payload / 1e6 / max(0.001, end[0] - begin), 3),
        "requests": len(answered), "connections": len({r[1] for r in answered}),
        "down_bytes": end[1] - before[1], "down_frames": frames, "sent_down_bytes": end[3] - before[3],
        "up_bytes": end[4] - before[4], "up_frames": end[5] - before[5],
        "all_down_bytes": wire["ab"]["out_bytes"], "congestion": sorted(sampler.congestion),
        "dropped_down": wire["ab"]["dropped"], "dropped_up": wire["ba"]["dropped"],
        "late_us": {way: [wire[way]["mean_late_us"], wire[way]["max_late_us"]] for way in ("ab", "ba")},
        "wire_cpu_s": wire["cpu_seconds"], "dropped_before_line": interface_drops(),
    }
    return result


def interface_drops():
    """Frames that the kernel dropped in front of the line, where none should be."""
    text = subprocess.run(["ip", "-j", "-s", "link", "show", "srv0"], stdout=subprocess.PIPE, check=True).stdout
    return json.loads(text)[0]["stats64"]["tx"]["dropped"]


def main():
    directory, first, seconds, command = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:]
    sampler = Sampler(directory)
    sampler.sample()
    start = time.time()
    sampler.start()
    seen = watch(command, os.path.join(directory, "console.log"), start + seconds)
    sampler.ended.set()
    sampler.join()
    sampler.sample()
    with open(os.path.join(directory, "samples.json"), "w", encoding="utf-8") as file:
        json.dump({"start": start, "rows": sampler.rows}, file)
    print(json.dumps(summary(directory, first, start, seen, sampler)))


main()
