"""The listening socket, and how serving begins and ends."""

from __future__ import annotations

import asyncio
import resource
import socket
from contextlib import suppress

from sluicegate.http.capacity import Capacity
from sluicegate.http.connection import HttpConnection, Serving
from sluicegate.http.exchange import Handler
from sluicegate.settings import HttpSettings

OWN_FILES = 128
"""How many files a process keeps for itself: databases, other sockets."""
RESET_S = 1.0
"""How long connections that were reset may take to be gone."""


class HttpServer:
    """Serves HTTP/1.1 on the running event loop. The caller handles signals."""

    def __init__(self, handler: Handler, settings: HttpSettings) -> None:
        self._settings = settings
        self._capacity = Capacity(_most(settings), settings.max_connections_of_address)
        self._serving = Serving(handler, settings, self._capacity)
        self._listening: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        """Accept connections of a socket that is bound."""
        self._listening = await asyncio.get_running_loop().create_server(
            lambda: HttpConnection(self._serving), sock=listening, backlog=4_096
        )

    async def stop(self) -> None:
        """Accept no more connections, let answers end within the grace period, then reset the rest."""
        assert self._listening is not None
        self._listening.close()
        for connection in self._capacity:
            connection.stop()
        await self._gone(self._settings.stop_grace_ms / 1_000)
        for connection in self._capacity:
            connection.reset()
        await self._gone(RESET_S)

    async def _gone(self, seconds: float) -> None:
        """Wait until no client is connected, and nothing is being answered."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self._capacity) or self._serving.tasks:
                    self._serving.ended.clear()
                    await self._serving.ended.wait()


def _most(settings: HttpSettings) -> int:
    """How many connections this process can have open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(settings.max_connections, files - OWN_FILES))
