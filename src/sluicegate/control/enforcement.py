"""Routes about enforcement: points where others enforce, gateways, and the feed that gateways follow."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from sluicegate.control.errors import EVERY_ERROR, answer
from sluicegate.control.plane import ControlPlane
from sluicegate.control.requests import (
    CommandId,
    EnvelopeRequest,
    Identifier,
    PlainName,
    RequestBody,
    StrictRoute,
    TheLedger,
    TheServices,
    may,
)
from sluicegate.core.access.naming import Naming, UsageKey
from sluicegate.errors import InvalidInput, Unauthorized
from sluicegate.ports import Principal
from sluicegate.service import grants, points, usage
from sluicegate.service.fleet import Poll
from sluicegate.service.usage import UsageCount
from sluicegate_record.log import acknowledgement

router = APIRouter(route_class=StrictRoute, responses=EVERY_ERROR, tags=["fleet"])


class UsageRow(RequestBody):
    """What was used by whom: streams open now, calls since the run began; see `gate.usage`."""

    credential: Identifier
    model: Identifier
    naming: dict[str, Any] = Field(default={})
    open: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]

    def row(self) -> UsageCount:
        """The row. Raises: InvalidInput: a naming that is none."""
        try:
            naming = Naming.from_json(self.naming)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"a report of use with a naming that is none: {error}") from error
        return UsageCount(UsageKey(self.credential, self.model, naming), self.open, self.total)


class PollReport(RequestBody):
    """What a gateway reports: requests cut so far, by directive or reason; grants a call succeeded under."""

    streamsCut: dict[str, Annotated[int, Field(ge=0)]] = Field(default={})  # noqa: N815 - the wire's name
    proven: Annotated[list[Identifier], Field(max_length=100)] = Field(default=[])
    usage: Annotated[list[UsageRow], Field(max_length=1_000)] = Field(default=[])


class PollRequest(RequestBody):
    """A gateway's question to the feed (DESIGN 4.5).

    A run that shows its `key` signs every question, see `sluicegate_record.log.acknowledgement`.
    """

    gateway: PlainName
    incarnation: PlainName
    surface: Annotated[str, Field(max_length=64)] = ""
    after: Annotated[int, Field(ge=0)]
    nonce: Annotated[str, Field(min_length=16, max_length=64)]
    waitMs: Annotated[int, Field(ge=0, le=20_000)] = 0  # noqa: N815 - the wire's name
    report: PollReport = PollReport()
    root: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    fold: Annotated[int, Field(ge=0)] | None = None
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")] | None = None
    sig: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$")] | None = None

    def asked(self) -> Poll:
        """The question, its signature checked. Raises: BadSignature, InvalidInput."""
        return Poll(
            self.gateway,
            self.incarnation,
            self.surface,
            self.after,
            self.nonce,
            self.report.streamsCut,
            self.root,
            self.fold,
            acknowledgement.read(self.model_dump(exclude_unset=True)),
        )


@router.post("/api/v1/points")
def put_point(
    body: EnvelopeRequest,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("point.declare"))],
) -> Any:
    """Declare or retire an enforcement point without a gateway of ours, by an officer's signed statement."""
    return answer(points.put(ledger, by, command, body.envelope))


@router.get("/api/v1/points")
def list_points(ledger: TheLedger, _: Annotated[Principal, Depends(may("point.read"))]) -> Any:
    """Every declared enforcement point, and its newest word on each directive."""
    return answer(points.listed(ledger))


@router.get("/api/v1/points/{point}/directives/{directive}")
def point_to_state(
    point: str, directive: str, ledger: TheLedger, _: Annotated[Principal, Depends(may("point.state"))]
) -> Any:
    """What a point signs of a directive, but for what it says and when."""
    return answer(points.to_state(ledger, point, directive))


@router.post("/api/v1/points/statements")
def state_point(
    body: EnvelopeRequest,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("point.state"))],
) -> Any:
    """Put on the record that a point enforces a directive, or has restored access: signed by the point."""
    return answer(points.state(ledger, by, command, body.envelope))


@router.get("/api/v1/gateways")
def gateways(services: TheServices, _: Annotated[Principal, Depends(may("directive.read"))]) -> Any:
    """Every gateway that may hold a lease."""
    return {"gateways": services.fleet.gateways()}


@router.post("/fleet/v1/poll", include_in_schema=False)
async def poll(
    body: PollRequest, services: TheServices, by: Annotated[Principal, Depends(may("fleet.poll"))]
) -> Response:
    """The feed: answers at once on news, else after waitMs."""
    if by.name != body.gateway:
        raise Unauthorized(f"this token is of gateway {by.name!r}, not {body.gateway!r}", code="forbidden")
    fleet, waiters = services.fleet, services.waiters
    asked = await run_in_threadpool(body.asked)
    with waiters.asking(body.after):
        await run_in_threadpool(fleet.heard, asked)
        await _report(body, services, by)
        await waiters.beyond(body.after, body.waitMs / 1000)
        return JSONResponse(await run_in_threadpool(fleet.answer, asked))


async def _report(body: PollRequest, services: ControlPlane, by: Principal) -> None:
    """Note what a poll reports."""
    ledger = services.ledger
    if body.report.usage:
        rows = [each.row() for each in body.report.usage]
        rows = await run_in_threadpool(usage.known, ledger, rows)
        services.usage.report((body.gateway, body.incarnation), rows, ledger.now_ms())
    if body.report.proven:
        await run_in_threadpool(grants.prove, ledger, by, body.surface, body.report.proven)
