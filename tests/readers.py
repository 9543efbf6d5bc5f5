"""The readers of control planes in this process: one process forks those of all, one after the other.

To start it takes a second, and it keeps nothing of what it has forked.
"""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from functools import cache

from sluicegate.parsing.parsers import FORK_SERVER, Parsers, _Server


@dataclass(slots=True)
class LastingParsers(Parsers):
    """Those of one event loop. What forks them goes on when it ends."""

    def close(self) -> None:
        self._server = None


def lasting() -> LastingParsers:
    """New ones. Call it in the main thread: what forks them ends with the thread that started it."""
    if _server().is_gone:
        _server.cache_clear()
    return LastingParsers(_server=_server())


@cache
def _server() -> _Server:
    made = _Server.started(FORK_SERVER)
    atexit.register(made.end)
    return made
