"""Connections to machines that someone else names.

Rules:
- The address is checked where the connection is made, so that it cannot change between check and use. A name
  that leads to a private network is treated as that address.
- What went wrong with a connection is not said. Else who may name a URL could ask where a name leads to.
- It uses no proxy and no cookie, uses no connection twice, and decompresses nothing.
"""

from __future__ import annotations

import socket
import ssl
from functools import partial
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from sluicegate import targets

FAILED = (aiohttp.ClientError, OSError, ValueError)
"""What a request over such a connection raises when it fails."""
_LINE_MAX = 4_096


def session(
    allowed: targets.Networks,
    timeout_ms: int,
    *,
    encrypted: bool,
    resolver: AbstractResolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> aiohttp.ClientSession:
    """A session for https (`encrypted`) or for http, made in the event loop that uses it.

    Its requests must say `allow_redirects=False`. `resolver` looks up names, and `tls` checks certificates;
    None means the system's.

    Units: `timeout_ms` is for one request as a whole.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=resolver or aiohttp.ThreadedResolver(),
            use_dns_cache=False,
            force_close=True,
            happy_eyeballs_delay=None,
            socket_factory=partial(_socket, allowed, encrypted=encrypted),
            ssl=tls or True,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout_ms / 1000),
        trust_env=False,
        auto_decompress=False,
        max_line_size=_LINE_MAX,
        max_field_size=_LINE_MAX,
    )


def why(error: Exception) -> str:
    """What went wrong, in our own words. Requires: one of FAILED."""
    if isinstance(error, (aiohttp.ClientConnectorError, _Private)):
        return NO_CONNECTION
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return f"no answer in HTTP: {type(error).__name__}"


NO_CONNECTION = "no connection: nothing that may be reached answers under this name and port"


class _Private(OSError):
    """An address that we do not send to."""


def _socket(allowed: targets.Networks, info: tuple[Any, ...], *, encrypted: bool) -> socket.socket:
    """The socket for a connection, if it may be made."""
    family, kind, protocol, _, (host, port, *_) = info
    if not targets.may_reach(ip_address(host), port, allowed, encrypted=encrypted):
        raise _Private
    return socket.socket(family, kind, protocol)
