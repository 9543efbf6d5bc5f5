"""What the routes work with on which officers make and sign statements: who is signed in, and what is kept.

Rules:
- Only the developer's staff come in here.
- A statement is read from its bytes, and said in words made of them, in each request that shows it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.acts import keys
from sluicegate.acts.act import DEVELOPER, AnyAct, AskOnce
from sluicegate.acts.keys import KeyFilter
from sluicegate.bounds import ACT_BODY_MAX
from sluicegate.control.pages import ask
from sluicegate.control.plane import ControlPlane
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput, SluicegateError, Unauthorized
from sluicegate.http.entrance import Entrance, Visitor
from sluicegate.http.measures import Requests
from sluicegate.http.threads import urgently
from sluicegate.pages import answers
from sluicegate.pages.answers import Refused, route
from sluicegate.pages.page import Sent
from sluicegate.ports import Preparations, PreparedStatement
from sluicegate.signin import routes as signin
from sluicegate.signin import signatures
from sluicegate.signin.door import Door, SignedIn
from sluicegate.signin.origins import PagesOrigin
from sluicegate.signin.signatures import PasskeySigner, signed_by
from sluicegate.statements import table
from sluicegate.statements.kind import AnyKind, Wording
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements.keys import PINS, KeyStatement
from sluicegate_record.statements.statement import Statement


@dataclass(frozen=True, slots=True)
class SigningRoutes:
    """What the routes of signing work with."""

    plane: ControlPlane
    entrance: Entrance
    measured: Requests

    @property
    def door(self) -> Door:
        """How people come in."""
        return self.plane.door

    @property
    def kept(self) -> Preparations:
        """The statements that are to be signed."""
        return self.plane.services.ledger.store.preparations

    def get(self, id_: str) -> PreparedStatement:
        """One of them. Raises: InvalidInput: it is not here."""
        found = self.kept.get(id_)
        if found is None:
            raise _gone()
        return found

    def of_set(self, found: PreparedStatement) -> Sequence[PreparedStatement]:
        """All that go on the record with one, it included. Raises: InvalidInput: they are not here."""
        if not found.is_of_set:
            return (found,)
        every = self.kept.of_set(found.id)
        if not every:
            raise _gone()
        return every


def _gone() -> InvalidInput:
    return InvalidInput(
        "no such statement waits here",
        code="draft_unknown",
        remedy="one that did is on the record, was taken back, or is too old: make it again",
    )


@dataclass(frozen=True, slots=True)
class SignatureStanding:
    """Who may sign a statement, by the ids of their keys; which officers have, and how many more must.

    `new_key` is the id of a key that it pins, which signs it, too; empty if it pins none.
    """

    officers: Mapping[str, str]
    signed: Collection[str]
    needed: int
    lacks: int
    new_key: str = ""
    lacks_new_key: bool = False

    @property
    def may_sign(self) -> Collection[str]:
        """The ids of the keys that sign it."""
        return self.officers.keys() | {self.new_key}

    @property
    def is_enough(self) -> bool:
        """Whether it can go on the record."""
        return not self.lacks and not self.lacks_new_key

    @property
    def needed_in_all(self) -> int:
        """How many signatures it needs, with that of a key that it pins."""
        return self.needed + bool(self.new_key)

    @property
    def counted(self) -> int:
        """How many of these it has."""
        return self.needed_in_all - self.lacks - self.lacks_new_key


@dataclass(frozen=True, slots=True)
class StaffRequest:
    """Someone of the developer's staff who is signed in, where, and what their form says."""

    signing: SigningRoutes
    request: Request
    visitor: Visitor
    who: SignedIn
    place: PagesOrigin
    sent: Sent
    ask: AskOnce
    """What answers the acts that they ask: each once, however many statements it is about."""
    known: dict[str, tuple[AnyKind, Statement]] = field(default_factory=dict)
    """The statements that were read, by id: all of a set are read for the words of each."""

    def page(
        self, template: str, values: Mapping[str, Any], status: int = 200, *, is_written: bool = False
    ) -> Response:
        """A page for them."""
        shown = {"reader": self.who.reader, "done": "", **values}
        return answers.private(template, shown, status, is_written=is_written)

    @property
    def officers(self) -> Mapping[str, str]:
        """The owners of the developer's keys that count, by the ids of the keys."""
        known = self.ask(keys.LIST, KeyFilter(state="counts"))
        return {each.keyid: each.owner for each in known.keys if each.party == known.developer}

    @property
    def signer(self) -> PasskeySigner:
        """They, with the passkeys that they can sign with here."""
        principal = self.who.principal
        known = self.signing.door.store.passkeys(principal.id) if self.place.takes_passkeys else ()
        return PasskeySigner(principal.id, self.place, signatures.pinnable(known, self.place))

    def for_trust(self, signer: PasskeySigner) -> Sequence[tuple[PublicKey, str]]:
        """Their passkeys, each with its text for a trust file."""
        return [(key, signatures.trust_text(key, self.who.principal.name)) for _, key in signer.own]

    def read(self, found: PreparedStatement) -> tuple[AnyKind, Statement]:
        """A statement and its kind, read from its bytes once for all of this request."""
        if found.id not in self.known:
            self.known[found.id] = read_statement(found)
        return self.known[found.id]

    def words(self, found: PreparedStatement, of_set: Sequence[PreparedStatement]) -> Iterator[str]:
        """What a statement of a set says, sentence by sentence."""
        how, stated = self.read(found)
        return how.words(stated, Wording(self.ask, found.opened, [self.read(each)[1] for each in of_set]))

    def needed(self, found: PreparedStatement, signed: Collection[str]) -> int:
        """How many officers sign a statement, where the keys with some ids have."""
        how, stated = self.read(found)
        return how.needed(stated, self.ask, signed)

    def standing(self, found: PreparedStatement) -> SignatureStanding:
        """Whose signatures a statement has, and which it lacks."""
        _, stated = self.read(found)
        officers, signed = self.officers, signed_by(found)
        owners = sorted({officers[each] for each in signed if each in officers})
        needed = self.needed(found, signed)
        lacks = max(0, needed - len(owners))
        if not isinstance(stated, KeyStatement) or stated.says != PINS:
            return SignatureStanding(officers, owners, needed, lacks)
        return SignatureStanding(officers, owners, needed, lacks, stated.keyid, stated.keyid not in signed)

    def premise(self, found: PreparedStatement, of_set: Sequence[PreparedStatement]) -> str:
        """The digest of what is said of a statement now, of what all of its set are bound to, and of how many
        sign it if no one has.
        """
        bound = (how.bound_to(stated, self.ask) for how, stated in map(self.read, of_set))
        known = [each for each in bound if each is not None]
        return canonical.digest([self.needed(found, ()), *known, *self.words(found, of_set)])

    def follows(self, said: Iterator[str]) -> Sequence[str]:
        """What a statement leads to now, as far as that can be said."""
        found: list[str] = []
        try:
            found.extend(said)
        except Refused as no:
            found.append(f"As it stands: {no.refusal.message}.")
        return found


Work = Callable[[StaffRequest], Awaitable[Response]]
"""Answers a request."""
Fault = SluicegateError | Refusal | None
"""Why something was not done, if it was not."""


def fault(why: Fault) -> Mapping[str, Any] | None:
    """An error or a refusal, as pages show it."""
    return None if why is None else answers.fault(why)


def read_statement(found: PreparedStatement) -> tuple[AnyKind, Statement]:
    """A statement, read from its bytes, and its kind."""
    how = table.BY_TYPE[dsse.predicate_type(found.envelope), found.is_of_set]
    return how, how.kind.read(found.envelope)


def page(signing: SigningRoutes, path: str, work: Work) -> Route:
    """The route of a page."""

    async def shown(request: Request) -> Response:
        arrived = await signin.arrived(signing.door, signing.entrance, request)
        if arrived is None:
            return signin.to_sign_in(request)
        visitor, who = arrived
        return await work(_staff(signing, request, visitor, who, {}))

    return route("GET", path, shown)


def form(signing: SigningRoutes, path: str, work: Work, most: int = ACT_BODY_MAX) -> Route:
    """The route of a form of at most so many bytes."""

    async def sent(request: Request) -> Response:
        act = await _act(signing, request)
        where = (signing.door, signing.entrance, request)
        visitor, who, fields = await signin.own_form(*where, act, most)
        return await work(_staff(signing, request, visitor, who, fields))

    return route("POST", path, sent)


async def _act(signing: SigningRoutes, request: Request) -> AnyAct | None:
    """The act that is done with the statement of a path: an order has a lane of its own.

    Raises: Unauthorized: not one of the developer's staff; nothing that they send is read.
    """
    arrived = await signin.arrived(signing.door, signing.entrance, request)
    if arrived is not None:
        _check_staff(arrived[1])
    id_ = request.path_params.get("id", "")
    found = await urgently(signing.kept.get, id_) if arrived is not None and id_ else None
    return None if found is None else read_statement(found)[0].act


def _staff(
    signing: SigningRoutes, request: Request, visitor: Visitor, who: SignedIn, sent: Sent
) -> StaffRequest:
    """Raises: Unauthorized: not one of the developer's staff."""
    _check_staff(who)
    asking = AskOnce(partial(ask, signing.plane.services, who.principal))
    return StaffRequest(signing, request, visitor, who, signing.door.place(request), sent, asking)


def _check_staff(who: SignedIn) -> None:
    """Raises: Unauthorized: not one of the developer's staff."""
    if who.principal.role != DEVELOPER:
        raise Unauthorized("the developer's officers sign here", code="forbidden")
