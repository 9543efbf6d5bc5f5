"""A wire that can be cut: it passes TCP on between one gateway and the control plane, in the running loop.

When it is cut, it passes no byte on and ends no connection, like a network that drops packets. The two sides
notice only the silence. New connections are accepted, and stay silent too.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Self
from urllib.parse import urlsplit


class Relay:
    """Passes on what comes to `url`. Use it as a context manager."""

    def __init__(self, target_url: str) -> None:
        host, _, port = urlsplit(target_url).netloc.partition(":")
        self._target = host, int(port)
        self._passing = asyncio.Event()
        self._passing.set()
        self._wires: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The URL to use instead of the target's."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Stop passing bytes on."""
        self._passing.clear()

    def mend(self) -> None:
        """Pass bytes on again, first those that have been waiting."""
        self._passing.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for wire in self._wires:
            wire.cancel()
        await asyncio.gather(*self._wires, return_exceptions=True)

    def _accepted(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        wire = asyncio.create_task(self._join(near, to_near))
        self._wires.add(wire)
        wire.add_done_callback(self._wires.discard)

    async def _join(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        with closing(to_near):
            await self._passing.wait()
            far, to_far = await asyncio.open_connection(*self._target)
            with closing(to_far):
                try:
                    async with asyncio.TaskGroup() as both:
                        both.create_task(self._pass_on(near, to_far))
                        both.create_task(self._pass_on(far, to_near))
                except* OSError:
                    pass  # one of the two ends is gone, and so is the wire

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            await self._passing.wait()
            target.write(data)
            await target.drain()
        await self._passing.wait()
        target.write_eof()
