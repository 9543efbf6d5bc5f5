"""Letters by webhook, signed as Standard Webhooks says.

Rules:
- The address is checked where the connection is made, so that nothing can change between check and use;
  a name that leads to a private network is as good as that address.
- No redirect is followed, no proxy or cookie used, and nothing of an answer is read but its status.
- A 2xx status is an arrival, 410 says that nothing more is wanted, anything else is a failure.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from sluicegate import __version__
from sluicegate.core import notices, targets
from sluicegate.errors import InvalidInput
from sluicegate.ports import Letter, Subscription
from sluicegate.post.carrier import Failure
from sluicegate.settings import PostSettings

_LINE_MAX = 4_096


class Webhooks:
    """Posts letters; `secret` gives the secret of a subscription. Made in the event loop that uses it.

    `resolver` and `tls` are what names and certificates are looked up with, the system's if None.
    """

    def __init__(
        self,
        settings: PostSettings,
        secret: Callable[[str], bytes],
        *,
        wall_ms: Callable[[], int],
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = settings.webhook_networks
        self._secret = secret
        self._wall_ms = wall_ms
        self._sessions = {
            scheme: aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=resolver or aiohttp.ThreadedResolver(),
                    use_dns_cache=False,
                    force_close=True,
                    happy_eyeballs_delay=None,
                    socket_factory=partial(_socket, self._allowed, encrypted=scheme == "https"),
                    ssl=tls or True,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=settings.timeout_ms / 1000),
                trust_env=False,
                auto_decompress=False,
                max_line_size=_LINE_MAX,
                max_field_size=_LINE_MAX,
            )
            for scheme in ("https", "http")
        }

    async def deliver(self, subscription: Subscription, letter: Letter) -> Failure | None:
        """Post a letter once."""
        try:
            targets.check_webhook(subscription.target, self._allowed)
            status = await self._post(subscription, letter)
        except InvalidInput as error:
            return Failure(error.message)
        except _Private as error:
            return Failure(str(error))
        except aiohttp.ClientConnectorError as error:
            refused = error.os_error if isinstance(error.os_error, _Private) else None
            return Failure(str(refused) if refused else "no connection")
        except TimeoutError:
            return Failure("no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Failure(f"no answer in HTTP: {type(error).__name__}")
        return None if 200 <= status < 300 else Failure(f"it answered {status}", gone=status == 410)

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(session.close() for session in self._sessions.values()))

    async def _post(self, subscription: Subscription, letter: Letter) -> int:
        timestamp_s = self._wall_ms() // 1000
        key = self._secret(subscription.id)
        headers = {
            "content-type": "application/json",
            "user-agent": f"sluicegate/{__version__}",
            "webhook-id": letter.message,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": notices.sign(key, letter.message, timestamp_s, letter.body),
        }
        session = self._sessions[subscription.target.partition(":")[0].lower()]
        sending = session.post(subscription.target, data=letter.body, headers=headers, allow_redirects=False)
        async with sending as response:
            status = response.status
            response.close()
        return status


class _Private(OSError):
    """An address that is not sent to."""


def _socket(allowed: targets.Networks, info: tuple[Any, ...], *, encrypted: bool) -> socket.socket:
    """The socket for a connection, if it may be made."""
    family, kind, protocol, _, (host, port, *_) = info
    if not targets.may_reach(ip_address(host), port, allowed, encrypted=encrypted):
        raise _Private(f"{host} port {port} is not sent to")
    return socket.socket(family, kind, protocol)
