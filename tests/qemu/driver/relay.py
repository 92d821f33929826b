#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server that stops in mid-transfer, by one in front of it.

usage: relay.py PORT BYTES CONTROL

Passes what comes in on a free port of 127.0.0.1, which it prints as "listening on PORT", to the server on PORT
and back. After BYTES of answers since a request for an account record it stops as a server that is killed
does: connections are reset, and nobody listens. From then on it reads CONTROL, a FIFO: whoever writes to that starts
the server again, without a limit. A signal ends it.
"""
import asyncio
import socket
import struct
import sys

PIECE = 65536


class Relay:
    def __init__(self, upstream, limit):
        self.upstream = upstream
        self.left = limit
        self.is_counting = False
        self.stopped = asyncio.Event()
        self.writers = set()

    def seen(self, is_answer, data):
        """Counts; False when these bytes are not to be passed on any more."""
        if not is_answer:
            self.is_counting = self.is_counting or b"GET /accounts/" in data
        elif self.is_counting and self.left is not None:
            self.left -= len(data)
            if self.left <= 0:
                self.stopped.set()
        return not self.stopped.is_set()

    async def pump(self, reader, writer, is_answer):
        try:
            while (data := await reader.read(PIECE)) and self.seen(is_answer, data):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    async def connected(self, reader, writer):
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        self.writers.add(writer)
        await asyncio.gather(self.pump(reader, up_writer, False), self.pump(up_reader, writer, True))
        self.writers.discard(writer)

    def reset_all(self):
        for writer in self.writers:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()


def read_line(path):
    with open(path, encoding="utf-8") as file:
        file.readline()


async def main(upstream, limit, control):
    relay = Relay(upstream, limit)
    server = await asyncio.start_server(relay.connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"listening on {port}", flush=True)
    await relay.stopped.wait()
    server.close()
    relay.reset_all()
    await asyncio.to_thread(read_line, control)
    relay.left = None
    relay.stopped.clear()
    server = await asyncio.start_server(relay.connected, "127.0.0.1", port)
    await server.serve_forever()


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
