"""Routes about directives: previewed, issued, confirmed, lifted; drills; what the words of orders mean."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from sluicegate.control.errors import EVERY_ERROR, answer
from sluicegate.control.requests import (
    CommandId,
    CommitmentOpening,
    DocumentText,
    EnvelopeRequest,
    Identifier,
    PlainName,
    RequestBody,
    StrictRoute,
    TheLedger,
    TheServices,
    may,
)
from sluicegate.errors import StoreUnavailable
from sluicegate.ports import Principal
from sluicegate.service import directives, drills, preview
from sluicegate_record.directives.names import ROWS_MAX

router = APIRouter(route_class=StrictRoute, responses=EVERY_ERROR, tags=["directives"])


class AnnexNames(RequestBody):
    """The names an annex holds: of organizations or of members."""

    organizations: Annotated[list[str], Field(max_length=ROWS_MAX)] | None = None
    persons: Annotated[list[str], Field(max_length=ROWS_MAX)] | None = None


class DirectiveText(DocumentText):
    """A directive as written, and the names in its annexes."""

    annexes: dict[PlainName, AnnexNames] = Field(default={})


class SignedDirective(RequestBody):
    """A signed directive, and what opens its commitments, by name."""

    envelope: dict[str, Any]
    opened: dict[str, CommitmentOpening] = Field(default={})


class ScopeRequest(RequestBody):
    """A part of a directive; what is not stated is all of it."""

    models: list[Identifier] | None = None
    surfaces: list[Identifier] | None = None
    annexes: list[Identifier] | None = None
    organizations: dict[str, Any] | None = None


class LiftRequest(RequestBody):
    """What of a directive is to be lifted, and what opens its commitment to organizations."""

    scope: ScopeRequest = ScopeRequest()
    opened: CommitmentOpening | None = None


class DefinitionRequest(RequestBody):
    """What the words of an order mean, and where that is written."""

    name: PlainName
    statuses: list[Identifier]
    source: Annotated[str, Field(min_length=1, max_length=500)]


@router.post("/api/v1/directives/preview")
def preview_directive(
    body: DirectiveText,
    services: TheServices,
    by: Annotated[Principal, Depends(may("directive.preview"))],
) -> Any:
    """Whom a directive would cover and spare, and what each exception changes."""
    annexes = {name: each.model_dump(exclude_none=True) for name, each in body.annexes.items()}
    used = services.usage
    used.keep((each["gateway"], each["incarnation"]) for each in services.fleet.gateways())
    return answer(preview.preview(services.ledger, by, body.text, body.file, annexes, used))


@router.post("/api/v1/directives")
async def issue_directive(
    body: SignedDirective,
    services: TheServices,
    command: CommandId,
    by: Annotated[Principal, Depends(may("directive.issue"))],
) -> Any:
    """Put a signed directive in force; whoever it affects is told before anything more becomes of it."""
    opened = {name: each.model_dump() for name, each in body.opened.items()}
    ledger = services.ledger
    issued = await run_in_threadpool(directives.issue, ledger, by, command, body.envelope, opened)
    size = await services.waiters.passed_on()
    with suppress(StoreUnavailable):  # the next tick tells
        await run_in_threadpool(services.telling.tell, size)
    return answer(await run_in_threadpool(preview.counted, ledger, issued))


@router.post("/api/v1/directives/confirmations")
def confirm_directive(
    body: EnvelopeRequest,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("directive.issue"))],
) -> Any:
    """Put on the record that the issuer of a transcription stands by it."""
    return answer(directives.confirm(ledger, by, command, body.envelope))


@router.get("/api/v1/directives")
def list_directives(ledger: TheLedger, _: Annotated[Principal, Depends(may("directive.read"))]) -> Any:
    """Every directive on the record, newest first."""
    return answer(directives.listed(ledger))


@router.get("/api/v1/directives/{directive}")
def show_directive(directive: str, ledger: TheLedger) -> Any:
    """What the public record says of a directive. Anyone may ask."""
    return answer(directives.shown(ledger, directive))


@router.get("/api/v1/directives/{directive}/affected")
def affected(
    directive: str, ledger: TheLedger, by: Annotated[Principal, Depends(may("directive.affected"))]
) -> Any:
    """How many of one's own people a directive covers, and what would settle those of unknown status."""
    return answer(preview.affected(ledger, by, directive))


@router.get("/api/v1/directives/{directive}/status")
def directive_status(
    directive: str, services: TheServices, _: Annotated[Principal, Depends(may("directive.read"))]
) -> Any:
    """Where a directive is in force, gateway by gateway."""
    return answer(services.fleet.directive_status(directive))


@router.post("/api/v1/directives/{directive}/lift")
def lift_directive(
    directive: str,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("directive.lift"))],
    body: LiftRequest | None = None,
) -> Any:
    """Open the case about lifting a directive, or a part of it, or go on with the open one."""
    given = body or LiftRequest()
    opened = given.opened.model_dump() if given.opened else None
    scope = given.scope.model_dump(exclude_none=True)
    return answer(directives.open_lift(ledger, by, command, directive, scope, opened))


@router.post("/api/v1/drills/{drill}/end")
def end_drill(
    drill: str, ledger: TheLedger, command: CommandId, by: Annotated[Principal, Depends(may("drill.end"))]
) -> Any:
    """End a drill."""
    return answer(drills.end(ledger, by, command, drill))


@router.get("/api/v1/drills/{drill}/report")
def drill_report(
    drill: str, services: TheServices, _: Annotated[Principal, Depends(may("directive.read"))]
) -> Any:
    """The signed report of a drill that is over everywhere: time to zero, time to restore."""
    return answer(drills.report(services.ledger, services.fleet, drill))


@router.get("/api/v1/definitions")
def list_definitions(ledger: TheLedger) -> Any:
    """What definitions mean, and where that is written. Anyone may ask."""
    return directives.definitions(ledger)


@router.post("/api/v1/definitions")
def add_definition(
    body: DefinitionRequest,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("definition.add"))],
) -> Any:
    """Say which statuses the words of an order mean, for good."""
    return answer(directives.define(ledger, by, command, body.name, body.statuses, body.source))
