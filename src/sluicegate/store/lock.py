"""The lock on a log's database: one process writes to a log, from its start to its end.

Rules:
- What is locked is the folder that the database is in, where symbolic links lead: two state folders that
  share a database share the lock, and no deleted file undoes it. A hard link to a database is a second
  database to SQLite, and to us.
- The kernel holds the lock and gives it back when the process ends, however it ends.
- A file beside the database says which process holds the lock. It stays, and alone it means nothing.
- No child keeps the lock: the folder is closed in one that is forked, and in one that runs another program.
- Reading needs no lock.
"""

from __future__ import annotations

import fcntl
import os
import time
from functools import partial
from pathlib import Path

from sluicegate.errors import StoreUnavailable

NAMED_S = 1.0
"""How long the process that holds a lock may take to write who it is."""
KILLED_S = 0.5
"""How long a process may still be there that was killed just now."""


def hold(database: Path, command: str, of: Path | None = None) -> None:
    """Hold the lock on a database until this process ends; `command` says to others what this process is.

    `of` is the folder that messages name, if it is not the database's.
    Requires: the database's folder is there; the database need not be.
    Raises:   StoreUnavailable: another process holds it (`store_in_use`), or it cannot be held.
    """
    real, folder = Path(os.path.realpath(database)), of or database.parent
    name = real.with_name(f"{real.name}.pid")
    try:
        descriptor = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _lock(descriptor, name, folder)
            _write(name, f"{os.getpid()} {command}\n".encode())
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise StoreUnavailable(
            f"the state folder {folder} cannot be held: {error.filename or real.parent}: "
            f"{error.strerror}; nothing was done",
            remedy="put it on a local disk with free space, where this user may write",
        ) from error
    os.register_at_fork(after_in_child=partial(os.close, descriptor))


def _lock(descriptor: int, name: Path, folder: Path) -> None:
    """Take the lock, in a moment or not at all.

    A process that is named and is not there has ended, and another has just taken its place: look again.
    """
    began = time.monotonic()
    while not _is_taken(descriptor):
        pid, command = _holder(name)
        if time.monotonic() - began >= (KILLED_S if _is_alive(pid) else NAMED_S):
            raise StoreUnavailable(
                f"the state folder {folder} is in use by process {pid} ({command}); nothing was done",
                code="store_in_use",
                remedy="stop that process, or name another folder with --state",
            )
        time.sleep(0.005)


def _is_taken(descriptor: int) -> bool:
    """Whether the lock is now ours."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(name: Path) -> tuple[str, str]:
    """Which process says that it holds the lock, and what it is."""
    try:
        line = name.read_text(errors="replace").partition("\n")[0]
    except FileNotFoundError:
        line = ""
    pid, _, command = line.partition(" ")
    return pid or "unknown", command or "not named"


def _is_alive(pid: str) -> bool:
    return pid.isdecimal() and Path("/proc", pid).exists()


def _write(path: Path, line: bytes) -> None:
    """Write a line into the room that the one before had, which a full disk still has."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, line, 0)
        os.ftruncate(descriptor, len(line))
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(descriptor)
