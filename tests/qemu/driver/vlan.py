#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A switch port that is a tagged member of one VLAN, between QEMU and a tap interface.

usage: vlan.py ID TAP PORT CARD

Frames from QEMU (datagrams at the socket PORT) that carry the VLAN's tag go to TAP without it; frames from TAP go to
QEMU (socket CARD) with it. All others are lost. Says "ready" when it has both ends. Runs until it is ended.
"""
import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 2, 0x1000
LARGEST = 65536


def main():
    vlan, name, port, card = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    wire.bind(port)
    print("ready", flush=True)
    while True:
        for end in select.select([tap, wire], [], [])[0]:
            if end is tap:
                frame = os.read(tap, LARGEST)
                tag = b"\x81\x00" + vlan.to_bytes(2, "big")
                try:
                    wire.sendto(frame[:12] + tag + frame[12:], card)
                except OSError:
                    pass  # QEMU is not there, or its queue is full: lost, as on a wire
            else:
                frame = wire.recv(LARGEST)
                if frame[12:14] == b"\x81\x00" and int.from_bytes(frame[14:16], "big") & 0xFFF == vlan:
                    os.write(tap, frame[:12] + frame[16:])


if __name__ == "__main__":
    main()
