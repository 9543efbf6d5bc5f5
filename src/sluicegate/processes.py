"""What a process asks of its kernel, and what it tells the manager of services."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
from contextlib import suppress

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Let the kernel kill this process when its parent ends; now, if that has ended already.

    The thread that made this process counts as its parent. Source: prctl(2), PR_SET_PDEATHSIG.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def is_readable(descriptor: int, wait_s: float = 0) -> bool:
    """Whether there is something to read, or the other end is gone: now, or until `wait_s` are over.

    `select.select` fails on a descriptor over 1,023, which a process with many connections has.
    """
    asked = select.poll()
    asked.register(descriptor, select.POLLIN)
    return bool(asked.poll(1_000 * wait_s))


def tell_manager(state: str) -> None:
    """Tell the manager of services, if one has started this process and wants to know, such as `READY=1`.

    Source: sd_notify(3).
    """
    where = os.environ.get("NOTIFY_SOCKET", "")
    if where.startswith(("/", "@")):
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.sendto(state.encode(), where.replace("@", "\0", 1) if where[0] == "@" else where)
