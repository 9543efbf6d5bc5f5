"""The routes of forms that a page composes: what their fields become is what an act is asked with.

Rules:
- Such a form counts as any other: from our page only, for its session, read and in the lane as its act is.
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
from sluicegate.control.pages import ask
from sluicegate.control.plane import ControlPlane
from sluicegate.control.routes import done
from sluicegate.core.lifecycle import Refusal
from sluicegate.http import bearer
from sluicegate.http.entrance import Entrance
from sluicegate.http.measures import Requests
from sluicegate.pages import answers, applying
from sluicegate.pages.answers import Refused
from sluicegate.pages.page import ComposedForm, Sending
from sluicegate.parsing.request import ActRequest
from sluicegate.signin import routes as signin
from sluicegate.signin.door import Door
from sluicegate.signin.forms import one
from sluicegate_record.log import canonical

FORMS: Iterable[ComposedForm[Any]] = applying.FORMS


def routes(plane: ControlPlane, entrance: Entrance, door: Door, measured: Requests) -> list[Route]:
    """The routes of all forms that pages compose; `measured` counts what is asked."""
    return [_route(each, partial(_do, plane, entrance, door, measured, each)) for each in FORMS]


async def _do(  # noqa: PLR0913 - where, and which form
    plane: ControlPlane,
    entrance: Entrance,
    door: Door,
    measured: Requests,
    form: ComposedForm[Any],
    request: Request,
) -> Response:
    act = form.act
    visitor, who, sent = await signin.own_form(door, entrance, request, act)
    bearer.authorize(who.principal, act)
    sending = Sending(dict(request.path_params), sent, partial(ask, plane.services, who.principal))
    with journaled(measured, act) as seen:
        seen.visitor = visitor
        with visitor.place():
            said = dict(await visitor.run(form.compose, sending))
        path = {key: str(said.pop(key)) for key in act.places}
        head = ActRequest(act=act.name, path=path, query="", content_type="application/json")
        answer = await done(plane, request, seen, head, canonical.dumps(said), one(sent, NAME) or None)
        if isinstance(answer, Refusal):
            raise Refused(answer)
    return answers.next_page(form.then(sending, answer))


def _route(form: ComposedForm[Any], endpoint: answers.Endpoint) -> Route:
    async def answered(request: Request) -> Response:
        return await answers.or_error(request, partial(endpoint, request))

    return Route(form.path, answered, methods=["POST"], name=f"POST {form.path}")
