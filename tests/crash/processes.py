"""Serving processes that are started, killed and started again on the same folder and ports."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
BOUND_S = 60.0
"""How long a test waits for what should happen at once, before it fails: a busy machine is no failure."""


def eventually(what: Callable[[], T], *, bound_s: float = BOUND_S, every_s: float = 0.01) -> T:
    """Ask until the answer is truthy; it is returned."""
    ends = time.monotonic() + bound_s
    while True:
        answer = what()
        if answer:
            return answer
        assert time.monotonic() < ends, f"not within {bound_s} s: {answer!r}"
        time.sleep(every_s)


def free_port() -> int:
    """A port nobody listens on, below those the system gives to clients, so that it is free again at a restart."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port among a hundred tried")


class Process:
    """`sluicegate …`, as often as it takes; all runs write into one log, `said` reads the current run's part."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self._log = log
        self._arguments = arguments
        self._begins_at = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The current run's process id."""
        assert self._process is not None
        return self._process.pid

    def spawn(self) -> None:
        """Start a run."""
        with self._log.open("ab") as log:
            self._begins_at = log.tell()
            command = [sys.executable, "-m", "sluicegate", *self._arguments]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start(self, *listening: str) -> None:
        """Start a run and wait until it listens as each of `listening`: `control`, `gateway`."""
        self.spawn()
        self.wait_listening(*listening)

    def wait_listening(self, *listening: str) -> None:
        """Wait until the run listens."""

        def ready() -> bool:
            assert self._running(), f"ended before it listened: {self.said()}"
            return all(f"{each} listening on" in self.said() for each in listening)

        eventually(ready)

    def said(self) -> str:
        """What this run has written so far."""
        with self._log.open("rb") as log:
            log.seek(self._begins_at)
            return log.read().decode()

    def kill(self) -> None:
        """`kill -9`; return when the process is gone."""
        assert self._process is not None
        assert self._running(), f"ended before it was killed: {self.said()}"
        os.kill(self._process.pid, signal.SIGKILL)
        assert self._process.wait(BOUND_S) == -signal.SIGKILL

    def terminate(self) -> int:
        """SIGTERM; return the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(BOUND_S)

    def wait(self) -> int:
        """Wait for the run to end by itself; return the exit code."""
        assert self._process is not None
        return self._process.wait(BOUND_S)

    def end(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._running():
            self._process.kill()
            self._process.wait(BOUND_S)

    def _running(self) -> bool:
        return self._process is not None and self._process.poll() is None
