"""Processes that end with their parent, however it ends; and what they tell the manager of services."""

from __future__ import annotations

import ctypes
import os
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


def tell_manager(state: str) -> None:
    """Tell the manager of services, if one has started this process and wants to know, such as `READY=1`.

    Source: sd_notify(3).
    """
    where = os.environ.get("NOTIFY_SOCKET", "")
    if where.startswith(("/", "@")):
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.sendto(state.encode(), where.replace("@", "\0", 1) if where[0] == "@" else where)
