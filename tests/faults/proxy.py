"""A TCP proxy between the job and the broker that can be cut, held up, slowed down and reset."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any

HOST = "127.0.0.1"
CHUNK_BYTES = 65_536
SLOW_BYTES_PER_SECOND = 100_000


class Proxy:
    """`mode` is `pass`, `cut` (connections are reset, new ones too), `hang` (open, and nothing goes through) or `slow`."""

    def __init__(self, port: int, target_port: int) -> None:
        self.port = port
        self.target_port = target_port
        self.mode = "pass"
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._serve, HOST, self.port))

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        self._server.close()
        self.reset()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def switch(self, mode: str) -> None:
        self.mode = mode
        if mode == "cut":
            self.reset()

    def reset(self) -> None:
        """Resets the connections that are open."""
        self._do(self._reset())

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _reset(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "cut":
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            to_reader, to_writer = await asyncio.open_connection(HOST, self.target_port)
        except OSError:
            self._writers.discard(writer)
            writer.transport.abort()
            return
        self._writers.add(to_writer)
        await asyncio.gather(self._pump(reader, to_writer), self._pump(to_reader, writer))
        self._writers -= {writer, to_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                while self.mode == "hang":  # noqa: ASYNC110 - set by another thread
                    await asyncio.sleep(0.05)
                if self.mode == "slow":
                    await asyncio.sleep(len(data) / SLOW_BYTES_PER_SECOND)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
