#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots an ESP image in QEMU and works at its serial console, step by step.

usage: console.py [OPTION]... DIR STEP...

DIR holds esp.img and vars.fd, and gets console.log. The machine, unless said otherwise: two processors, the
host's clock, one virtio network card on QEMU's user network.
  --smp N          processors
  --memory MIB     1024 if not given
  --rtc TIME       what the clock is set to: YYYY-MM-DDTHH:MM:SS, UTC
  --nic MODEL      a network card, virtio or e1000, instead of the virtio one; several times for several
  --dead-nic MODEL the same, on a network where nobody answers
  --tap TAP        the first card is on the interface TAP instead of QEMU's user network
  --disk FILE      a further virtio disk, of which DIR/FILE is the image; several times for several
  --read-only-disk FILE  the same, which can't be written
  --no-link        the first card has no cable in it
  --pxe TAP        no disk: PXE of the firmware, on the network of the interface TAP
  --http-boot TAP  no disk and no PXE: HTTP Boot of the firmware, on the network of the interface TAP
  --line           the first card is at the end of the line that start_lab of tests/net/lib.sh has made in DIR, or
                   that vlan.py has: datagram sockets guest.socket (QEMU's) and host.socket, a frame in each
Steps, in order:
  expect TEXT      wait until TEXT is on the console (after what the steps before have matched)
  type TEXT        type TEXT and Enter
  key TEXT         type TEXT without Enter
  run COMMAND      run a shell command on the host
  link UP          put the first card's cable in ("on") or take it out ("off")
  memory NAME      stop the machine for a moment and write its memory to DIR/NAME
  keep N:SECONDS:DIR  N times at random within the next SECONDS: stop the machine for a moment and copy its disks and
                   variables to DIR/1, DIR/2, ...: what would be left of them if QEMU were killed then
  within SECONDS   deadline of each further step (at first 150)
  power-off        wait until the machine has switched itself off
Exit 0 when all steps went well; else 1, with the step and the end of the console's log on stderr.
CB_QEMU_SLOW multiplies the deadlines. Only the QEMU that this program started is ever ended.
"""
import argparse
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import time

FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
# The firmware has a driver of its own for virtio only; e1000 brings one in its ROM.
CARDS = {"virtio": "virtio-net-pci,romfile=", "e1000": "e1000"}
SLOW = float(os.environ.get("CB_QEMU_SLOW", "1"))
ESCAPES = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|[^\[])")
CURSOR = re.compile(rb"\x1b\[[0-9;]*[HJ]")


class Failed(Exception):
    pass


def network(options):
    """The network cards; DHCP names a boot file only where one is to be had."""
    user = "user"
    tap = options.http_boot or options.pxe or options.tap
    if tap:
        user = f"tap,ifname={tap},script=no,downscript=no"
    if options.line:
        ends = [f"{end}.type=unix,{end}.path={options.directory}/{name}.socket"
                for end, name in (("local", "guest"), ("remote", "host"))]
        user = "dgram," + ",".join(ends)
    words = []
    for i, (model, is_dead) in enumerate(options.nics or [("virtio", False)]):
        device = CARDS[model] + f",netdev=net{i}"
        if (options.pxe or options.http_boot) and i == 0:
            device += ",bootindex=1"
        words += ["-netdev", f"{f'hubport,hubid={i}' if is_dead else user},id=net{i}", "-device", device]
    return words


def command(options):
    words = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "q35,smm=off",
             "-accel", "tcg,thread=multi", "-cpu", "max,la57=off", "-smp", options.smp, "-m", options.memory,
             "-no-reboot", "-display", "none",
             "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={FIRMWARE}",
             "-drive", "if=pflash,unit=1,format=raw,file=vars.fd",
             "-device", "virtio-rng-pci",
             "-chardev", "stdio,id=serial0,signal=off", "-serial", "chardev:serial0"]
    if options.http_boot:
        for version in ("4", "6"):
            words += ["-fw_cfg", f"name=opt/org.tianocore/IPv{version}PXESupport,string=n"]
    elif not options.pxe:
        words += ["-drive", "if=none,id=esp,format=raw,file=esp.img",
                  "-device", "virtio-blk-pci,drive=esp,bootindex=1"]
    for i, (name, access) in enumerate(options.disks):
        words += ["-drive", f"if=none,id=disk{i},format=raw,file={name},readonly={access}",
                  "-device", f"virtio-blk-pci,drive=disk{i}"]
    if options.no_link or any(step in ("link", "keep", "memory") for step in options.steps):
        words += ["-qmp", "unix:qmp.socket,server=on,wait=off"] + (["-S"] if options.no_link else [])
    if options.rtc:
        words += ["-rtc", f"base={options.rtc}"]
    return words + network(options)


class Machine:
    def __init__(self, options):
        self.raw = b""
        self.matched = 0  # offset in the clean text behind the last match
        self.log = open(os.path.join(options.directory, "console.log"), "wb")
        ours, theirs = socket.socketpair()
        self.serial = ours
        self.qemu = subprocess.Popen(command(options), cwd=options.directory, stdin=theirs, stdout=theirs)
        theirs.close()
        self.memory = int(options.memory) << 20
        self.directory, self.disks = options.directory, [name for name, _ in options.disks]
        if options.no_link:
            self.monitor(("set_link", {"name": "net0", "up": False}), ("cont", {}))

    def monitor(self, *commands):
        """Asks QEMU's monitor for these commands, one after the other."""
        with socket.socket(socket.AF_UNIX) as qmp:
            until = time.monotonic() + 20 * SLOW
            while True:
                try:
                    qmp.connect(os.path.join(self.directory, "qmp.socket"))
                    break
                except OSError:
                    if self.qemu.poll() is not None or time.monotonic() > until:
                        raise
                    time.sleep(0.02)  # QEMU makes the socket when it is ready
            with qmp.makefile("rw") as lines:
                for name, arguments in (("qmp_capabilities", {}), *commands):
                    lines.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
                    lines.flush()
                    while "return" not in (answer := json.loads(lines.readline())):
                        if "error" in answer:
                            raise Failed(f"{name}: {answer['error']}")

    def save_memory(self, name):
        """The machine's memory below 4 GiB as it is at this moment."""
        self.monitor(("stop", {}), ("pmemsave", {"val": 0, "size": self.memory, "filename": name}), ("cont", {}))

    def keep(self, directory):
        """What a SIGKILL would leave: what QEMU has written is in its files, nothing is held back."""
        os.kill(self.qemu.pid, signal.SIGSTOP)
        try:
            os.makedirs(directory)
            for name in (*self.disks, "vars.fd"):
                subprocess.run(["cp", "--sparse=always", os.path.join(self.directory, name), directory], check=True)
        finally:
            os.kill(self.qemu.pid, signal.SIGCONT)

    def keep_at_random(self, n, seconds, directory):
        begin = time.monotonic()
        times = sorted(random.uniform(0, seconds) for _ in range(n))
        print("kept after " + " ".join(f"{t:.2f}" for t in times) + " s", flush=True)
        for i, t in enumerate(times, 1):
            try:
                while self.read(begin + t):
                    pass
            except Failed:  # the moment has come
                pass
            self.keep(os.path.join(directory, str(i)))

    def clean(self):
        """The console's text without escape sequences; a cursor movement counts as a new line."""
        text = ESCAPES.sub(b"", CURSOR.sub(b"\n", self.raw)).replace(b"\r", b"\n")
        return text.decode("utf-8", "replace")

    def read(self, deadline):
        """Reads what the console has next. False at its end."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.serial], [], [], left)[0]:
            raise Failed("deadline passed")
        try:
            got = self.serial.recv(65536)
        except ConnectionResetError:
            got = b""
        self.raw += got
        self.log.write(got)
        self.log.flush()
        return got != b""

    def expect(self, text, deadline):
        while True:
            at = self.clean().find(text, self.matched)
            if at >= 0:
                self.matched = at + len(text)
                return
            if not self.read(deadline):
                raise Failed("the machine ended")

    def power_off(self, deadline):
        while self.read(deadline):
            pass
        self.qemu.wait(max(1, deadline - time.monotonic()))

    def end(self):
        if self.qemu.poll() is None:
            self.qemu.kill()
        self.qemu.wait()
        self.serial.close()
        self.log.close()


def take_step(machine, verb, word, limit):
    deadline = time.monotonic() + limit * SLOW
    if verb == "expect":
        machine.expect(word, deadline)
    elif verb == "type":
        machine.serial.sendall(word.encode() + b"\r")
    elif verb == "key":
        machine.serial.sendall(word.encode())
    elif verb == "run":
        subprocess.run(word, shell=True, check=True, timeout=limit * SLOW, stdin=subprocess.DEVNULL)
    elif verb == "link":
        machine.monitor(("set_link", {"name": "net0", "up": word == "on"}))
    elif verb == "memory":
        machine.save_memory(word)
    elif verb == "keep":
        n, seconds, directory = word.split(":", 2)
        machine.keep_at_random(int(n), float(seconds), directory)
    elif verb == "power-off":
        machine.power_off(deadline)
    else:
        raise Failed("no such step")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--smp", default="2")
    parser.add_argument("--memory", default="1024")
    parser.add_argument("--rtc")
    parser.add_argument("--pxe")
    parser.add_argument("--http-boot")
    parser.add_argument("--line", action="store_true")
    parser.add_argument("--tap")
    parser.add_argument("--nic", dest="nics", action="append", type=lambda model: (model, False))
    parser.add_argument("--dead-nic", dest="nics", action="append", type=lambda model: (model, True))
    parser.add_argument("--disk", dest="disks", action="append", default=[], type=lambda name: (name, "off"))
    parser.add_argument("--read-only-disk", dest="disks", action="append", type=lambda name: (name, "on"))
    parser.add_argument("--no-link", action="store_true")
    parser.add_argument("directory")
    parser.add_argument("steps", nargs=argparse.REMAINDER)
    return parser.parse_args()


def main():
    options = arguments()
    steps = options.steps
    machine = Machine(options)
    limit = 150.0
    step = ""
    try:
        while steps:
            verb = steps.pop(0)
            word = steps.pop(0) if verb != "power-off" else ""
            step = f"{verb} {word}"
            if verb == "within":
                limit = float(word)
            else:
                take_step(machine, verb, word, limit)
    except (Failed, OSError, subprocess.SubprocessError) as error:
        tail = "\n".join(line for line in machine.clean().split("\n") if line)[-3000:]
        print(f"{tail}\n---- failed: {step}: {error}", file=sys.stderr)
        return 1
    finally:
        machine.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
