"""The door of one server: its place, its sessions, who is known, and the ways in."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from sluicegate import journal
from sluicegate.core.access import apikey
from sluicegate.errors import InvalidInput, Unauthorized
from sluicegate.pages.frame import CONTROL, SiteFrame
from sluicegate.pages.page import Reader
from sluicegate.ports import Passkey, Principal, SignIns
from sluicegate.settings import PersonRule, SignInProvider
from sluicegate.signin import passkeys, sessions
from sluicegate.signin.challenges import Challenges
from sluicegate.signin.origins import PagesOrigin, place_of
from sluicegate.signin.provider import Attempt, Documents
from sluicegate.signin.sessions import Sessions

_ASKED = "sign in"
_BY = {"token": "a token", "invitation": "a link", "passkey": "a passkey", "provider": "an identity provider"}
PASSKEYS_MAX = 20
"""How many passkeys one principal has at most."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in, the id of the session, and its secret."""

    principal: Principal
    session: str
    secret: str

    @property
    def form_token(self) -> str:
        """What their forms carry."""
        return sessions.form_token(self.secret)

    @property
    def reader(self) -> Reader:
        """Who is signed in, as their pages show them."""
        return Reader.of(self.principal, self.form_token, self.session)


@dataclass(frozen=True, slots=True)
class Known:
    """Who may come in: a principal by its id, the holder of a token, one that a provider's rule names.

    Each gives None for anyone else.
    """

    by_id: Callable[[str], Principal | None]
    by_token: Callable[[str], Principal | None]
    by_rule: Callable[[PersonRule], Principal | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Door:
    """The ways in of one server. `home` is where a principal goes first.

    `origin` is that of the pages; empty: those of this machine. `frame` is what is around them.
    """

    store: SignIns
    sessions: Sessions
    challenges: Challenges
    known: Known
    home: Callable[[Principal], str]
    origin: str = ""
    frame: SiteFrame = CONTROL
    providers: tuple[SignInProvider, ...] = ()
    documents: Documents = field(default_factory=Documents)

    def place(self, request: Request) -> PagesOrigin:
        """Where a request is. Raises: Unauthorized."""
        return place_of(request, self.origin)

    def signed_in(self, secret: str) -> SignedIn | None:
        """Who has a session with this secret."""
        session = self.sessions.of(secret)
        found = None if session is None else self.known.by_id(session.principal)
        return SignedIn(found, session.id, secret) if session is not None and found is not None else None

    def by_token(self, token: str, agent: str) -> SignedIn:
        """Sign in the holder of a token. Raises: Unauthorized."""
        found = self.known.by_token(token)
        if found is None:
            said = "the token is not known here"
            raise Unauthorized(said, code="token_unknown", remedy=self._invite)
        return self._begun(found.id, "token", agent)

    def by_invitation(self, secret: str, agent: str) -> SignedIn:
        """Sign in by an invitation, which counts no more. Raises: Unauthorized."""
        found = self.store.take_invitation(apikey.digest(secret), self.sessions.now_ms())
        if found is None:
            said = "this link has been used, has ended, or is not known here"
            raise Unauthorized(said, code="invitation_unknown", remedy="ask who sent it for another one")
        return self._begun(found, "invitation", agent)

    def invited(self, secret: str) -> Principal | None:
        """Who an invitation is for, while it counts."""
        found = self.store.invited(apikey.digest(secret), self.sessions.now_ms())
        return None if found is None else self.known.by_id(found)

    def to_ask(self, place: PagesOrigin) -> str:
        """What a browser is asked to sign someone in: JSON."""
        return passkeys.to_ask(place, self.challenges.make(_ASKED))

    def by_passkey(self, place: PagesOrigin, answer: str, agent: str) -> SignedIn:
        """Sign in by a passkey. Raises: InvalidInput, Unauthorized."""
        challenge = passkeys.challenge_in(answer)
        self.challenges.use(challenge, _ASKED)
        passkey = self.store.passkey(passkeys.passkey_in(answer))
        if passkey is None:
            said = "the passkey is not known here"
            raise Unauthorized(said, code="passkey_unknown", remedy=f"use another one, or {self._invite}")
        counter = passkeys.counted(place, challenge, passkey, answer)
        begun = self._begun(passkey.principal, "passkey", agent)
        self.store.used_passkey(passkey.id, counter, self.sessions.now_ms())
        return begun

    def to_make(self, place: PagesOrigin, who: SignedIn) -> str:
        """What a browser is asked to make a passkey: JSON."""
        known = self.store.passkeys(who.principal.id)
        challenge = self.challenges.make(who.session)
        return passkeys.to_make(place, who.principal.id, who.principal.name, challenge, known)

    def add_passkey(self, place: PagesOrigin, who: SignedIn, name: str, answer: str) -> Passkey:
        """Keep a passkey that a browser has made. Raises: InvalidInput, Unauthorized."""
        challenge = passkeys.challenge_in(answer)
        self.challenges.use(challenge, who.session)
        made = passkeys.made(place, challenge, answer)
        if self.store.passkey(made.id) is not None:
            raise InvalidInput("this passkey is known already", code="passkey_known")
        if len(self.store.passkeys(who.principal.id)) >= PASSKEYS_MAX:
            said = f"you have {PASSKEYS_MAX} passkeys"
            raise InvalidInput(said, code="too_many_passkeys", remedy="remove one first")
        created_ms = self.sessions.now_ms()
        passkey = Passkey(made.id, who.principal.id, name, made.public_key, made.counter, created_ms)
        self.store.add_passkey(passkey)
        journal.note("passkey_added", "a passkey was made", who=who.principal.id, role=who.principal.role)
        return passkey

    def attempt(self, provider: str) -> Attempt:
        """A new sign-in at a provider."""
        challenge = self.challenges.make(f"provider {provider}")
        return Attempt(self.sessions.secret(), base64.urlsafe_b64encode(challenge).decode().rstrip("="))

    def check_attempt(self, provider: str, state: str) -> None:
        """Check that a state is that of an attempt of ours; it counts no more. Raises: Unauthorized."""
        try:
            challenge = base64.urlsafe_b64decode(state + "=" * (-len(state) % 4))
        except ValueError:
            challenge = b""
        self.challenges.use(challenge, f"provider {provider}")

    def by_provider(self, rule: PersonRule, agent: str) -> SignedIn:
        """Sign in the principal that a rule names. Raises: Unauthorized."""
        found = self.known.by_rule(rule)
        if found is None:
            said = f"the rule for you names {rule.role} {rule.name}, which is not one that may come in"
            raise Unauthorized(
                said, code="person_unknown", remedy="ask those who run this server to look at it"
            )
        return self._begun(found.id, "provider", agent)

    @property
    def _invite(self) -> str:
        return f"ask {self.frame.inviter} for an invitation"

    def _begun(self, principal: str, how: str, agent: str) -> SignedIn:
        found = self.known.by_id(principal)
        if found is None:
            raise Unauthorized("your access here has ended", code="token_unknown", remedy=self._invite)
        session, secret = self.sessions.begin(principal, how, agent)
        journal.note("signed_in", f"someone signed in by {_BY[how]}", who=found.id, role=found.role)
        return SignedIn(found, session, secret)
