"""Child processes that start together, end together, and do not outlive this one.

Rules:
- Each child is in a session of its own: Ctrl-C reaches only this process, which then ends its children.
- SIGINT and SIGTERM here end the children immediately, so that code that waits for one of them continues.
- A child whose parent is gone, for any reason, gets SIGTERM from the kernel.
- A child that ends by itself ends everything. The error names it, with the last lines of its log.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, MappingProxyType, TracebackType
from typing import Any, Self

from sluicegate.errors import SluicegateError, Unreachable

START_S = 300.0
"""How long a child may take until it serves."""
STOP_S = 10.0
"""How long children may take to end before they are killed; a gateway lets answers end for half of it."""
GRACE_S = 1.0
"""How long to wait, after a failed call, for the end of a child that explains it."""
LAST_LINES = 10

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PR_SET_PDEATHSIG = 1


class Processes:
    """The children, each a `python -m sluicegate …` with a log of its own in the folder `logs`.

    As a context manager: an error that follows from a stop is ignored, and `stopping` is set. If a child
    ended by itself, Unreachable is raised in place of the error that it caused.

    `watched` gets a line when a child is started, and when it serves: a slow machine takes long for each.
    """

    def __init__(
        self, logs: Path, say: Callable[[str], None], watched: Callable[[str], None] = lambda _: None
    ) -> None:
        self._logs = logs
        self._say = say
        self._watched = watched
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._handlers: dict[signal.Signals, Any] = {}
        self._prctl = ctypes.CDLL(None).prctl
        self.stopping = False

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        explicable = error is None or isinstance(error, SluicegateError)
        lost = self._lost(GRACE_S if isinstance(error, Unreachable) else 0.0)
        self._stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if lost is not None and explicable and not self.stopping:
            raise self._loss(lost) from error
        return self.stopping and explicable

    def start(self, name: str, *arguments: str, env: Mapping[str, str] = MappingProxyType({})) -> None:
        """Start `sluicegate ARGUMENTS --json` under a name; `env` is in its environment, too."""
        self._watched(f"{name}: starting")
        with (self._logs / f"{name}.log").open("wb") as log:
            child = subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
                [sys.executable, "-m", "sluicegate", *arguments, "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **env},
                start_new_session=True,
                preexec_fn=self._end_with_parent,  # noqa: PLW1509 - no other thread of ours holds a lock
            )
        self._children[name] = child
        if self.stopping:
            child.terminate()

    def ready(self, name: str, seconds: float = START_S) -> dict[str, Any]:
        """Wait until a child says that it serves, and return what it says.

        Raises: Unreachable: it ended instead, or took too long.
        """
        child, said = self._children[name], b""
        assert child.stdout is not None
        ends = time.monotonic() + seconds
        while not said.endswith(b"\n}\n"):
            if not select.select([child.stdout], [], [], max(0.0, ends - time.monotonic()))[0]:
                log = self._logs / f"{name}.log"
                remedy = f"see {log}; if it says nothing, the machine is slow: start again, and it goes on"
                raise Unreachable(f"the {name} did not serve within {seconds:.0f} s", remedy=remedy)
            data = os.read(child.stdout.fileno(), 65_536)
            if not data:
                raise Unreachable(f"the {name} ended before it served")
            said += data
        self._watched(f"{name}: ready")
        answer: dict[str, Any] = json.loads(said)
        return answer

    def wait(self) -> None:
        """Return when a child has ended: because this process has to stop, or by itself."""
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)

    def _end_with_parent(self) -> None:
        """Run in a new child: ask the kernel for SIGTERM when the parent is gone."""
        self._prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True
        for child in self._children.values():
            child.terminate()

    def _lost(self, grace_s: float) -> str | None:
        """The child that has ended, if one has."""
        ends = time.monotonic() + grace_s
        while True:
            for name, child in self._children.items():
                if child.poll() is not None:
                    return name
            if time.monotonic() >= ends:
                return None
            time.sleep(0.01)

    def _stop(self) -> None:
        for child in self._children.values():
            child.terminate()
        ends = time.monotonic() + STOP_S
        for name, child in self._children.items():
            try:
                child.wait(max(0.0, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"the {name} did not end within {STOP_S:.0f} s and is killed")
                child.kill()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()

    def _loss(self, name: str) -> Unreachable:
        log = self._logs / f"{name}.log"
        for line in log.read_text(errors="replace").splitlines()[-LAST_LINES:]:
            self._say(f"  {name}: {line}")
        code = self._children[name].returncode
        how = f"code {code}" if code >= 0 else signal.Signals(-code).name
        return Unreachable(
            f"the {name} ended by itself with {how}, so everything was stopped",
            code="process_ended",
            remedy=f"its whole log is {log}",
        )
