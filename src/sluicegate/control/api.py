"""Routes about releases, cases, grants, tokens and the log: translate, call a use case, translate back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from sluicegate.control.errors import EVERY_ERROR, answer
from sluicegate.control.requests import (
    CommandId,
    Identifier,
    RequestBody,
    StrictRoute,
    TheLedger,
    may,
)
from sluicegate.ports import Principal
from sluicegate.service import (
    applications,
    drafts,
    log,
)
from sluicegate.service.applications import AmendmentText, NominationText, Submission
from sluicegate_record.terms import kinds

router = APIRouter(route_class=StrictRoute, responses=EVERY_ERROR)


class Application(RequestBody):
    """An application for one stage on one surface; `organization` is the text of an organization file."""

    release: Identifier
    stage: Identifier
    surface: Identifier
    organization: Annotated[str, Field(max_length=65_536)]
    file: Annotated[str, Field(max_length=1_024)] = "organization"


class Amendment(RequestBody):
    """What is to change of a grant: its validity, or the organization, as the text of a file, or both."""

    renew: bool = False
    organization: Annotated[str, Field(max_length=65_536)] | None = None
    file: Annotated[str, Field(max_length=1_024)] = "organization"


class NominationRequest(RequestBody):
    """An organization hoped for in a stage, as the text of an organization file."""

    release: Identifier
    stage: Identifier
    organization: Annotated[str, Field(max_length=65_536)]
    file: Annotated[str, Field(max_length=1_024)] = "organization"


class ActRequest(RequestBody):
    """What an act in a case, or on a grant, needs: a text, the agency it is for, a reason code."""

    text: Annotated[str, Field(max_length=4_000)] = ""
    agency: Annotated[str, Field(max_length=64)] = ""
    code: Annotated[str, Field(max_length=64)] = ""

    def asked(self) -> dict[str, str]:
        """The fields that say something."""
        return {name: value for name, value in self.model_dump().items() if value}


@router.post("/api/v1/applications", tags=["cases"])
def submit(
    body: Application,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("application.submit"))],
) -> Any:
    """Apply for one stage on one surface."""
    return answer(applications.submit(ledger, by, command, Submission(**body.model_dump())))


@router.post("/api/v1/drafts", tags=["cases"])
def save_draft(
    body: Application,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("application.submit"))],
) -> Any:
    """Keep an application without submitting it, and hear what of it is not eligible."""
    return answer(drafts.save(ledger, by, command, Submission(**body.model_dump())))


@router.get("/api/v1/drafts", tags=["cases"])
def list_drafts(ledger: TheLedger, by: Annotated[Principal, Depends(may("application.submit"))]) -> Any:
    """The caller's drafts, oldest first."""
    return answer(drafts.listed(ledger, by))


@router.post("/api/v1/drafts/{draft}/submit", tags=["cases"])
def submit_draft(
    draft: str,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("application.submit"))],
) -> Any:
    """Submit a draft."""
    return answer(drafts.submit(ledger, by, command, draft))


@router.post("/api/v1/drafts/{draft}/discard", tags=["cases"])
def discard_draft(
    draft: str,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("application.submit"))],
) -> Any:
    """Forget a draft."""
    return answer(drafts.discard(ledger, by, command, draft))


def _case_act(name: str) -> None:
    """The route of an act in a case that takes no signature."""

    def act(case: str, body: ActRequest, ledger: TheLedger, command: CommandId, by: Principal) -> Any:
        return answer(applications.act(ledger, by, command, case, name, body.asked()))

    _route(
        act,
        f"/api/v1/cases/{{case}}/{name}",
        f"case.{name}",
        f"{name.capitalize()}: {kinds.ACTS[name].does}.",
    )


def _route(act: Callable[..., Any], path: str, action: str, does: str) -> None:
    act.__doc__ = does
    act.__annotations__["by"] = Annotated[Principal, Depends(may(action))]
    family, _, name = action.partition(".")
    router.post(path, tags=[f"{family}s"], name=f"{name}_{family}")(act)


for _name in applications.ACTS:
    _case_act(_name)


@router.post("/api/v1/grants/{grant}/amend", tags=["grants"])
def amend_grant(
    grant: str,
    body: Amendment,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("application.amend"))],
) -> Any:
    """Ask for a grant to be renewed, or changed, without starting over."""
    return answer(applications.amend(ledger, by, command, grant, AmendmentText(**body.model_dump())))


@router.post("/api/v1/nominations", tags=["cases"])
def nominate(
    body: NominationRequest,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("organization.nominate"))],
) -> Any:
    """Note that an organization is hoped for in a stage. It is not an admission."""
    return answer(applications.nominate(ledger, by, command, NominationText(**body.model_dump())))


@router.get("/api/v1/nominations", tags=["cases"])
def list_nominations(
    ledger: TheLedger, _: Annotated[Principal, Depends(may("organization.nominate"))]
) -> Any:
    """Every nomination, and the applications that came of it."""
    return answer(applications.nominations(ledger))


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
