# SPDX-License-Identifier: MIT
"""The serial console of a virtual machine, and when what was on it."""
import os
import subprocess
import threading
import time

MARKS = {"loader": b"BdsDxe: starting", "kernel": b"Linux version", "userspace": b"chunkboot-minimal: up",
         "end": b"chunkboot-minimal: end"}


def watch(command, log_path, deadline):
    """Seconds of the marks on the console, which goes to log_path."""
    seen, text = {}, b""
    qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    timer = threading.Timer(deadline - time.time(), qemu.kill)
    timer.start()
    with open(log_path, "wb") as log:
        while "end" not in seen and (piece := os.read(qemu.stdout.fileno(), 65536)):
            now = time.time()
            log.write(piece)
            text = text[-100:] + piece
            for name, mark in MARKS.items():
                if mark in text:
                    seen.setdefault(name, now)
    timer.cancel()
    qemu.kill()
    qemu.wait()
    return seen
