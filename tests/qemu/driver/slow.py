#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A slow line to a server.

usage: slow.py PORT BYTES

Passes what comes in on a free port of 127.0.0.1, which it prints as "listening on PORT", to the server on PORT
and back; all answers together get BYTES a second. A signal ends it.
"""
import asyncio
import sys

PIECE = 16384


class Line:
    def __init__(self, upstream, rate):
        self.upstream = upstream
        self.rate = rate
        self.free_at = 0.0

    async def wait_for(self, n_bytes):
        """Until the line has carried so many more bytes, behind all that were before."""
        now = asyncio.get_running_loop().time()
        self.free_at = max(self.free_at, now) + n_bytes / self.rate
        await asyncio.sleep(self.free_at - now)

    async def pump(self, reader, writer, is_answer):
        while data := await reader.read(PIECE):
            if is_answer:
                await self.wait_for(len(data))
            writer.write(data)
            await writer.drain()

    async def serve(self, reader, writer):
        to_server, from_server = None, None
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.upstream)
            pumps = [asyncio.ensure_future(self.pump(reader, to_server, False)),
                     asyncio.ensure_future(self.pump(from_server, writer, True))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass
        finally:
            writer.close()
            if to_server:
                to_server.close()


async def main():
    line = Line(int(sys.argv[1]), int(sys.argv[2]))
    # A short buffer, so that what waits for the line waits at the server.
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0, limit=PIECE)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
