#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at a line between two network namespaces from both of its ends: 10.9.0.1 here, 10.9.0.2 there.

usage: probe.py NETNS-FILE VERB...     NETNS-FILE is the other namespace (/proc/PID/ns/net)
       rtt N                 N echoes of there in turn: least and median round-trip time, lost ones
       count N SIZE GAP      to there N numbered datagrams, one each GAP ms: their numbers as they arrive, and the
                             time between the first and the last
       there SECONDS         TCP to there: bytes a second, the median of tenths of a second after the first fifth of
                             the time: other programs may take the processor for a moment
       here SECONDS          TCP from there
Prints one line of JSON. SIZE is that of the Ethernet frame.
"""
import ctypes
import json
import os
import socket
import statistics
import struct
import sys
import threading
import time

HERE, THERE = "10.9.0.1", "10.9.0.2"
PORT = 7777
HEADERS = 14 + 20 + 8  # Ethernet, IPv4, UDP
QUIET_S = 1.0  # nothing more comes after that; far more than a line's delay
WINDOW_S = 0.1
CLONE_NEWNET = 0x40000000


def enter(namespace):
    """This thread's further sockets are in the namespace, an open file."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def in_other(namespace, make):
    """What make() makes there."""
    with open("/proc/self/ns/net", "rb") as here, open(namespace, "rb") as there:
        enter(there)
        try:
            return make()
        finally:
            enter(here)


def udp(address):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind((address, PORT))
    return sock


def run(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


def echo(sock):
    while True:
        data, sender = sock.recvfrom(2048)
        sock.sendto(data, sender)


def rtt(there, n):
    run(echo, in_other(there, lambda: udp(THERE)))
    sock = udp(HERE)
    sock.settimeout(QUIET_S)
    times = []
    for i in range(int(n)):
        begin = time.monotonic()
        sock.sendto(struct.pack("!I", i), (THERE, PORT))
        try:
            while struct.unpack("!I", sock.recv(64))[0] != i:
                pass
            times.append((time.monotonic() - begin) * 1000)
        except TimeoutError:
            pass
    return {"lost": int(n) - len(times), "min_ms": round(min(times, default=0), 3),
            "median_ms": round(statistics.median(times), 3) if times else 0}


def send_numbers(sock, n, size, gap_s):
    begin = time.monotonic()
    for i in range(n):
        while time.monotonic() < begin + i * gap_s:
            time.sleep(0.0001)
        sock.sendto(struct.pack("!I", i).ljust(size - HEADERS, b"."), (THERE, PORT))


def count(there, n, size, gap):
    receiver = in_other(there, lambda: udp(THERE))
    receiver.settimeout(QUIET_S + float(gap) / 1000)
    run(send_numbers, udp(HERE), int(n), int(size), float(gap) / 1000)
    numbers, times = [], []
    try:
        while True:
            numbers.append(struct.unpack("!I", receiver.recv(2048)[:4])[0])
            times.append(time.monotonic())
    except TimeoutError:
        return {"numbers": numbers, "ms": round((times[-1] - times[0]) * 1000, 3) if times else 0}


def send_bytes(server):
    conn, _ = server.accept()
    piece = bytes(1 << 18)
    try:
        while True:
            conn.sendall(piece)
    except OSError:
        conn.close()


def rate(server_address, make_server, make_client, seconds):
    run(send_bytes, make_server())
    sock = make_client()
    sock.connect((server_address, PORT))
    sock.settimeout(QUIET_S)
    begin = now = time.monotonic()
    buffer = bytearray(1 << 18)
    total = 0
    windows = [(begin, 0)]
    while now < begin + seconds:
        total += sock.recv_into(buffer)
        now = time.monotonic()
        if now >= windows[-1][0] + WINDOW_S:
            windows.append((now, total))
    rates = [(t[1] - s[1]) / (t[0] - s[0]) for s, t in zip(windows, windows[1:])]
    return {"bytes_s": round(statistics.median(rates[len(rates) // 5:]))}


def tcp():
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def main(there, verb, *words):
    if verb == "rtt":
        result = rtt(there, *words)
    elif verb == "count":
        result = count(there, *words)
    elif verb == "there":
        result = rate(HERE, lambda: socket.create_server((HERE, PORT)), lambda: in_other(there, tcp), float(words[0]))
    elif verb == "here":
        result = rate(THERE, lambda: in_other(there, lambda: socket.create_server((THERE, PORT))), tcp, float(words[0]))
    else:
        sys.exit(__doc__)
    print(json.dumps(result))


main(*sys.argv[1:])
