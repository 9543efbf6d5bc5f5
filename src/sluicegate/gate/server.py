"""Serve the gateway over HTTP/1.1, on the running event loop. It is meant for uvloop's.

This relies on uvicorn's `Config` and `ServerState`. The caller handles signals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from sluicegate.gate.protocol import GateProtocol
from sluicegate.settings import GatewaySettings

KEEP_ALIVE_S = 75
"""How long a client's connection may stay unused."""


class Server:
    """The listening socket and its connections."""

    def __init__(self, app: Any, settings: GatewaySettings) -> None:
        self._settings = settings
        self._config = Config(
            app,
            http=GateProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        self._state = ServerState()
        self._listening: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on, once started. If the settings say 0, the system chose it."""
        assert self._listening is not None
        port: int = self._listening.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> frozenset[GateProtocol]:
        """The connections that are open."""
        found: Iterable[Any] = self._state.connections
        return frozenset(found)

    async def start(self) -> None:
        """Listen.

        Raises: OSError: the address cannot be bound.
        """
        self._config.load()
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(
            lambda: GateProtocol(self._config, self._state, self._settings, loop),
            self._settings.host,
            self._settings.port,
            backlog=4096,
        )

    async def stop(self, grace_ms: int = 0) -> None:
        """Accept no more connections, let open answers end within the grace period, then reset the rest."""
        assert self._listening is not None
        self._listening.close()
        for connection in self.connections:
            connection.shutdown()
        await self._gone(grace_ms)
        for connection in self.connections:
            connection.reset()
        await self._gone(1_000)

    async def _gone(self, within_ms: int) -> None:
        """Wait until no client is connected. Even with no time, let connections end that are ending."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + within_ms / 1000
        await asyncio.sleep(0.01)
        # uvicorn's sets tell nobody when they shrink.
        while (self._state.connections or self._state.tasks) and loop.time() < ends:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def serve(
    app: Any,
    settings: GatewaySettings,
    stop: asyncio.Event,
    ready: Callable[[int], None] | None = None,
    grace_ms: int = 5_000,
) -> None:
    """Serve until `stop` is set; `ready` is called once with the port.

    Raises: OSError: the address cannot be bound.
    """
    server = Server(app, settings)
    await server.start()
    try:
        if ready is not None:
            ready(server.port)
        await stop.wait()
    finally:
        await server.stop(grace_ms)
