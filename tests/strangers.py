"""A server of another's, as tests need one: a handler of http.server, on this machine, while a test runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class SilentHandler(BaseHTTPRequestHandler):
    """A handler that says nothing of what it was asked."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def handling(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Where the server is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
