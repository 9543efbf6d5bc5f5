"""The forms of what officers sign: a statement is made of what a form says, and kept to be signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from sluicegate.acts.act import AnyAct
from sluicegate.bounds import FORM_BODY_MAX
from sluicegate.control.officers import Fault, SigningRoutes, StaffRequest, fault, form, page
from sluicegate.errors import InvalidInput
from sluicegate.pages import answers, forms
from sluicegate.pages.answers import Refused
from sluicegate.pages.page import Sent, first, one
from sluicegate.parsing.request import ActRequest, written
from sluicegate.ports import PreparedStatement
from sluicegate.signin import forms as sent_forms
from sluicegate.signin import signatures
from sluicegate.signin.forms import FORM
from sluicegate.statements import table
from sluicegate.statements.kind import HERE, NEW, AnyKind, Making, ReadText, read
from sluicegate_record.form import Json, shape_of

WHAT = "what"
"""The field of a form that says which kind of statement it makes."""
_ACTS = [how.act if how.text is None else how.text.act for how in table.STATEMENTS.values()]
BODY_MAX = min(max(act.body_max for act in _ACTS), FORM_BODY_MAX)
"""How many bytes a form may have that makes a statement, of any kind: the form says which."""


def routes(signing: SigningRoutes) -> list[Route]:
    """The routes of the forms, and of the list of what they made."""
    return [
        page(signing, HERE, _list),
        form(signing, HERE, _make, BODY_MAX),
        page(signing, f"{NEW}/{{what}}", _new),
    ]


async def _list(here: StaffRequest) -> Response:
    with here.visitor.place():
        values = await here.visitor.run(_listed, here)
    return here.page("to_sign_list.html", values)


def _listed(here: StaffRequest) -> dict[str, Any]:
    """What waits for signatures; and if no passkey of who is signed in is an officer's key, those that can
    become one.
    """
    signer = here.signer
    is_officer = bool(signer.speaking(here.officers.keys()))
    return {
        "statements": _lines(here),
        "is_officer": is_officer,
        "own": () if is_officer else here.for_trust(signer),
        "families": table.FAMILIES,
        "elsewhere": table.ELSEWHERE,
    }


class StatementLine(NamedTuple):
    """A statement or a set in the list: the one to sign next, its first sentence, and how many of the
    signatures that it needs it has.
    """

    found: PreparedStatement
    words: str
    signatures: int
    needed: int


def _lines(here: StaffRequest) -> list[StatementLine]:
    sets: dict[str, list[PreparedStatement]] = {}
    for each in here.signing.kept.all():
        sets.setdefault(each.set_name, []).append(each)
    return [line(here, of_set) for of_set in sets.values()]


def line(here: StaffRequest, of_set: Sequence[PreparedStatement]) -> StatementLine:
    """A set as one line."""
    standing = [here.standing(each) for each in of_set]
    lacking = (each for each, has in zip(of_set, standing, strict=True) if not has.is_enough)
    found = next(lacking, of_set[0])
    counted, needed = sum(each.counted for each in standing), sum(each.needed_in_all for each in standing)
    return StatementLine(found, next(iter(here.words(found, of_set))), counted, needed)


async def _new(here: StaffRequest) -> Response:
    """The form of a kind of statement, with what the address says in it."""
    how = _kind(here.request.path_params["what"])
    stated = sent_forms.read(here.request.scope["query_string"])
    return await _written(here, how, first(forms.addressed(stated)), None)


def _kind(name: str) -> AnyKind:
    """A kind of statement. Raises: InvalidInput: there is no such one."""
    how = table.STATEMENTS.get(name)
    if how is None:
        raise InvalidInput("no such statement", remedy=f"{HERE} lists what officers sign")
    return how


async def _written(
    here: StaffRequest, how: AnyKind, given: Mapping[str, str], why: Fault, status: int = 200
) -> Response:
    """The form of a kind of statement, with what was written in it, and what follows from that; `why` nothing
    was made of it.
    """
    with here.visitor.place():
        made = forms.fields_of(how.asks, given, fault(why))
        fields = await here.visitor.run(forms.offering, made, here.ask)
        before = await here.visitor.run(here.follows, how.before(given, here.ask))
    shown = forms.elsewhere(fields, fault(why))
    values = {"how": how, "fields": fields, "given": given, "fault": shown, "before": before}
    return here.page("statement_form.html", values, status, is_written=True)


async def _make(here: StaffRequest) -> Response:
    how = _kind(one(here.sent, WHAT))
    given = {key: each for key, each in here.sent.items() if key not in {FORM, WHAT}}
    try:
        said = await _said(here, how, given)
        with here.visitor.place():
            made = await here.visitor.run(_made, here, how, said)
    except (InvalidInput, Refused) as error:
        why = error.refusal if isinstance(error, Refused) else error
        return await _written(here, how, first(given), why, 400)
    return answers.next_page(f"{HERE}/{made.id}")


def _made(here: StaffRequest, how: AnyKind, said: Any) -> PreparedStatement:
    now_ms = here.signing.plane.services.ledger.now_ms()
    unsigned = how.make_all(Making(how.look(here.ask, said), said, now_ms))
    made = [signatures.prepared(each, here.who.principal, now_ms) for each in unsigned]
    made = made if how.each is None else signatures.as_set(made)
    kept = [replace(each, premise=here.premise(each, made)) for each in made]
    here.signing.kept.put(*kept)
    return kept[0]


async def _said(here: StaffRequest, how: AnyKind, given: Sent) -> Any:
    """What a form says; with what was read of the text in it, and of the sheets beside that, if it has one.

    Raises: InvalidInput.
    """
    text = how.text
    with here.visitor.place():
        taken = {} if text is None else {forms.TAKEN[1:]: given.get(forms.TAKEN, [""])}
        of_kind = {key: each for key, each in given.items() if key != forms.TAKEN}
        stated = await here.visitor.run(forms.said, how.asks, {**of_kind, **taken})
        if text is None:
            return await here.visitor.run(read, how.asks, stated)
        head, body = await here.visitor.run(_in_text, text.act, stated)
    parsed = await here.signing.plane.parsers.read(head, body, here.who.principal, here.visitor.run)
    assert parsed.reading is not None
    found: Json = parsed.reading.required()
    return await here.visitor.run(_joined, how, text, {**stated, **parsed.arguments.to_json()}, found)


def _joined(how: AnyKind, text: ReadText, stated: Mapping[str, Json], found: Json) -> Any:
    return text.joined(read(how.asks, stated), found)


def _in_text(act: AnyAct, stated: Mapping[str, Json]) -> tuple[ActRequest, bytes]:
    """The request that reads the text in a form: with what of the form its act asks for."""
    known = {each.key for each in shape_of(act.asked).fields}
    return written(act, {key: each for key, each in stated.items() if key in known})
