"""The routes on which officers sign: a statement is made, shown in words, signed with passkeys, and recorded.

Rules:
- Only an officer's passkey signs: one that the record has pinned for the developer, of who is signed in; and
  the key that a statement pins, which signs it, too.
- A signature is verified as the record verifies it, before it is kept.
- Who made a statement, or may sign it, takes it back, once they have seen whose it is.
- Who signs next sees the statement as it is, in words made from its bytes again. If those words are others
  than when it was made, such as what an agency says meanwhile, it is made again: no signature is for them.
- Only who may sign a statement puts it on the record.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.acts import keys
from sluicegate.acts.act import DEVELOPER, ActAnswer, AnyAct, AskAct
from sluicegate.acts.keys import KeyFilter
from sluicegate.control.command_journal import journaled
from sluicegate.control.pages import ask, reader_of, with_done
from sluicegate.control.plane import ControlPlane
from sluicegate.control.routes import done
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput, SluicegateError, Unauthorized
from sluicegate.http.entrance import Entrance, Visitor
from sluicegate.http.measures import Requests
from sluicegate.http.threads import urgently
from sluicegate.pages import answers, forms
from sluicegate.pages.answers import Refused, route
from sluicegate.pages.page import Sent, first, one
from sluicegate.parsing.request import written
from sluicegate.ports import Passkey, Preparations, PreparedStatement
from sluicegate.signin import forms as sent_forms
from sluicegate.signin import passkeys, signatures
from sluicegate.signin import routes as signin
from sluicegate.signin.door import Door, SignedIn
from sluicegate.signin.forms import FORM
from sluicegate.signin.origins import PagesOrigin
from sluicegate.statements import table
from sluicegate.statements.kind import HERE, NEW, AnyKind, Making, Wording, read
from sluicegate_record.form import Json
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements.keys import PINS, KeyStatement
from sluicegate_record.statements.statement import Statement

WHAT = "what"
"""The field of a form that says which kind of statement it makes."""


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
            raise InvalidInput(
                "this statement is not here any more",
                code="draft_unknown",
                remedy="it is on the record, was taken back, or is too old: make it again",
            )
        return found


@dataclass(frozen=True, slots=True)
class StaffRequest:
    """Someone of the developer's staff who is signed in, where, and what their form says."""

    request: Request
    visitor: Visitor
    who: SignedIn
    place: PagesOrigin
    sent: Sent

    def page(
        self, template: str, values: Mapping[str, Any], status: int = 200, *, is_written: bool = False
    ) -> Response:
        """A page for them."""
        shown = {"reader": reader_of(self.who), "done": "", **values}
        return answers.private(template, shown, status, is_written=is_written)


Work = Callable[[SigningRoutes, StaffRequest], Awaitable[Response]]
"""Answers a request."""


def routes(plane: ControlPlane, entrance: Entrance, measured: Requests) -> list[Route]:
    """The routes of signing."""
    signing = SigningRoutes(plane, entrance, measured)
    return [
        _page(signing, HERE, _list),
        _form(signing, HERE, _make),
        _page(signing, f"{NEW}/{{what}}", _new),
        _page(signing, f"{HERE}/{{id}}", _show),
        _form(signing, f"{HERE}/{{id}}", _sign),
        _page(signing, f"{HERE}/{{id}}/forget", _to_forget),
        _form(signing, f"{HERE}/{{id}}/forget", _forget),
    ]


def _read(found: PreparedStatement) -> tuple[AnyKind, Statement]:
    """A statement, read from its bytes, and its kind."""
    how = table.BY_TYPE[dsse.predicate_type(found.envelope)]
    return how, how.kind.read(found.envelope)


async def _list(signing: SigningRoutes, here: StaffRequest) -> Response:
    with here.visitor.place():
        found = await here.visitor.run(lambda: [_line(signing, here, each) for each in signing.kept.all()])
    values = {"statements": found, "families": table.FAMILIES, "elsewhere": table.ELSEWHERE}
    return here.page("to_sign_list.html", values)


def _line(signing: SigningRoutes, here: StaffRequest, found: PreparedStatement) -> tuple[Any, str, int]:
    """A statement in the list: its first sentence, and how many officers sign it."""
    how, stated = _read(found)
    needed = how.needed(stated, _asks(signing, here), _signed(found))
    return found, next(iter(_words(signing, here, found))), needed


def _asks(signing: SigningRoutes, here: StaffRequest) -> AskAct:
    """What answers the acts that who is signed in asks."""
    return partial(ask, signing.plane.services, here.who.principal)


def _words(signing: SigningRoutes, here: StaffRequest, found: PreparedStatement) -> Iterator[str]:
    how, stated = _read(found)
    return how.words(stated, Wording(_asks(signing, here), found.opened))


async def _new(signing: SigningRoutes, here: StaffRequest) -> Response:
    """The form of a kind of statement, with what the address says in it."""
    how = _kind(here.request.path_params["what"])
    given = first(sent_forms.read(here.request.scope["query_string"]))
    return await _written(signing, here, how, given, None)


def _kind(name: str) -> AnyKind:
    """A kind of statement. Raises: InvalidInput: there is no such one."""
    how = table.STATEMENTS.get(name)
    if how is None:
        raise InvalidInput("no such statement", remedy=f"{HERE} lists what officers sign")
    return how


async def _written(  # noqa: PLR0913 - of which kind, for whom, and what came of it
    signing: SigningRoutes,
    here: StaffRequest,
    how: AnyKind,
    given: Mapping[str, str],
    why: Fault,
    status: int = 200,
) -> Response:
    """The form of a kind of statement, with what was written in it; `why` nothing was made of it."""
    with here.visitor.place():
        asked = forms.fields_of(how.asks, given)
        fields = await here.visitor.run(forms.offering, asked, _asks(signing, here))
    values = {"how": how, "fields": fields, "fault": _fault(why)}
    return here.page("statement_form.html", values, status, is_written=True)


Fault = SluicegateError | Refusal | None
"""Why something was not done, if it was not."""


def _fault(why: Fault) -> Mapping[str, Any] | None:
    return None if why is None else answers.fault(why)


async def _make(signing: SigningRoutes, here: StaffRequest) -> Response:
    how = _kind(one(here.sent, WHAT))
    given = {key: each for key, each in here.sent.items() if key not in {FORM, WHAT}}
    try:
        said = read(how.asks, forms.said(how.asks, given))
        if how.text is not None:
            said = how.text.joined(said, await _read_text(signing, here, how.text.act, said.text))
        with here.visitor.place():
            made = await here.visitor.run(_made, signing, here, how, said)
    except (InvalidInput, Refused) as error:
        why = error.refusal if isinstance(error, Refused) else error
        return await _written(signing, here, how, first(given), why, 400)
    return answers.next_page(f"{HERE}/{made.id}")


def _made(signing: SigningRoutes, here: StaffRequest, how: AnyKind, said: Any) -> PreparedStatement:
    now_ms = signing.plane.services.ledger.now_ms()
    unsigned = how.make(Making(how.look(_asks(signing, here), said), said, now_ms))
    made = signatures.prepared(unsigned, here.who.principal, now_ms)
    made = replace(made, premise=_premise(signing, here, made, _words(signing, here, made)))
    signing.kept.put(made)
    return made


def _premise(
    signing: SigningRoutes, here: StaffRequest, found: PreparedStatement, said: Iterable[str]
) -> str:
    """The digest of what is said of a statement now, and of how many sign it if no one has."""
    how, stated = _read(found)
    return canonical.digest([how.needed(stated, _asks(signing, here), ()), *said])


async def _read_text(signing: SigningRoutes, here: StaffRequest, act: AnyAct, text: str) -> Json:
    """The text in a form, as it is read. Raises: InvalidInput."""
    asked = written(act, {"text": text})
    parsed = await signing.plane.parsers.read(*asked, here.who.principal, here.visitor.run)
    assert parsed.reading is not None
    found: Json = parsed.reading.required()
    return found


async def _found(signing: SigningRoutes, here: StaffRequest) -> PreparedStatement:
    """The statement of a path. Raises: InvalidInput: it is not here."""
    with here.visitor.place():
        found: PreparedStatement = await here.visitor.run(signing.get, here.request.path_params["id"])
    return found


async def _show(signing: SigningRoutes, here: StaffRequest) -> Response:
    return await _shown(signing, here, await _found(signing, here), None)


async def _shown(
    signing: SigningRoutes, here: StaffRequest, found: PreparedStatement, why: Fault
) -> Response:
    """The page of a statement; `why` it was not signed, or is not on the record."""
    with here.visitor.place():
        values = await here.visitor.run(_view, signing, here, found)
    return here.page("to_sign.html", {**values, "fault": _fault(why)}, 200 if why is None else 400)


def _view(signing: SigningRoutes, here: StaffRequest, found: PreparedStatement) -> dict[str, Any]:
    how, stated = _read(found)
    standing, said = _standing(signing, here, found), tuple(_words(signing, here, found))
    own, signed = _own(signing, here), _signed(found)
    speaking = _speaking(own, standing)
    usable = [passkey for passkey, key in speaking if key.keyid not in signed]
    return {
        "found": found,
        "words": said,
        "follows": tuple(_follows(signing, here, how, stated)),
        "standing": standing,
        "has_signed": any(key.keyid in signed for _, key in own),
        "options": passkeys.to_ask(here.place, signatures.challenge_of(found), usable) if usable else "",
        "own": [(key, signatures.trust_text(key, here.who.principal.name)) for _, key in own],
        "command": how.command(stated),
        "payload": json.loads(found.payload),
        "may_take_back": _may_take_back(here, found, speaking),
        "may_record": bool(speaking),
        "is_outdated": found.premise != _premise(signing, here, found, said),
    }


def _follows(signing: SigningRoutes, here: StaffRequest, how: AnyKind, stated: Statement) -> Iterator[str]:
    """What a statement leads to now, as far as that can be said."""
    try:
        yield from how.follows(stated, _asks(signing, here))
    except Refused as no:
        yield f"As it stands: {no.refusal.message}."


@dataclass(frozen=True, slots=True)
class SignatureStanding:
    """Who may sign a statement, by the ids of their keys; who has, and how many more must.

    `new_key` is the id of a key that it pins, which signs it, too; empty if it pins none.
    """

    officers: Mapping[str, str]
    signed: Collection[str]
    needed: int
    lacks: int
    new_key: str = ""
    lacks_new_key: bool = False

    @property
    def is_enough(self) -> bool:
        """Whether it can go on the record."""
        return not self.lacks and not self.lacks_new_key


def _standing(signing: SigningRoutes, here: StaffRequest, found: PreparedStatement) -> SignatureStanding:
    how, stated = _read(found)
    asks = _asks(signing, here)
    known = asks(keys.LIST, KeyFilter(state="counts"))
    officers = {each.keyid: each.owner for each in known.keys if each.party == known.developer}
    signed = _signed(found)
    owners = sorted({officers[each] for each in signed if each in officers})
    needed = how.needed(stated, asks, signed)
    lacks = max(0, needed - len(owners))
    pins = stated if isinstance(stated, KeyStatement) and stated.says == PINS else None
    if pins is None:
        return SignatureStanding(officers, owners, needed, lacks)
    return SignatureStanding(officers, owners, needed, lacks, pins.keyid, pins.keyid not in signed)


def _signed(found: PreparedStatement) -> set[str]:
    """The ids of the keys that have signed a statement."""
    return {each.keyid for each in found.signatures}


Own = list[tuple[Passkey, PublicKey]]
"""Passkeys of somebody, in the form in which they are pinned."""


def _own(signing: SigningRoutes, here: StaffRequest) -> Own:
    """The passkeys of who is signed in, in the form in which they are pinned."""
    known = signing.door.store.passkeys(here.who.principal.id) if here.place.takes_passkeys else ()
    return signatures.pinnable(known, here.place)


def _speaking(own: Own, standing: SignatureStanding) -> Own:
    """Those that sign a statement."""
    may = standing.officers.keys() | {standing.new_key}
    return [each for each in own if each[1].keyid in may]


def _speaking_now(signing: SigningRoutes, here: StaffRequest, found: PreparedStatement) -> Own:
    """The passkeys of who is signed in that sign a statement."""
    return _speaking(_own(signing, here), _standing(signing, here, found))


async def _sign(signing: SigningRoutes, here: StaffRequest) -> Response:
    """Take a signature. Once there are enough, the statement goes on the record."""
    found = await _found(signing, here)
    try:
        with here.visitor.place():
            found = await here.visitor.run(_with_signature, signing, here, found, one(here.sent, "answer"))
            standing = await here.visitor.run(_standing, signing, here, found)
        if not standing.is_enough:
            return answers.next_page(f"{HERE}/{found.id}")
        refused = await _recorded(signing, here, found)
    except SluicegateError as error:
        if isinstance(error, Unauthorized):
            raise
        return await _shown(signing, here, found, error)
    if refused is not None:
        return await _shown(signing, here, found, refused)
    await _forgotten(signing, here, found)
    how, stated = _read(found)
    return answers.next_page(with_done(how.after(stated), how.act, reader_of(here.who)))


async def _forgotten(signing: SigningRoutes, here: StaffRequest, found: PreparedStatement) -> None:
    with here.visitor.place():
        await here.visitor.run(signing.kept.forget, found.id)


def _with_signature(
    signing: SigningRoutes, here: StaffRequest, found: PreparedStatement, answer: str
) -> PreparedStatement:
    """A statement with the signature in a browser's answer; as it is, without an answer.

    Raises: InvalidInput: it is not what it was when it was made, or this is no one who may sign it.
    """
    if found.premise != _premise(signing, here, found, _words(signing, here, found)):
        raise InvalidInput(
            "what this says is not what it said when it was made: it has no signature for that",
            code="outdated",
            remedy="read it again, take it back, and make it again",
        )
    own = {passkey.id: key for passkey, key in _speaking_now(signing, here, found)}
    if not answer and own:
        return found
    if not answer or (named := passkeys.passkey_in(answer)) not in own:
        raise InvalidInput(
            "this passkey is no officer's key",
            code="passkey_unknown",
            remedy="the page says how it becomes one",
        )
    return signatures.sign(signing.kept, found, own[named], answer)


async def _recorded(signing: SigningRoutes, here: StaffRequest, found: PreparedStatement) -> Refusal | None:
    """Do the act that puts a statement on the record; why it is refused, if it is."""
    how, _ = _read(found)
    asked = how.asked(found.envelope.to_json(), found.opened)
    with journaled(signing.measured, how.act) as seen:
        seen.visitor = here.visitor
        request, name = written(how.act, asked.to_json()), f"sign_{found.id[:48]}"
        answer: ActAnswer | Refusal = await done(signing.plane, here.request, seen, *request, name)
    return answer if isinstance(answer, Refusal) else None


def _may_take_back(here: StaffRequest, found: PreparedStatement, speaking: Own) -> bool:
    """Whether someone made a statement, or may sign it."""
    return found.by == here.who.principal.id or bool(speaking)


async def _taken_back(signing: SigningRoutes, here: StaffRequest) -> PreparedStatement:
    """A statement that someone takes back. Raises: Unauthorized: they neither made it nor may sign it."""
    found = await _found(signing, here)
    with here.visitor.place():
        speaking = await here.visitor.run(_speaking_now, signing, here, found)
    if not _may_take_back(here, found, speaking):
        said = "who made a statement, or may sign it, takes it back"
        raise Unauthorized(said, code="forbidden", remedy=f"ask {found.name}")
    return found


async def _to_forget(signing: SigningRoutes, here: StaffRequest) -> Response:
    """Ask before a statement is taken back: whose it is."""
    found = await _taken_back(signing, here)
    with here.visitor.place():
        said = await here.visitor.run(lambda: next(iter(_words(signing, here, found))))
    return here.page("take_back.html", {"here": "to-sign", "path": HERE, "found": found, "first": said})


async def _forget(signing: SigningRoutes, here: StaffRequest) -> Response:
    await _forgotten(signing, here, await _taken_back(signing, here))
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
        act = await _act(signing, request)
        visitor, who, fields = await signin.own_form(signing.door, signing.entrance, request, act)
        _check(who)
        return await work(signing, StaffRequest(request, visitor, who, signing.door.place(request), fields))

    return route("POST", path, sent)


async def _act(signing: SigningRoutes, request: Request) -> AnyAct | None:
    """The act that is done with the statement of a path: an order has a lane of its own."""
    id_ = request.path_params.get("id", "")
    arrived = await signin.arrived(signing.door, signing.entrance, request) if id_ else None
    if arrived is None or arrived[1].principal.role != DEVELOPER:
        return None
    found = await urgently(signing.kept.get, id_)
    return None if found is None else _read(found)[0].act


def _check(who: SignedIn) -> None:
    """Raises: Unauthorized: not one of the developer's staff."""
    if who.principal.role != DEVELOPER:
        raise Unauthorized("the developer's officers sign here", code="forbidden")
