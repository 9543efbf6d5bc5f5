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
from sluicegate.pages.answers import Refused, route
from sluicegate.pages.page import ComposedForm, Sending, one
from sluicegate.parsing.request import written
from sluicegate.signin import routes as signin

FORMS: Iterable[ComposedForm[Any]] = applying.FORMS


def routes(plane: ControlPlane, entrance: Entrance, measured: Requests) -> list[Route]:
    """The routes of all forms that pages compose; `measured` counts what is asked."""
    return [route("POST", each.path, partial(_do, plane, entrance, measured, each)) for each in FORMS]


async def _do(
    plane: ControlPlane, entrance: Entrance, measured: Requests, form: ComposedForm[Any], request: Request
) -> Response:
    act = form.act
    visitor, who, sent = await signin.own_form(plane.door, entrance, request, act)
    bearer.authorize(who.principal, act)
    sending = Sending(dict(request.path_params), sent, partial(ask, plane.services, who.principal))
    with journaled(measured, act) as seen:
        seen.visitor = visitor
        with visitor.place():
            said = await visitor.run(form.compose, sending)
        answer = await done(plane, request, seen, *written(act, said), one(sent, NAME) or None)
        if isinstance(answer, Refusal):
            raise Refused(answer)
    return answers.next_page(form.then(sending, answer))
