"""Routes about releases, cases, grants, tokens and the log: translate, call a use case, translate back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from sluicegate.control.errors import EVERY_ERROR, answer
from sluicegate.control.requests import (
    CommandId,
    CommitmentOpening,
    PlainName,
    RequestBody,
    StrictRoute,
    TheLedger,
    may,
)
from sluicegate.ports import Principal
from sluicegate.service import (
    cases,
    log,
    positions,
    reports,
)

router = APIRouter(route_class=StrictRoute, responses=EVERY_ERROR)


class SignedInCase(RequestBody):
    """A signed statement about a case; `opened` where it commits to something that is not public."""

    envelope: dict[str, Any]
    opened: CommitmentOpening | None = None


class ListInUse(RequestBody):
    """A screening list, and its version in use."""

    name: PlainName
    version: Annotated[str, Field(min_length=1, max_length=100)]


@router.get("/api/v1/cases", tags=["cases"])
def list_cases(
    ledger: TheLedger,
    by: Annotated[Principal, Depends(may("case.read"))],
    wanted: Annotated[cases.CaseFilter, Depends()],
) -> Any:
    """The cases the caller may see, newest first: of a kind, in a state, awaiting somebody, by name."""
    return answer(cases.listed(ledger, by, wanted))


@router.get("/api/v1/cases/{case}", tags=["cases"])
def show_case(case: str, ledger: TheLedger, by: Annotated[Principal, Depends(may("case.read"))]) -> Any:
    """One case: state, positions, who is awaited, grant."""
    return answer(cases.show(ledger, by, case))


@router.get("/api/v1/cases/{case}/export", tags=["cases"])
def export_case(case: str, ledger: TheLedger, by: Annotated[Principal, Depends(may("case.export"))]) -> Any:
    """What a reviewer needs to decide and sign."""
    return answer(cases.export(ledger, by, case))


@router.post("/api/v1/positions", tags=["cases"])
def import_position(
    body: SignedInCase,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("position.import"))],
) -> Any:
    """Put a signed statement on the record: a position, a schedule, a receipt, a screening, a note."""
    opened = body.opened.model_dump() if body.opened else None
    return answer(positions.record(ledger, by, command, body.envelope, opened))


@router.post("/api/v1/lists", tags=["cases"])
def use_list(
    body: ListInUse, ledger: TheLedger, command: CommandId, by: Annotated[Principal, Depends(may("list.use"))]
) -> Any:
    """Say which version of a screening list is in use; records made with another are open again."""
    return answer(positions.use_list(ledger, by, command, body.name, body.version))


@router.get("/api/v1/reports/cases", tags=["reports"])
def report(
    ledger: TheLedger, by: Annotated[Principal, Depends(may("report.read"))], release: str | None = None
) -> Any:
    """Counts by kind and state, days per agency and in all, waiting by party, delay by requirement."""
    return answer(reports.cases(ledger, by, release))


@router.get("/log/checkpoint", include_in_schema=False)
def log_checkpoint(ledger: TheLedger) -> Response:
    """The signed head of the log."""
    return Response(
        ledger.checkpoint(), media_type="text/plain; charset=utf-8", headers={"cache-control": "no-store"}
    )


@router.get("/log/tile/{path:path}", include_in_schema=False)
def log_tile(path: str, ledger: TheLedger) -> Response:
    """A tile or an entry bundle."""
    found = log.tile(ledger, f"tile/{path}")
    if isinstance(found, bytes):
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(found, media_type="application/octet-stream", headers=headers)
    refused: Response = answer(found)
    return refused
