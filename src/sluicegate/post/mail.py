"""Letters by e-mail, over SMTP.

Rules:
- The connection is encrypted, or the server is this machine.
- An address that is not confirmed gets one letter: the code that confirms it, which is not in the database.
- A letter has the same Message-ID at every attempt. All letters about a case are one thread.
- Only the code of a server's answer is reported, not its text.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from typing import Any

from sluicegate.core.lifecycle import notices
from sluicegate.ports import UNCONFIRMED, Letter, Subscription
from sluicegate.post.carrier import DeliveryFailure
from sluicegate.settings import PostSettings
from sluicegate_record.log import canonical, times

THREADS = 4
"""How many letters are handed over at the same time."""


class Mail:
    """Hands letters to the operator's mail server. `code` gives the code that confirms an address.

    `tls` checks the server's certificate; None means the system's.
    """

    def __init__(
        self, settings: PostSettings, code: Callable[[str], str], tls: ssl.SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._code = code
        self._tls = tls
        self._open: set[smtplib.SMTP] = set()
        self._threads = ThreadPoolExecutor(THREADS, "mail")

    async def deliver(self, subscription: Subscription, letter: Letter) -> DeliveryFailure | None:
        """Hand a letter over once."""
        code = self._code(subscription.id) if subscription.kind == UNCONFIRMED else None
        message = written(subscription, letter, self._settings.mail_from, code)
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._send, message)
        except smtplib.SMTPRecipientsRefused as error:
            status = min(status for status, _ in error.recipients.values())
            return DeliveryFailure(f"the mail server refused the recipient: {status}")
        except smtplib.SMTPResponseException as error:
            return DeliveryFailure(f"the mail server answered {error.smtp_code}")
        except (smtplib.SMTPException, OSError) as error:
            return DeliveryFailure(f"the mail server did not take it: {type(error).__name__}")
        return None

    async def close(self) -> None:
        """Stop the deliveries in progress, so that no thread continues to wait."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for smtp in tuple(self._open):
            if smtp.sock is not None:
                with suppress(OSError):
                    socket.socket.shutdown(smtp.sock, socket.SHUT_RDWR)

    def _send(self, message: EmailMessage) -> None:
        settings = self._settings
        smtp = _Connection(settings, self._open)
        try:
            if not is_here(settings.smtp_host):
                smtp.starttls(context=self._tls or ssl.create_default_context())
            if settings.smtp_user:
                smtp.login(settings.smtp_user, settings.smtp_password)
            smtp.send_message(message)
            # The letter is the server's here; how the server takes leave no longer matters.
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
        finally:
            self._open.discard(smtp)
            smtp.close()


class _Connection(smtplib.SMTP):
    """A connection that can be stopped as soon as it exists: before the server's first word."""

    def __init__(self, settings: PostSettings, opened: set[smtplib.SMTP]) -> None:
        self._opened = opened
        try:
            super().__init__(settings.smtp_host, settings.smtp_port, timeout=settings.timeout_ms / 1000)
        except BaseException:
            opened.discard(self)
            raise

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        self.sock = socket.create_connection((host, port), timeout)
        self._opened.add(self)
        return self.sock


def written(subscription: Subscription, letter: Letter, sender: str, code: str | None = None) -> EmailMessage:
    """A letter as a mail message; with a `code` it is the one that asks for a confirmation."""
    body: Any = canonical.loads(letter.body)
    domain = sender.rpartition("@")[2]
    message = EmailMessage()
    message["From"] = sender
    message["To"] = subscription.target
    message["Subject"] = _subject(letter, body["type"])
    message["Date"] = format_datetime(datetime.fromtimestamp(_seconds(body), UTC))
    message["Message-ID"] = f"<{letter.message}@{domain}>"
    if letter.case:
        # The first message of the thread is one that nobody sent: so every one has the same parent.
        message["In-Reply-To"] = message["References"] = f"<{letter.case}.{subscription.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if code is not None:
        message.set_content(_CONFIRM.format(subscription=subscription.id, code=code))
        return message
    said = {"topic": body["type"], "at": body["timestamp"], **body["data"]}
    lines = [f"{name}: {value}" for name, value in said.items()]
    message.set_content("\n".join([*lines, "", _CLOSE]))
    return message


def _subject(letter: Letter, topic: str) -> str:
    if topic == notices.CONFIRMATION:
        return "Confirm this address"
    return f"{letter.case}: {topic}" if letter.case else "A test"


_CONFIRM = """Someone asked a Sluicegate control plane to send notices to this address.

If it was you: sluicegate notify confirm {subscription} {code}
If not, do nothing: nothing else is sent here. The code is good for a day.
"""
_CLOSE = (
    "You asked to be told. 'sluicegate notify list' shows your subscriptions, "
    "'sluicegate notify remove SUBSCRIPTION' ends one."
)


def is_here(host: str) -> bool:
    """Whether a host is this machine: then no one can listen in between."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _seconds(body: dict[str, Any]) -> int:
    return times.parse_time(body["timestamp"]) // 1000
