"""The routes of forms: each act that a reader's role may do, as a form, and what it answers.

Rules:
- A form does what the API does for a token of the same role, in the same lane, by the same reading.
- A command's form that is sent twice is done once: it has a name, as a request to the API has.
- What was refused comes back with what was written in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.acts.act import DEVELOPER, ActAnswer, AnyAct
from sluicegate.acts.sheets import sheets_of
from sluicegate.acts.table import PUBLIC
from sluicegate.bounds import ACT_BODY_MAX, FORM_BODY_MAX
from sluicegate.control.command_journal import JournaledRequest, journaled
from sluicegate.control.pages import ask, with_done, without_done
from sluicegate.control.plane import ControlPlane
from sluicegate.control.routes import done
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput
from sluicegate.http import bearer, errors
from sluicegate.http.entrance import Entrance, Visitor
from sluicegate.http.measures import Requests
from sluicegate.pages import answers, applicant, applying, forms, officer, own, plans
from sluicegate.pages.answers import Refused, route
from sluicegate.pages.page import FormLook, Reader, Sent, ShowForm, first, one
from sluicegate.signin import routes as signin
from sluicegate.signin.door import Door
from sluicegate.signin.forms import FORM, read
from sluicegate.signin.origins import origin_of
from sluicegate.statements import table

NAME, NEXT = "_name", "_next"
"""The fields of every form beside those of its act: the name of a command, where to go next."""
OF_PAGE = "_"
"""What begins so is a field of the page, beside those of its act."""
OWN: Mapping[str, ShowForm] = {
    **own.FORMS,
    **applicant.FORMS,
    **applying.ACTS,
    **plans.FORMS,
    **officer.FORMS,
}
"""The acts that have a page of their own."""
_BY_NAME = {act.name: act for act in PUBLIC}


def routes(plane: ControlPlane, entrance: Entrance, measured: Requests) -> list[Route]:
    """The routes of forms; `measured` counts what is asked."""
    return [
        route("GET", "/acts", partial(_list, plane.door, entrance)),
        route("GET", "/acts/{act}", partial(_show, plane, entrance, measured)),
        route("POST", "/acts/{act}", partial(_do, plane, entrance, measured)),
    ]


async def _list(door: Door, entrance: Entrance, request: Request) -> Response:
    here = await signin.arrived(door, entrance, request)
    if here is None:
        return signin.to_sign_in(request)
    reader = here[1].reader
    return answers.private("acts.html", {"families": forms.families(PUBLIC, reader), "reader": reader})


async def _show(plane: ControlPlane, entrance: Entrance, measured: Requests, request: Request) -> Response:
    """The form of an act; of a question, also what it answers as soon as it is asked."""
    act = await _act(plane.door, entrance, request)
    here = await signin.arrived(plane.door, entrance, request, act)
    if here is None:
        return signin.to_sign_in(request)
    visitor, who = here
    bearer.authorize(who.principal, act)
    query, just_done = without_done(request.scope["query_string"].decode("latin-1"), who.reader)
    given = forms.addressed(read(query.encode("latin-1")))
    is_asked = act.kind == "question" and not forms.lacking(act, given)
    with journaled(measured, act) as seen:
        seen.visitor = visitor
        if not is_asked:
            return await _shown(plane, request, visitor, act, who.reader, given)
        return await _answered(plane, request, seen, act, who.reader, given, just_done=just_done)


async def _do(plane: ControlPlane, entrance: Entrance, measured: Requests, request: Request) -> Response:
    act = await _act(plane.door, entrance, request)
    most = min(act.body_max, FORM_BODY_MAX if sheets_of(act.asked) else ACT_BODY_MAX)
    visitor, who, sent = await signin.own_form(plane.door, entrance, request, act, most)
    if act.kind == "question":
        raise InvalidInput("a question is asked by its page", remedy=f"open /acts/{act.name}")
    named, after = one(sent, NAME) or None, answers.local(one(sent, NEXT), "")
    given = {key: value for key, value in sent.items() if key not in {FORM, NAME, NEXT}}
    with journaled(measured, act) as seen:
        seen.visitor = visitor
        return await _answered(plane, request, seen, act, who.reader, given, named, after)


async def _answered(  # noqa: PLR0913 - what is asked, by whom, and what was written
    plane: ControlPlane,
    request: Request,
    seen: JournaledRequest,
    act: AnyAct,
    reader: Reader,
    given: Sent,
    named: str | None = None,
    after: str = "",
    just_done: str = "",
) -> Response:
    """What an act answers, as a page; or the form again, with what is wrong. `just_done`: by another form."""
    assert seen.visitor is not None
    shown = partial(_shown, plane, request, seen.visitor, act, reader, given, just_done=just_done)
    of_act = {key: value for key, value in given.items() if not key.startswith(OF_PAGE)}
    try:
        with seen.visitor.place():
            head, body = await seen.visitor.run(forms.request, act, of_act)
        answer: ActAnswer | Refusal = await done(plane, request, seen, head, body, named)
    except InvalidInput as error:
        status = (await errors.on_error(request, error)).status_code
        return await shown(fault=answers.fault(error), status=status)
    if isinstance(answer, Refusal):
        return await shown(fault=answers.fault(answer), status=errors.refused(answer).status_code)
    if after:
        return answers.next_page(with_done(after, act, reader))
    return await shown(answer)


async def _shown(  # noqa: PLR0913 - of what, for whom, and what came of it
    plane: ControlPlane,
    request: Request,
    visitor: Visitor,
    act: AnyAct,
    reader: Reader,
    given: Sent,
    answer: ActAnswer | None = None,
    fault: Mapping[str, Any] | None = None,
    status: int = 200,
    just_done: str = "",
) -> Response:
    """The form of an act, with what it answered or what is wrong: its own page, or the usual one."""
    assert visitor.principal is not None
    origin = origin_of(request, plane.door.origin)
    look = FormLook(first(given), answer, fault, partial(ask, plane.services, visitor.principal), origin)
    show = OWN.get(act.name)
    if show is None and answer is not None and not forms.is_asked_again(act):
        filled = forms.usual(act, look)  # it was done: that is said however busy the lane is now
    else:
        with visitor.place():
            filled = await visitor.run(show or partial(forms.usual, act), look)
    here, elsewhere = table.of_act(act) if reader.role == DEVELOPER else ((), ())
    shared = {"done": just_done, "reader": reader, "signs": here, "elsewhere": elsewhere}
    values = {**shared, **filled.values}
    return answers.private(filled.template, values, status, is_written=filled.is_written)


async def _act(door: Door, entrance: Entrance, request: Request) -> AnyAct:
    """The act of a path. Raises: Refused: there is no such one."""
    name = request.path_params["act"]
    found = _BY_NAME.get(name)
    if found is None:
        await signin.meet(door, entrance, request)
        said = f"there is nothing to do here that is called {name[:80]!r}"
        raise Refused(Refusal("unknown", "act_unknown", said, "see all that you can do: /acts"))
    return found
