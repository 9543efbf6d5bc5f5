"""Signing in by an organization's identity provider: OpenID Connect, the code flow with PKCE.

Rules:
- The operator's file says which providers there are, and who of theirs comes in as which principal. What a
  provider says of a person is compared with that.
- A code counts in the browser that asked for it: the nonce and the verifier come from a secret in its cookie.
- A token counts once its signature, issuer, audience, times and nonce are checked. An e-mail address counts
  only if the provider says that it has verified it.
- Addresses come from the issuer's own document, over https; on this machine also without.

Source: OpenID Connect Core 1.0, sections 3.1 and 5.1; Discovery 1.0; RFC 7636; RFC 9207.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import jwt

from sluicegate import targets
from sluicegate.core.people.assertion import ALGORITHMS
from sluicegate.errors import Unauthorized, Unreachable
from sluicegate.pace import steady_ms
from sluicegate.settings import PersonRule, SignInProvider

ANSWER_MAX, TIMEOUT_S, LEEWAY_S = 262_144, 10, 60
AT_ONCE, KEPT_MS = 8, 300_000.0
_DISCOVERY = "/.well-known/openid-configuration"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in at a provider: the secret in the browser's cookie, and the state that goes to and fro."""

    secret: str
    state: str

    @property
    def nonce(self) -> str:
        """What the provider's token must have."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """What redeems the code."""
        return self._derived("verifier")

    def _derived(self, what: str) -> str:
        digest = hashlib.sha256(f"{what} {self.secret} {self.state}".encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Documents:
    """What providers say of themselves, kept for some minutes. `room` is for as many sign-ins at once."""

    now_ms: Callable[[], float] = steady_ms
    kept: dict[str, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """One provider. `callback` is the address to which it sends browsers back."""

    settings: SignInProvider
    callback: str
    documents: Documents

    async def to_ask(self, attempt: Attempt) -> str:
        """Where the browser goes to sign in. Raises: Unreachable."""
        async with self.documents.room, self._session() as session:
            known = await self._known(session)
        digest = hashlib.sha256(attempt.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.callback,
            "scope": self.settings.scope,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        address = known["authorization_endpoint"]
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}"

    async def person(self, attempt: Attempt, code: str) -> PersonRule:
        """Who has signed in, by the operator's rules. Raises: Unauthorized, Unreachable."""
        async with self.documents.room, self._session() as session:
            known = await self._known(session)
            token = await self._redeemed(session, known, attempt, code)
            keys = await _fetched(session, known["jwks_uri"])
        claims = self._claims(token, keys, attempt)
        found = next((rule for rule in self.settings.people if _fits(rule, claims)), None)
        if found is None:
            said = f"{self.settings.title} does not say of you what lets someone in here"
            raise Unauthorized(said, code="person_unknown", remedy="ask those who run this server to add you")
        return found

    def _session(self) -> aiohttp.ClientSession:
        tls = ssl.create_default_context(cafile=self.settings.ca_file) if self.settings.ca_file else True
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), connector=aiohttp.TCPConnector(ssl=tls)
        )

    async def _known(self, session: aiohttp.ClientSession) -> Mapping[str, Any]:
        """What the provider says of itself. Raises: Unreachable: it is not its issuer's document."""
        until_ms, kept = self.documents.kept.get(self.settings.name, (0.0, {}))
        if self.documents.now_ms() < until_ms:
            return kept
        found = await _fetched(session, self.settings.issuer.rstrip("/") + _DISCOVERY)
        if found.get("issuer") != self.settings.issuer:
            raise _unreachable("its document is of another issuer")
        for name in _ENDPOINTS:
            if not is_safe(found.get(name)):
                raise _unreachable(f"its document has no {name} by https")
        self.documents.kept[self.settings.name] = self.documents.now_ms() + KEPT_MS, found
        return found

    async def _redeemed(
        self, session: aiohttp.ClientSession, known: Mapping[str, Any], attempt: Attempt, code: str
    ) -> str:
        """The token for a code. Raises: Unauthorized: it counts no more. Unreachable."""
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": attempt.verifier,
        }
        names = (quote(each, safe="") for each in (self.settings.client_id, self.settings.client_secret))
        own = {"authorization": aiohttp.encode_basic_auth(*names)}
        found = await _fetched(session, known["token_endpoint"], given, own)
        token = found.get("id_token")
        if not isinstance(token, str):
            raise _refused("it gave no token for this sign-in")
        return token

    def _claims(self, token: str, keys: Mapping[str, Any], attempt: Attempt) -> Mapping[str, Any]:
        """What a token says, once all of it is checked. Raises: Unauthorized."""
        try:
            header = jwt.get_unverified_header(token)
            usable = [key for key in jwt.PyJWKSet.from_dict(dict(keys)).keys if _is_named(key, header)]
            if len(usable) != 1:
                raise _refused("its token is signed with a key that it does not show")
            claims = jwt.decode(
                token,
                usable[0],
                algorithms=sorted(ALGORITHMS),
                audience=self.settings.client_id,
                issuer=self.settings.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "sub", "aud", "iss"], "strict_aud": False},
            )
        except jwt.PyJWTError as error:
            raise _refused("its token does not verify") from error
        if claims.get("nonce") != attempt.nonce:
            raise _refused("its token is for another sign-in")
        if claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise _refused("its token is for another program")
        return dict(claims)


def is_safe(address: object) -> bool:
    """Whether an address is by https, or on this machine."""
    if not isinstance(address, str):
        return False
    parts = urlsplit(address)
    is_here = targets.is_this_machine(parts.hostname or "")
    return parts.scheme == "https" or (parts.scheme == "http" and is_here)


def _is_named(key: jwt.PyJWK, header: Mapping[str, Any]) -> bool:
    """Whether a key is the one that a header names, for signatures."""
    if key.public_key_use not in {None, "sig"}:
        return False
    return header.get("kid") is None or key.key_id == header["kid"]


def _fits(rule: PersonRule, claims: Mapping[str, Any]) -> bool:
    found = claims.get(rule.claim)
    if rule.claim == "email" and claims.get("email_verified") is not True:
        return False
    return rule.value in found if isinstance(found, list) else found == rule.value


async def _fetched(
    session: aiohttp.ClientSession,
    address: str,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The object at an address, or what a form sent there is answered. Raises: Unauthorized, Unreachable."""
    method = "GET" if form is None else "POST"
    try:
        async with session.request(
            method, address, data=form, headers=headers, allow_redirects=False
        ) as response:
            body = await response.content.read(ANSWER_MAX + 1)
            status = response.status
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise _unreachable("it does not answer") from error
    if form is not None and status in {400, 401}:
        raise _refused("it does not accept the sign-in")
    try:
        found = json.loads(body) if status == 200 and len(body) <= ANSWER_MAX else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _unreachable(f"it answered {status} with nothing to read")
    return found


def _refused(why: str) -> Unauthorized:
    said = f"the identity provider: {why}"
    return Unauthorized(said, code="provider_refused", remedy="begin again at the page to sign in")


def _unreachable(why: str) -> Unreachable:
    return Unreachable(f"the identity provider: {why}", code="provider_unreachable")
