"""The route that gateways follow: it answers at once if there is news, and otherwise when the wait is over.

Rules:
- A question is noted as soon as it is here. Its answer may wait.
- Until the answer is made, the question counts as open: an order that is given meanwhile waits for it.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sluicegate.acts.fleet import POLL, FeedQuestion, UsageRow
from sluicegate.control.plane import ControlPlane
from sluicegate.core.access.naming import Naming, UsageKey
from sluicegate.errors import InvalidInput, Unauthorized
from sluicegate.http import asking, bearer
from sluicegate.http.threads import urgently
from sluicegate.ports import Principal
from sluicegate.service import grants, usage
from sluicegate.service.fleet import Poll
from sluicegate.service.usage import UsageCount
from sluicegate_record.log import acknowledgement


def route(plane: ControlPlane) -> Route:
    """The route of the feed."""

    async def endpoint(request: Request) -> Response:
        by = await urgently(bearer.holder, plane.services.ledger.store.principals, POLL, request)
        question = await asking.read(POLL, request, plane.max_body_bytes, urgently)
        assert isinstance(question, FeedQuestion)
        if by.name != question.gateway:
            said = f"this token is of gateway {by.name!r}, not {question.gateway!r}"
            raise Unauthorized(said, code="forbidden")
        return await _answer(plane, by, question)

    return Route(POLL.path, endpoint, methods=[POLL.method], name=POLL.name)


async def _answer(plane: ControlPlane, by: Principal, question: FeedQuestion) -> Response:
    fleet, waiters = plane.services.fleet, plane.waiters
    poll = await urgently(_poll, question)
    with waiters.asking(question.after):
        await urgently(fleet.heard, poll)
        await _report(plane, by, question)
        await waiters.beyond(question.after, question.wait_ms / 1000)
        return JSONResponse(await urgently(fleet.answer, poll))


def _poll(question: FeedQuestion) -> Poll:
    """The question, its signature checked. Raises: BadSignature, InvalidInput."""
    return Poll(
        question.gateway,
        question.incarnation,
        question.surface,
        question.after,
        question.nonce,
        dict(question.report.streams_cut),
        question.root,
        question.fold,
        acknowledgement.read(question.source),
    )


async def _report(plane: ControlPlane, by: Principal, question: FeedQuestion) -> None:
    """Note what a question reports. Raises: InvalidInput: no request can name a person like this."""
    services, report = plane.services, question.report
    if report.usage:
        rows = await urgently(usage.known, services.ledger, [_count(each) for each in report.usage])
        services.usage.report((question.gateway, question.incarnation), rows, services.ledger.now_ms())
    if report.proven:
        await urgently(grants.prove, services.ledger, by, question.surface, report.proven)


def _count(row: UsageRow) -> UsageCount:
    try:
        naming = Naming.from_json(row.naming)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"a report of use with a naming that is none: {error}") from error
    return UsageCount(UsageKey(row.credential, row.model, naming), row.open, row.total)
