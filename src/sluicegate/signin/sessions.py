"""Sessions: who is signed in, by a secret in a cookie.

Rules:
- A session ends after a while without use, and after a day in any case. Its principal can end it, and it ends
  when the principal's token ends.
- A secret is made at every sign-in: none that a browser brought before it counts.
- Forms carry a token that only pages of the same session know.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.core.access import apikey
from sluicegate.errors import Unauthorized
from sluicegate.ports import PageSession, SignIns
from sluicegate.signin.origins import PagesOrigin

IDLE_MS = 8 * 3_600_000
LASTS_MS = 24 * 3_600_000
NOTED_MS = 60_000
"""How often it is noted that a session is in use."""
ATTEMPT_S = 600
"""How long a sign-in at a provider may take."""
AGENT_MAX = 200
SESSIONS_MAX = 20
"""How many sessions of one principal count at a time: the latest ones."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of one server. `random` makes secrets."""

    store: SignIns
    now_ms: Callable[[], int]
    random: Callable[[int], bytes]

    def begin(self, principal: str, how: str, agent: str) -> tuple[str, str]:
        """Sign a principal in: the id of the session, and its secret."""
        secret, now_ms = self.secret(), self.now_ms()
        name = f"ses_{base64.b32encode(self.random(10)).decode().lower()}"
        session = PageSession(name, principal, how, agent[:AGENT_MAX], now_ms, now_ms, now_ms + IDLE_MS)
        self.store.begin(apikey.digest(secret), session, SESSIONS_MAX)
        return name, secret

    def of(self, secret: str) -> PageSession | None:
        """The session of a secret, if it has not ended. It is noted that it is in use."""
        now_ms = self.now_ms()
        found = self.store.signed_in(apikey.digest(secret), now_ms)
        if found is not None and now_ms - found.seen_ms > NOTED_MS:
            self.store.saw(found.id, now_ms, min(now_ms + IDLE_MS, found.created_ms + LASTS_MS))
        return found

    def secret(self) -> str:
        """A new one, of 32 bytes."""
        return base64.urlsafe_b64encode(self.random(32)).decode().rstrip("=")


def form_token(secret: str) -> str:
    """What forms of a session carry."""
    return hmac.digest(secret.encode(), b"form", hashlib.sha256).hex()


def check_form(secret: str, given: str) -> None:
    """Check that a form was made for this session. Raises: Unauthorized."""
    if not hmac.compare_digest(form_token(secret).encode(), given.encode()):
        said = "a form that was not made for your session"
        raise Unauthorized(
            said, code="forbidden", remedy="go back, load the page again, and send it from there"
        )


def secret_of(request: Request, place: PagesOrigin) -> str | None:
    """The secret that a browser brings; None if it brings none, or two, of which one may be planted."""
    pairs = (each.strip().partition("=") for each in request.headers.get("cookie", "").split(";"))
    found = [value for name, _, value in pairs if name == place.cookie]
    return found[0] if len(found) == 1 else None


def keep(response: Response, place: PagesOrigin, cookie: str, secret: str) -> Response:
    """Have the browser keep a secret in a cookie: of a session, or of a sign-in at a provider."""
    lasts_s = LASTS_MS // 1_000 if cookie == place.cookie else ATTEMPT_S
    response.set_cookie(
        cookie, secret, max_age=lasts_s, secure=place.is_secure, httponly=True, samesite="lax"
    )
    return response


def forget(response: Response, place: PagesOrigin, cookie: str) -> Response:
    """Have the browser forget it."""
    response.delete_cookie(cookie, secure=place.is_secure, httponly=True, samesite="lax")
    return response
