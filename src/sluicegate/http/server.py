"""The listening socket, and how serving begins and ends."""

from __future__ import annotations

import asyncio
import resource
import socket
from contextlib import suppress

from sluicegate.http import tcp
from sluicegate.http.capacity import Capacity
from sluicegate.http.connection import HttpConnection, Serving
from sluicegate.http.exchange import Handler
from sluicegate.http.response import ErrorForm, error_response
from sluicegate.http.tls import ServerCertificate, TlsTransport
from sluicegate.settings import HttpSettings

BACKLOG = 4_096
"""How many connections may wait to be accepted."""
OWN_FILES = 128
"""How many files a process keeps for itself: databases, other sockets."""
LOOKED_EVERY_S = 10.0
"""How often a server looks whether its certificate has changed."""
RESET_S = 1.0
"""How long connections that were reset may take to be gone."""


class HttpServer:
    """Serves HTTP/1.1 on the running event loop. The caller handles signals.

    `error_form` makes the responses that the server itself gives; `files_each` is how many files a connection
    takes, with those that its handler opens. With a `certificate` it speaks TLS.
    """

    def __init__(
        self,
        handler: Handler,
        settings: HttpSettings,
        error_form: ErrorForm = error_response,
        files_each: int = 1,
        certificate: ServerCertificate | None = None,
    ) -> None:
        self._settings = settings
        self._certificate = certificate
        self._looking: asyncio.TimerHandle | None = None
        self._capacity = Capacity(connections_max(settings, files_each), settings.max_connections_of_address)
        self._serving = Serving(handler, settings, self._capacity, error_form)
        self._listening: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        """Accept connections of a socket that is bound."""
        self._listening = await asyncio.get_running_loop().create_server(
            self._connection, sock=listening, backlog=BACKLOG
        )
        self._look_again()

    def refresh(self) -> None:
        """Look now whether there is a new certificate."""
        if self._certificate is not None:
            self._certificate.refresh()

    async def stop(self) -> None:
        """Accept no more connections, let answers end within the grace period, then reset the rest."""
        assert self._listening is not None
        self._listening.close()
        if self._looking is not None:
            self._looking.cancel()
        for connection in self._capacity:
            connection.stop()
        await self._gone(self._settings.stop_grace_ms / 1_000)
        for connection in self._capacity:
            connection.reset()
        await self._gone(RESET_S)

    def _connection(self) -> asyncio.Protocol:
        connection = HttpConnection(self._serving)
        certificate = self._certificate
        return connection if certificate is None else TlsTransport(certificate.context, connection)

    def _look_again(self) -> None:
        """Look from time to time whether there is a new certificate."""
        if self._certificate is not None:
            self._certificate.refresh()
            self._looking = asyncio.get_running_loop().call_later(LOOKED_EVERY_S, self._look_again)

    async def _gone(self, seconds: float) -> None:
        """Wait until no client is connected, and nothing is being answered."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self._capacity) or self._serving.tasks:
                    self._serving.ended.clear()
                    await self._serving.ended.wait()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; with port 0 the system chooses one. Raises: OSError: it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    tcp.keep_alive(listening)
    listening.setblocking(False)  # noqa: FBT003 - the socket's own signature
    return listening


def allow_files() -> None:
    """Let this process have as many files as the system gives it: connections that say nothing take them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def connections_max(settings: HttpSettings, files_each: int) -> int:
    """How many connections this process can have open. Requires: `allow_files` was called before."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(settings.max_connections, (files - OWN_FILES) // files_each))
