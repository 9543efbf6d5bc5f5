"""Hints between processes on one machine: one datagram that carries nothing, to a socket in a folder.

Rules:
- A hint may be lost, and anyone who may write to the folder may send one. Who gets it looks at the disk, and
  also looks without it, a little later.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "hint"


class HintSocket:
    """The socket in a folder that gets hints. It does not block."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        with _address(folder) as address:
            with suppress(FileNotFoundError):
                Path(address).unlink()
            self._socket.bind(address)

    def fileno(self) -> int:
        """What an event loop watches."""
        return self._socket.fileno()

    def drain(self) -> None:
        """Take every hint that is here: one is as good as many."""
        with suppress(BlockingIOError):
            while True:
                self._socket.recv(1)

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def send(folder: Path) -> None:
    """Send a hint to the socket in a folder; if no one listens there, it is lost."""
    kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
    with suppress(OSError), socket.socket(socket.AF_UNIX, kind) as sender, _address(folder) as address:
        sender.sendto(b"", address)


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """The socket's address: by the folder's descriptor, because an address has 107 bytes at most."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)
