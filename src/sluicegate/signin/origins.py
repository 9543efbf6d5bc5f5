"""Where people sign in: one origin, which browsers bind cookies, forms and passkeys to.

Rules:
- An operator says the origin of a server that others reach. Without it, a server is for this machine alone:
  its origin is any name of this machine that the reader uses.
- What changes something comes from a page of the same origin. A request that does not say where it comes from
  is refused.

Source: WebAuthn Level 3, section 5.1.3; RFC 6265bis for `__Host-`; RFC 6761, section 6.3 for localhost.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request

from sluicegate import targets
from sluicegate.errors import InvalidInput, Unauthorized
from sluicegate.pages.page import address_unknown


@dataclass(frozen=True, slots=True)
class PagesOrigin:
    """An origin, such as `https://release.example` or `http://control.localhost:8600`."""

    origin: str

    @property
    def host(self) -> str:
        """The domain that passkeys are bound to."""
        return urlsplit(self.origin).hostname or ""

    @property
    def is_secure(self) -> bool:
        """Whether it is reached by TLS."""
        return self.origin.startswith("https://")

    @property
    def cookie(self) -> str:
        """The name of the cookie of a session."""
        return "__Host-session" if self.is_secure else "session"

    @property
    def attempt_cookie(self) -> str:
        """The name of the cookie of a sign-in at a provider."""
        return "__Host-attempt" if self.is_secure else "attempt"

    @property
    def takes_passkeys(self) -> bool:
        """Whether browsers make passkeys for it: not for an address."""
        return not self.host.replace(".", "").isdigit() and ":" not in self.host


def origin_of(request: Request, origin: str) -> str:
    """The origin of a request: what an operator has said, or the name of this machine that its reader uses.

    Empty: it came by another name, which anyone can write into a request.
    """
    found = PagesOrigin(origin or f"{request.url.scheme}://{request.url.netloc}")
    return found.origin if origin or targets.is_this_machine(found.host) else ""


def place_of(request: Request, origin: str) -> PagesOrigin:
    """The place of a request, where people sign in.

    Raises: Unauthorized: it was reached by a name that is not this machine's.
    """
    found = origin_of(request, origin)
    if not found:
        raise address_unknown("people sign in here from this machine only")
    return PagesOrigin(found)


def check_same(request: Request, place: PagesOrigin) -> None:
    """Check that a form comes from a page of the place. Raises: Unauthorized."""
    said = request.headers.get("origin")
    if said == place.origin or (said is None and request.headers.get("sec-fetch-site") == "same-origin"):
        return
    raise Unauthorized(
        f"a form that was not sent from {place.origin}",
        code="forbidden",
        remedy=f"open {place.origin} and use the form there",
    )


def origin(text: str) -> str:
    """An origin as an operator says it. Raises: InvalidInput."""
    parts = urlsplit(text)
    here = parts.hostname is not None and targets.is_this_machine(parts.hostname)
    usual = f"{parts.scheme}://{parts.netloc}"
    if not (parts.scheme == "https" or (parts.scheme == "http" and here)) or text.rstrip("/") != usual:
        said = f"{text[:80]!r}, expected an origin such as https://release.example"
        raise InvalidInput(said, remedy="a scheme, a name and perhaps a port; only this machine may be http")
    return usual.lower()
