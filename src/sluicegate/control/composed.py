"""The routes of forms that a page composes: what their fields become is what an act is asked with.

Rules:
- Such a form counts as any other: from our page only, for its session, read and in the lane as its act is.
- What was refused comes back with what was written in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.control.command_journal import journaled
from sluicegate.control.forms import NAME
from sluicegate.control.pages import PAGES, RefusedForm, ask, made, page_place
from sluicegate.control.plane import ControlPlane
from sluicegate.control.routes import done
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput
from sluicegate.http import errors
from sluicegate.http.entrance import Entrance, Visitor
from sluicegate.http.measures import Requests
from sluicegate.pages import answers, applying
from sluicegate.pages.answers import route
from sluicegate.pages.page import ComposedForm, Sending, one
from sluicegate.parsing.request import ActRequest, written
from sluicegate.signin import routes as signin
from sluicegate.signin.door import SignedIn

FORMS: Iterable[ComposedForm[Any]] = applying.FORMS


def routes(plane: ControlPlane, entrance: Entrance, measured: Requests) -> list[Route]:
    """The routes of all forms that pages compose; `measured` counts what is asked."""
    return [route("POST", each.path, partial(_do, plane, entrance, measured, each)) for each in FORMS]


async def _do(
    plane: ControlPlane, entrance: Entrance, measured: Requests, form: ComposedForm[Any], request: Request
) -> Response:
    act = form.act
    visitor, who, sent = await signin.own_form(plane.door, entrance, request, act)
    sending = Sending(dict(request.path_params), sent, partial(ask, plane.services, who.principal))
    with journaled(measured, act) as seen:
        seen.visitor = visitor
        try:
            with visitor.place():
                head, body = await visitor.run(_composed, form, sending)
            answer = await done(plane, request, seen, head, body, one(sent, NAME) or None)
        except InvalidInput as wrong:
            fault = {**answers.fault(wrong), "at": ()}  # no one wrote the text in which they are places
            status = (await errors.on_error(request, wrong)).status_code
            return await _again(plane, request, form, visitor, who, RefusedForm(sent, fault), status)
        if isinstance(answer, Refusal):
            refused, status = RefusedForm(sent, answers.fault(answer)), errors.refused(answer).status_code
            return await _again(plane, request, form, visitor, who, refused, status)
    return answers.next_page(form.then(sending, answer))


def _composed(form: ComposedForm[Any], sending: Sending) -> tuple[ActRequest, bytes]:
    return written(form.act, form.compose(sending))


async def _again(  # noqa: PLR0913 - of which form, for whom, and why
    plane: ControlPlane,
    request: Request,
    form: ComposedForm[Any],
    visitor: Visitor,
    who: SignedIn,
    refused: RefusedForm,
    status: int,
) -> Response:
    """The page of a form that was refused, with what was written in it and why."""
    page = next(each for each in PAGES if each.path == form.path)
    where = (plane.services, page, page_place(plane.door, request), request.path_params)
    with visitor.place():
        document = await visitor.run(made, *where, who.principal, who.reader, refused)
    return Response(document.body, status, answers.PRIVATE, document.kind)
