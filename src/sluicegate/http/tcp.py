"""What the sockets of connections do: they send at once, find dead peers, and can be reset.

Source: tcp(7), socket(7).
"""

from __future__ import annotations

import socket
import struct
from typing import Any

IDLE_S, EVERY_S, TIMES = 60, 15, 4
"""After how long a silence the system asks whether the peer is there, how often again, and how many times."""
_AT_ONCE = struct.pack("ii", 1, 0)


def keep_alive(sock: socket.socket) -> None:
    """Let the system ask. What a listening socket accepts inherits it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, EVERY_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, TIMES)


def send_at_once(sock: Any) -> None:
    """Wait for no more to send together. `sock` is a socket, or what a transport has for one."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def reset_at_close(sock: Any) -> None:
    """Let its close be a reset: the bytes in the kernel are dropped. `sock` as before."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
