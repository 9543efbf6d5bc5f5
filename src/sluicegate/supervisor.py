"""The supervisor: starts the processes of one machine, and starts again what ends. It has no socket.

Rules:
- A process that ends before it was ready for the first time ends everything, with its exit code.
- One that ends later is started again, after a pause; the others go on.
- All end with the supervisor: after its SIGTERM each ends as it should, after its SIGKILL at once.
- A process may give way to the others: it gets less of a busy processor, it never gets the last memory, and
  where memory runs out the kernel ends it first.
- Signals are waited for, not handled in between: a handler may run anywhere, and what it raises can be lost.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sluicegate import journal
from sluicegate.processes import die_with, is_readable

_log = logging.getLogger(__name__)
PAUSE_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""How long a process stays ended, by how often it has ended soon after its start."""
SOON_S = 10.0
ENDING_S = 15.0
"""How long a process may take to end after SIGTERM."""
LOOKED_EVERY_S = 0.05
OOM_STEP = 100
"""How much likelier, of 1,000, the kernel ends a process for memory, for each step that it gives way."""
MEMORY_LEFT = 256 << 20
"""How many bytes of memory a process that gives way leaves to the others; a half if there are few."""
_OF_GROUP = Path("/sys/fs/cgroup/memory.max")
_ENDING = {signal.SIGINT, signal.SIGTERM}

Ready = Callable[[str], None]
Serve = Callable[[str, Ready], int]
"""Serves until a signal ends it, and returns its exit code.

It is given what it said at its first start when it was ready, empty at that start.
"""


class Ended(Exception):
    """A process ended before it was ready, or a signal ends the supervisor. `code` is for the exit."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class _Process:
    name: str
    serve: Serve
    gives_way: int = 0
    said: str = ""
    """What it said when it was ready."""
    pid: int = 0
    began_s: float = 0.0
    again_s: float = 0.0
    """When it is to be started again."""
    failures: int = 0


@dataclass(slots=True)
class Supervisor:
    """Some processes of one machine, each a fork of this one."""

    _processes: dict[int, _Process] = field(default_factory=dict)
    _pausing: list[_Process] = field(default_factory=list)
    """Those that have ended and are not started again yet."""

    def start(self, name: str, serve: Serve, gives_way: int = 0) -> str:
        """Start a process and wait until it is ready; what it then says.

        `gives_way` is added to its niceness; 0 to 10.
        Raises: Ended: it ended before.
        """
        process = _Process(name, serve, gives_way)
        reading, writing = os.pipe()
        self._spawn(process, writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            while not is_readable(reading, LOOKED_EVERY_S):
                _check_signals(0)
            process.said = pipe.readline().strip()
        if not process.said:
            _, status = os.waitpid(process.pid, 0)
            del self._processes[process.pid]
            raise Ended(os.waitstatus_to_exitcode(status) or 1)
        return process.said

    def watch(self) -> None:
        """Start again what ends. Raises: Ended: by a signal."""
        while True:
            for pid in list(self._processes):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    self._ended(self._processes.pop(pid), os.waitstatus_to_exitcode(status))
            for process in [each for each in self._pausing if each.again_s <= time.monotonic()]:
                self._pausing.remove(process)
                self._spawn(process, None)
            _check_signals(LOOKED_EVERY_S)

    def end(self) -> None:
        """End every process: in order, and by force what takes too long."""
        for pid in self._processes:
            os.kill(pid, signal.SIGTERM)
        ends_s = time.monotonic() + ENDING_S
        while self._processes:
            if time.monotonic() > ends_s:
                for pid in self._processes:
                    os.kill(pid, signal.SIGKILL)
            for pid in list(self._processes):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    del self._processes[pid]
            time.sleep(0.01)

    def _ended(self, process: _Process, code: int) -> None:
        is_soon = time.monotonic() - process.began_s < SOON_S
        process.failures = process.failures + 1 if is_soon else 0
        pause_s = PAUSE_S[min(process.failures, len(PAUSE_S) - 1)]
        said = f"the {process.name} ended with {code} and is started again in {pause_s:.1f} s"
        journal.note("restarted", said, logging.ERROR, ended=process.name, code=code, seconds=pause_s)
        process.again_s = time.monotonic() + pause_s
        self._pausing.append(process)

    def _spawn(self, process: _Process, writing: int | None) -> None:
        supervisor = os.getpid()
        process.began_s = time.monotonic()
        process.pid = os.fork()
        if process.pid:
            self._processes[process.pid] = process
            return
        code = 70
        try:
            _be_a_child_of(supervisor)
            _give_way(process.gives_way)
            code = process.serve(process.said, lambda said: _say(writing, said))
        except BaseException:  # noqa: BLE001 - this process ends with it, and says why
            _log.critical("the %s failed", process.name, exc_info=True)
        finally:
            os._exit(code)


@contextmanager
def supervising() -> Iterator[Supervisor]:
    """A supervisor; all that it has started has ended when this is left.

    SIGINT and SIGTERM raise Ended where it waits.
    """
    made, before = Supervisor(), signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield made
    finally:
        made.end()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _check_signals(seconds: float) -> None:
    """Wait for a while. Raises: Ended: a signal came."""
    if signal.sigtimedwait(_ENDING, seconds) is not None:
        raise Ended(0)


def _be_a_child_of(supervisor: int) -> None:
    """End at once when the supervisor does; let signals do here what they do in a new process."""
    die_with(supervisor)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def _give_way(much: int) -> None:
    if much:
        os.nice(much)
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (_without_the_last(_memory()), most))
        with suppress(OSError):  # not every system has it, and none lets it go down again
            Path("/proc/self/oom_score_adj").write_text(f"{OOM_STEP * much}\n")


def _memory() -> int:
    """How many bytes of memory there are: on the machine, or for the control group of this process."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # no such group, or one without a limit
        return min(machine, int(_OF_GROUP.read_text()))
    return machine


def _without_the_last(memory: int) -> int:
    return max(memory // 2, memory - MEMORY_LEFT)


def _say(writing: int | None, said: str) -> None:
    if writing is not None:
        with suppress(BrokenPipeError):
            os.write(writing, f"{said}\n".encode())
