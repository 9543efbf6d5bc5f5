"""What the kernel says of processes, which may end while it is asked: also between an opening and a reading.

Source: proc(5).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that no one has waited for does not."""
    return _read(pid, "stat").rpartition(b")")[2].split()[:1] not in ([], [b"Z"])


def words(pid: int) -> list[str]:
    """The words of its command line; none of a process that has ended."""
    return _read(pid, "cmdline").decode().split("\0")[:-1]


def children(pid: int) -> list[int]:
    """The ids of the processes that its first thread has started; none of a process that has ended."""
    return [int(child) for child in _read(pid, f"task/{pid}/children").split()]


def family(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    for child in children(pid):
        yield from family(child)


def _read(pid: int, name: str) -> bytes:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""
