"""Letters by webhook, signed as Standard Webhooks says.

Rules:
- Connections are those of `post.outbound`; no redirect is followed.
- Only the status of an answer is read, and how long it asks to wait (`Retry-After`).
- A 2xx status means that the letter arrived. 410 means that the receiver wants no more letters. Any other
  status is a failure.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from aiohttp.abc import AbstractResolver

from sluicegate import __version__, targets
from sluicegate.core.lifecycle import notices
from sluicegate.errors import InvalidInput
from sluicegate.ports import Letter, Subscription
from sluicegate.post import outbound
from sluicegate.post.carrier import DeliveryFailure
from sluicegate.settings import PostSettings


class Webhooks:
    """Posts letters; `secret` gives the secret of a subscription. Made in the event loop that uses it.

    `resolver` looks up names, and `tls` checks certificates; None means the system's.
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
            scheme: outbound.session(
                self._allowed,
                settings.timeout_ms,
                encrypted=scheme == "https",
                resolver=resolver,
                tls=tls,
            )
            for scheme in ("https", "http")
        }

    async def deliver(self, subscription: Subscription, letter: Letter) -> DeliveryFailure | None:
        """Post a letter once."""
        try:
            targets.check_webhook(subscription.target, self._allowed)
            status, wait_ms = await self._post(subscription, letter)
        except InvalidInput as error:
            return DeliveryFailure(error.message)
        except outbound.FAILED as error:
            return DeliveryFailure(outbound.why(error))
        if 200 <= status < 300:
            return None
        return DeliveryFailure(f"it answered {status}", gone=status == 410, wait_ms=wait_ms)

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(session.close() for session in self._sessions.values()))

    async def _post(self, subscription: Subscription, letter: Letter) -> tuple[int, int]:
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
            found = response.status, _wait_ms(response.headers.get("retry-after", ""), self._wall_ms())
            response.close()
        return found


def _wait_ms(retry_after: str, now_ms: int) -> int:
    """How long a `Retry-After` asks to wait; 0 where it asks nothing. Source: RFC 9110 section 10.2.3."""
    if retry_after.isascii() and retry_after.isdigit():
        return 1_000 * int(retry_after[:9])
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0
    return max(0, int(1_000 * at.timestamp()) - now_ms)
