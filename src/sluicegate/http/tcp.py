"""How a connection that says nothing is found to be dead."""

from __future__ import annotations

import socket

IDLE_S, EVERY_S, TIMES = 60, 15, 4
"""After how long a silence the system asks whether the peer is there, how often again, and how many times."""


def keep_alive(sock: socket.socket) -> None:
    """Let the system ask. What a listening socket accepts inherits it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, EVERY_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, TIMES)
