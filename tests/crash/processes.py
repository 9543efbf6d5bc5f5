"""Serving processes that are started, killed and started again on the same folder and ports."""

from __future__ import annotations

import os
import random
import signal
import socket
from pathlib import Path

from tests.launcher import Launcher
from tests.waiting import eventually


def free_port() -> int:
    """A port nobody listens on, below those the system gives to clients: it is free again at a restart."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port among a hundred tried")


class Process:
    """`sluicegate …`, run again and again; all write into one log, and `said` reads the last run's part."""

    def __init__(self, launcher: Launcher, log: Path, *arguments: str) -> None:
        self._launcher = launcher
        self._log = log
        self._arguments = arguments
        self._begins_at = 0
        self._pid: int | None = None
        log.touch()

    @property
    def pid(self) -> int:
        """The current run's process id."""
        assert self._pid is not None
        return self._pid

    def spawn(self) -> None:
        """Start a run."""
        self._begins_at = self._log.stat().st_size
        self._pid = self._launcher.run(self._arguments, self._log)

    def start(self, *listening: str) -> None:
        """Start a run and wait until it listens as each of `listening`: `control`, `gateway`."""
        self.spawn()

        def ready() -> bool:
            assert self.code() is None, f"ended before it listened: {self.said()}"
            return all(f"{each} listening on" in self.said() for each in listening)

        eventually(ready)

    def said(self) -> str:
        """What this run has written so far."""
        with self._log.open("rb") as log:
            log.seek(self._begins_at)
            return log.read().decode()

    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._launcher.poll(self.pid)

    def kill(self) -> None:
        """`kill -9`; return when the process is gone."""
        assert self.code() is None, f"ended before it was killed: {self.said()}"
        os.kill(self.pid, signal.SIGKILL)
        assert self._ended() == -signal.SIGKILL

    def terminate(self) -> int:
        """SIGTERM; return the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self._ended()

    def end(self) -> None:
        """Leave nothing behind."""
        if self._pid is not None and self.code() is None:
            self.kill()

    def _ended(self) -> int:
        code = eventually(lambda: (self.code(),) if self.code() is not None else None)[0]
        assert code is not None
        return code
