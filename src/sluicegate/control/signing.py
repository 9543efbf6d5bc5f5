"""The routes on which officers sign: a statement is made, shown in words, signed with passkeys, and recorded.

Rules:
- Only an officer's passkey signs: one that the record has pinned for the developer, of who is signed in.
- A signature is verified as the record verifies it, before it is kept.
- A statement that lacks an officer is kept in memory only, for a day, at most so many of each maker. When it
  is lost, it is made and signed again: nothing rests on it before it is on the record.
- Only who made it, or has signed it, takes it back.
- Who signs next sees the statement as it is, in words made from its bytes again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.acts import directives, keys
from sluicegate.acts.act import DEVELOPER, ActAnswer
from sluicegate.acts.keys import KeyFilter
from sluicegate.control.command_journal import journaled
from sluicegate.control.pages import ask, reader_of
from sluicegate.control.plane import ControlPlane
from sluicegate.control.routes import done
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput, SluicegateError, Unauthorized
from sluicegate.http.entrance import Entrance, Visitor
from sluicegate.http.measures import Requests
from sluicegate.pages import answers, statements
from sluicegate.pages.answers import route
from sluicegate.pages.page import Sent, one
from sluicegate.pages.statements import Making, OfficerStatement, Wording
from sluicegate.parsing.request import written
from sluicegate.ports import Passkey
from sluicegate.signin import passkeys, signatures
from sluicegate.signin import routes as signin
from sluicegate.signin.door import Door, SignedIn
from sluicegate.signin.origins import PagesOrigin
from sluicegate_record.form import Json
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import PAYLOAD_TYPE_INTOTO, Envelope, Signature
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.log.webauthn import challenge
from sluicegate_record.statements.statement import Statement

HERE = "/to-sign"
KEPT_MAX, KEPT_MS = 20, DAY_MS
"""How many statements of each maker that lack a signature are kept, and for how long."""


@dataclass(frozen=True, slots=True)
class DraftStatement:
    """A statement that is to be signed. `id` is the digest of its bytes in hex digits; `by` and
    `maker` are the name and the id of who made it.

    Units: milliseconds since 1970 UTC.
    """

    id: str
    how: OfficerStatement
    payload: bytes
    needed: int
    by: str
    maker: str
    at_ms: int
    opened: Mapping[str, Opening] = field(default_factory=dict)
    signatures: tuple[Signature, ...] = ()

    @property
    def envelope(self) -> Envelope:
        """It with the signatures so far."""
        return Envelope(PAYLOAD_TYPE_INTOTO, self.payload, self.signatures)

    @property
    def statement(self) -> Statement:
        """It, read from its bytes."""
        return self.how.kind.read(self.envelope)


class UnfinishedStatements:
    """The statements that lack a signature, in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, DraftStatement] = {}
        self._lock = threading.Lock()

    def put(self, draft: DraftStatement) -> None:
        """Keep one, unless it is here. If there are too many of its maker, their oldest goes."""
        with self._lock:
            fresh = {key: each for key, each in self._kept.items() if each.at_ms > draft.at_ms - KEPT_MS}
            fresh.setdefault(draft.id, draft)
            own = [key for key, each in fresh.items() if each.maker == draft.maker]
            for key in own[:-KEPT_MAX]:
                del fresh[key]
            self._kept = fresh

    def sign(self, id_: str, signature: Signature) -> DraftStatement:
        """Add a signature to one. Raises: InvalidInput: it is not here, or its key has signed it already."""
        with self._lock:
            found = self._kept.get(id_)
            if found is None:
                raise _gone()
            if any(each.keyid == signature.keyid for each in found.signatures):
                raise InvalidInput("your passkey has signed it already", remedy="another officer signs next")
            signed = replace(found, signatures=(*found.signatures, signature))
            self._kept[id_] = signed
        return signed

    def find(self, id_: str, now_ms: int) -> DraftStatement | None:
        """One, if it is here."""
        return next((each for each in self.all(now_ms) if each.id == id_), None)

    def get(self, id_: str, now_ms: int) -> DraftStatement:
        """One. Raises: InvalidInput: it is not here."""
        found = self.find(id_, now_ms)
        if found is None:
            raise _gone()
        return found

    def all(self, now_ms: int) -> Sequence[DraftStatement]:
        """All, the newest first."""
        with self._lock:
            return [each for each in reversed(self._kept.values()) if each.at_ms > now_ms - KEPT_MS]

    def forget(self, id_: str) -> None:
        """Forget one."""
        with self._lock:
            self._kept.pop(id_, None)


def _gone() -> InvalidInput:
    return InvalidInput(
        "this statement is not here any more",
        code="draft_unknown",
        remedy="it is on the record, was taken back, or is older than a day: make it again",
    )


@dataclass(frozen=True, slots=True)
class SigningRoutes:
    """What the routes of signing work with."""

    plane: ControlPlane
    entrance: Entrance
    measured: Requests
    drafts: UnfinishedStatements = field(default_factory=UnfinishedStatements)

    @property
    def door(self) -> Door:
        """How people come in."""
        return self.plane.door

    @property
    def now_ms(self) -> int:
        """The log's time, milliseconds since 1970 UTC."""
        return self.plane.services.ledger.now_ms()


@dataclass(frozen=True, slots=True)
class StaffRequest:
    """Someone of the developer's staff who is signed in, where, and what their form says."""

    request: Request
    visitor: Visitor
    who: SignedIn
    place: PagesOrigin
    sent: Sent

    def page(self, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
        """A page for them."""
        return answers.private(template, {"reader": reader_of(self.who), "done": "", **values}, status)


Work = Callable[[SigningRoutes, StaffRequest], Awaitable[Response]]
"""Answers a request."""


def routes(plane: ControlPlane, entrance: Entrance, measured: Requests) -> list[Route]:
    """The routes of signing."""
    signing = SigningRoutes(plane, entrance, measured)
    return [
        _page(signing, HERE, _list),
        _form(signing, HERE, _make),
        _page(signing, f"{HERE}/{{id}}", _show),
        _form(signing, f"{HERE}/{{id}}", _sign),
        _form(signing, f"{HERE}/{{id}}/forget", _forget),
    ]


async def _list(signing: SigningRoutes, here: StaffRequest) -> Response:
    def first(draft: DraftStatement) -> str:
        return next(iter(_words(signing, here, draft)))

    with here.visitor.place():
        drafts = signing.drafts.all(signing.now_ms)
        words = await here.visitor.run(lambda: [first(each) for each in drafts])
    return here.page("to_sign_list.html", {"drafts": list(zip(drafts, words, strict=True))})


def _words(signing: SigningRoutes, here: StaffRequest, draft: DraftStatement) -> Iterator[str]:
    asks = partial(ask, signing.plane.services, here.who.principal)
    return draft.how.words(draft.statement, Wording(asks, draft.opened))


async def _make(signing: SigningRoutes, here: StaffRequest) -> Response:
    how = statements.STATEMENTS.get(one(here.sent, "what"))
    if how is None:
        raise InvalidInput("no such statement", remedy="use the form of its page")
    given = {name: one(here.sent, name) for name in here.sent}
    order = await _order(signing, here, given) if how is statements.DIRECTIVE else None
    with here.visitor.place():
        draft = await here.visitor.run(_drafted, signing, here, how, given, order)
    return answers.next_page(f"{HERE}/{draft.id}")


def _drafted(
    signing: SigningRoutes, here: StaffRequest, how: OfficerStatement, given: Mapping[str, str], order: Json
) -> DraftStatement:
    services, who = signing.plane.services, here.who.principal
    made = how.make(Making(partial(ask, services, who), given, order))
    now_ms = services.ledger.now_ms()
    payload = made.statement.payload_at(now_ms)
    name = canonical.sha256_hex(payload).removeprefix("sha256:")
    draft = DraftStatement(name, how, payload, made.needed, who.name, who.id, now_ms, made.opened)
    signing.drafts.put(draft)
    return draft


async def _order(signing: SigningRoutes, here: StaffRequest, given: Mapping[str, str]) -> Json:
    """The order in a form, as it is read of its text. Raises: InvalidInput."""
    asked = written(directives.PREVIEW, {"text": given.get("text", "")})
    read = await signing.plane.parsers.read(*asked, here.who.principal, here.visitor.run)
    assert read.reading is not None
    found: Json = read.reading.required()
    return found


async def _show(signing: SigningRoutes, here: StaffRequest) -> Response:
    draft = signing.drafts.get(here.request.path_params["id"], signing.now_ms)
    return await _shown(signing, here, draft, None)


async def _shown(
    signing: SigningRoutes, here: StaffRequest, draft: DraftStatement, why: SluicegateError | Refusal | None
) -> Response:
    """The page of a statement; `why` it was not signed, or is not on the record."""
    with here.visitor.place():
        values = await here.visitor.run(_view, signing, here, draft)
    fault = None if why is None else {"message": why.message, "remedy": why.remedy, "at": ()}
    return here.page("to_sign.html", {**values, "fault": fault}, 200 if why is None else 400)


def _view(signing: SigningRoutes, here: StaffRequest, draft: DraftStatement) -> dict[str, Any]:
    officers, stated = _officers(signing, here), draft.statement
    own = _own(signing, here)
    signed = {each.keyid for each in draft.signatures}
    usable = [passkey for passkey, key in own if key.keyid in officers and key.keyid not in signed]
    digest = challenge(dsse.pae(PAYLOAD_TYPE_INTOTO, draft.payload))
    return {
        "draft": draft,
        "words": tuple(_words(signing, here, draft)),
        "signed": sorted(officers[each] for each in signed if each in officers),
        "options": passkeys.to_ask(here.place, digest, usable) if usable else "",
        "own": [signatures.trust_text(key, here.who.principal.name) for _, key in own],
        "command": draft.how.command(stated),
        "payload": json.loads(draft.payload),
        "may_take_back": _may_take_back(signing, here, draft),
    }


def _officers(signing: SigningRoutes, here: StaffRequest) -> Mapping[str, str]:
    """The owners of the developer's keys that count, by the ids of the keys."""
    services = signing.plane.services
    found = ask(services, here.who.principal, keys.LIST, KeyFilter(state="counts"))
    return {each.keyid: each.owner for each in found.keys if each.party == found.developer}


def _own(signing: SigningRoutes, here: StaffRequest) -> list[tuple[Passkey, PublicKey]]:
    """The passkeys of who is signed in, in the form in which they are pinned."""
    known = signing.door.store.passkeys(here.who.principal.id) if here.place.takes_passkeys else ()
    return signatures.pinnable(known, here.place)


async def _sign(signing: SigningRoutes, here: StaffRequest) -> Response:
    """Take a signature. Once there are enough, the statement goes on the record."""
    draft = signing.drafts.get(here.request.path_params["id"], signing.now_ms)
    try:
        answer = one(here.sent, "answer")
        if answer:
            with here.visitor.place():
                draft = await here.visitor.run(_with_signature, signing, here, draft, answer)
        with here.visitor.place():
            officers = await here.visitor.run(_officers, signing, here)
        owners = {officers[each.keyid] for each in draft.signatures if each.keyid in officers}
        if len(owners) < draft.needed:
            return answers.next_page(f"{HERE}/{draft.id}")
        refused = await _recorded(signing, here, draft)
    except SluicegateError as error:
        if isinstance(error, Unauthorized):
            raise
        return await _shown(signing, here, draft, error)
    if refused is not None:
        return await _shown(signing, here, draft, refused)
    signing.drafts.forget(draft.id)
    return answers.next_page(f"{draft.how.after(draft.statement)}?done={draft.how.act.name}")


def _with_signature(
    signing: SigningRoutes, here: StaffRequest, draft: DraftStatement, answer: str
) -> DraftStatement:
    officers, named = _officers(signing, here), passkeys.passkey_in(answer)
    own = {passkey.id: key for passkey, key in _own(signing, here) if key.keyid in officers}
    if named not in own:
        raise InvalidInput(
            "this passkey is no officer's key",
            code="passkey_unknown",
            remedy="the page says how it becomes one",
        )
    return signing.drafts.sign(draft.id, signatures.signature(draft.payload, own[named], answer))


async def _recorded(signing: SigningRoutes, here: StaffRequest, draft: DraftStatement) -> Refusal | None:
    """Do the act that puts a statement on the record; why it is refused, if it is."""
    act = draft.how.act
    asked = draft.how.asked(draft.envelope.to_json(), draft.opened)
    with journaled(signing.measured, act) as seen:
        seen.visitor = here.visitor
        request, name = written(act, asked.to_json()), f"sign_{draft.id[:48]}"
        answer: ActAnswer | Refusal = await done(signing.plane, here.request, seen, *request, name)
    return answer if isinstance(answer, Refusal) else None


def _may_take_back(signing: SigningRoutes, here: StaffRequest, draft: DraftStatement) -> bool:
    """Whether someone made a statement, or has signed it."""
    own = {key.keyid for _, key in _own(signing, here)}
    return draft.maker == here.who.principal.id or any(each.keyid in own for each in draft.signatures)


async def _forget(signing: SigningRoutes, here: StaffRequest) -> Response:
    draft = signing.drafts.get(here.request.path_params["id"], signing.now_ms)
    with here.visitor.place():
        may = await here.visitor.run(_may_take_back, signing, here, draft)
    if not may:
        raise Unauthorized("who made a statement or has signed it takes it back", code="forbidden")
    signing.drafts.forget(draft.id)
    return answers.next_page(HERE)


def _page(signing: SigningRoutes, path: str, work: Work) -> Route:
    async def shown(request: Request) -> Response:
        arrived = await signin.arrived(signing.door, signing.entrance, request)
        if arrived is None:
            return signin.to_sign_in(request)
        visitor, who = arrived
        _check(who)
        return await work(signing, StaffRequest(request, visitor, who, signing.door.place(request), {}))

    return route("GET", path, shown)


def _form(signing: SigningRoutes, path: str, work: Work) -> Route:
    async def sent(request: Request) -> Response:
        draft = signing.drafts.find(request.path_params.get("id", ""), signing.now_ms)
        act = None if draft is None else draft.how.act  # an order has a lane of its own
        visitor, who, fields = await signin.own_form(signing.door, signing.entrance, request, act)
        _check(who)
        return await work(signing, StaffRequest(request, visitor, who, signing.door.place(request), fields))

    return route("POST", path, sent)


def _check(who: SignedIn) -> None:
    """Raises: Unauthorized: not one of the developer's staff."""
    if who.principal.role != DEVELOPER:
        raise Unauthorized("the developer's officers sign here", code="forbidden")
