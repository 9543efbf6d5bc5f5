"""The HTTP API: routes that translate, call a use case, and translate back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sluicegate.control.errors import EVERY_ERROR, answer
from sluicegate.control.requests import StrictRoute, command_id, ledger_of, may
from sluicegate.core import acknowledgement, annex, kinds, plan
from sluicegate.core.naming import Naming
from sluicegate.errors import InvalidInput, StoreUnavailable, Unauthorized
from sluicegate.ports import Principal
from sluicegate.service import (
    applications,
    cases,
    credentials,
    directives,
    drafts,
    drills,
    grants,
    log,
    points,
    positions,
    preview,
    releases,
    reports,
    tokens,
    usage,
)
from sluicegate.service.fleet import Fleet, Poll
from sluicegate.service.ledger import Ledger
from sluicegate.service.usage import Key, Row, UsageBook

router = APIRouter(route_class=StrictRoute, responses=EVERY_ERROR)
TheLedger = Annotated[Ledger, Depends(ledger_of)]
CommandId = Annotated[str, Depends(command_id)]
Identifier = Annotated[str, Field(min_length=1, max_length=128)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Text(_Body):
    """A document as written, and the name of its file for error messages."""

    text: Annotated[str, Field(max_length=262_144)]
    file: Annotated[str, Field(max_length=1_024)] = "document"


class Application(_Body):
    """An application for one stage on one surface; `organization` is the text of an organization file."""

    release: Identifier
    stage: Identifier
    surface: Identifier
    organization: Annotated[str, Field(max_length=65_536)]
    file: Annotated[str, Field(max_length=1_024)] = "organization"


class Amendment(_Body):
    """What is to change of a grant: its validity, or the organization, as the text of a file, or both."""

    renew: bool = False
    organization: Annotated[str, Field(max_length=65_536)] | None = None
    file: Annotated[str, Field(max_length=1_024)] = "organization"


class Nomination(_Body):
    """An organization hoped for in a stage, as the text of an organization file."""

    release: Identifier
    stage: Identifier
    organization: Annotated[str, Field(max_length=65_536)]
    file: Annotated[str, Field(max_length=1_024)] = "organization"


class Words(_Body):
    """What an act in a case, or on a grant, needs: a text, the agency it is for, a reason code."""

    text: Annotated[str, Field(max_length=4_000)] = ""
    agency: Annotated[str, Field(max_length=64)] = ""
    code: Annotated[str, Field(max_length=64)] = ""

    def asked(self) -> dict[str, str]:
        """The fields that say something."""
        return {name: value for name, value in self.model_dump().items() if value}


class FallbackChoice(_Body):
    """Whether the fallback answers what a directive refuses under a grant."""

    fallback: bool


class Signed(_Body):
    """A DSSE envelope."""

    envelope: dict[str, Any]


class Opened(_Body):
    """What opens a signed commitment: its salt, in base64, and the value committed to."""

    salt: str
    value: Any


class SignedInCase(_Body):
    """A signed statement about a case; `opened` where it commits to something that is not public."""

    envelope: dict[str, Any]
    opened: Opened | None = None


class ListInUse(_Body):
    """A screening list, and its version in use."""

    name: Name
    version: Annotated[str, Field(min_length=1, max_length=100)]


class AnnexNames(_Body):
    """The names an annex holds: of organizations or of members."""

    organizations: Annotated[list[str], Field(max_length=annex.ROWS_MAX)] | None = None
    persons: Annotated[list[str], Field(max_length=annex.ROWS_MAX)] | None = None


class DirectiveText(Text):
    """A directive as written, and the names in its annexes."""

    annexes: dict[Name, AnnexNames] = {}


class SignedDirective(_Body):
    """A signed directive, and what opens its commitments, by name."""

    envelope: dict[str, Any]
    opened: dict[str, Opened] = {}


class Scope(_Body):
    """A part of a directive; what is not stated is all of it."""

    models: list[Identifier] | None = None
    surfaces: list[Identifier] | None = None
    annexes: list[Identifier] | None = None
    organizations: dict[str, Any] | None = None


class Lift(_Body):
    """What of a directive is to be lifted, and what opens its commitment to organizations."""

    scope: Scope = Scope()
    opened: Opened | None = None


class DefinitionAsked(_Body):
    """What the words of an order mean, and where that is written."""

    name: Name
    statuses: list[Identifier]
    source: Annotated[str, Field(min_length=1, max_length=500)]


class KeyDigest(_Body):
    """SHA-256 of an API key, 64 lower-case hex digits; the key itself stays with its holder.

    `member` is who alone may use it.
    """

    digest: str
    member: Identifier | None = None


class TokenAsked(_Body):
    """A token for a role; `party` names the agency where the role is `agency`."""

    role: Identifier
    name: Name
    party: str | None = None


class UsageRow(_Body):
    """What was used by whom: streams open now, calls since the run began; see `gate.usage`."""

    credential: Identifier
    model: Identifier
    naming: dict[str, Any] = {}
    open: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]

    def row(self) -> Row:
        """The row. Raises: InvalidInput: a naming that is none."""
        try:
            naming = Naming.from_json(self.naming)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"a report of use with a naming that is none: {error}") from error
        return Row(Key(self.credential, self.model, naming), self.open, self.total)


class Report(_Body):
    """What a gateway reports: requests cut so far, by directive or reason; grants a call succeeded under."""

    streamsCut: dict[str, Annotated[int, Field(ge=0)]] = {}  # noqa: N815 - the wire's name; pydantic copies
    proven: Annotated[list[Identifier], Field(max_length=100)] = []
    usage: Annotated[list[UsageRow], Field(max_length=1_000)] = []


class PollAsked(_Body):
    """A gateway's question to the feed (DESIGN 4.5).

    A run that shows its `key` signs every question, see `core.acknowledgement`.
    """

    gateway: Name
    incarnation: Name
    surface: Annotated[str, Field(max_length=64)] = ""
    after: Annotated[int, Field(ge=0)]
    nonce: Annotated[str, Field(min_length=16, max_length=64)]
    waitMs: Annotated[int, Field(ge=0, le=20_000)] = 0  # noqa: N815 - the wire's name
    report: Report = Report()
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


@router.post("/api/v1/releases/preview", tags=["releases"])
def preview_plan(body: Text, ledger: TheLedger, _: Annotated[Principal, Depends(may("plan.preview"))]) -> Any:
    """What applying a plan would change, and whom that affects."""
    return answer(releases.preview_plan(ledger, body.text, body.file))


@router.post("/api/v1/releases", tags=["releases"])
def apply_plan(
    body: Text, ledger: TheLedger, command: CommandId, by: Annotated[Principal, Depends(may("plan.apply"))]
) -> Any:
    """Put a plan in force."""
    return answer(releases.apply_plan(ledger, by, command, body.text, body.file))


@router.get("/api/v1/releases", tags=["releases"])
def status(ledger: TheLedger, by: Annotated[Principal, Depends(may("status.read"))]) -> Any:
    """Every release the caller may know of, with its stages: criteria, terms, opening, seats."""
    return answer(releases.status(ledger, by))


@router.get("/api/v1/releases/{release}/stages/{stage}/opening", tags=["releases"])
def opening(
    release: str, stage: str, ledger: TheLedger, _: Annotated[Principal, Depends(may("stage.open"))]
) -> Any:
    """What an officer signs to open a stage."""
    return answer(releases.opening(ledger, release, stage))


@router.post("/api/v1/releases/openings", tags=["releases"])
def open_stage(
    body: Signed, ledger: TheLedger, command: CommandId, by: Annotated[Principal, Depends(may("stage.open"))]
) -> Any:
    """Open a stage by an officer's signed opening."""
    return answer(releases.open_stage(ledger, by, command, body.envelope))


@router.get("/api/v1/schemas/plan", tags=["releases"])
def plan_schema() -> Any:
    """The JSON Schema of plans."""
    return plan.schema()


@router.post("/api/v1/applications", tags=["cases"])
def submit(
    body: Application,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("application.submit"))],
) -> Any:
    """Apply for one stage on one surface."""
    return answer(applications.submit(ledger, by, command, body.model_dump()))


@router.post("/api/v1/drafts", tags=["cases"])
def save_draft(
    body: Application,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("application.submit"))],
) -> Any:
    """Keep an application without submitting it, and hear what of it is not eligible."""
    return answer(drafts.save(ledger, by, command, body.model_dump()))


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


@router.get("/api/v1/cases", tags=["cases"])
def list_cases(
    ledger: TheLedger,
    by: Annotated[Principal, Depends(may("case.read"))],
    wanted: Annotated[cases.Wanted, Depends()],
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


def _case_act(name: str) -> None:
    """The route of an act in a case that takes no signature."""

    def act(case: str, body: Words, ledger: TheLedger, command: CommandId, by: Principal) -> Any:
        return answer(applications.act(ledger, by, command, case, name, body.asked()))

    _route(
        act,
        f"/api/v1/cases/{{case}}/{name}",
        f"case.{name}",
        f"{name.capitalize()}: {kinds.ACTS[name].does}.",
    )


def _grant_act(name: str, does: str) -> None:
    """The route of an act on a grant."""

    def act(grant: str, body: Words, ledger: TheLedger, command: CommandId, by: Principal) -> Any:
        return answer(grants.act(ledger, by, command, grant, name, body.asked()))

    _route(act, f"/api/v1/grants/{{grant}}/{name}", f"grant.{name}", does)


def _route(act: Callable[..., Any], path: str, action: str, does: str) -> None:
    act.__doc__ = does
    act.__annotations__["by"] = Annotated[Principal, Depends(may(action))]
    family, _, name = action.partition(".")
    router.post(path, tags=[f"{family}s"], name=f"{name}_{family}")(act)


for _name in applications.ACTS:
    _case_act(_name)
for _name, _does in {
    "suspend": "Suspend a grant at once, for a reason code.",
    "resume": "Let a suspended grant go on.",
    "surrender": "Give a grant back.",
    "removal": "Open the case about removing a grant, with a notice to its holder.",
}.items():
    _grant_act(_name, _does)


@router.get("/api/v1/grants/{grant}", tags=["grants"])
def show_grant(grant: str, ledger: TheLedger, by: Annotated[Principal, Depends(may("grant.read"))]) -> Any:
    """A grant: what it allows, until when, and what has become of it."""
    return answer(grants.show(ledger, by, grant))


@router.post("/api/v1/grants/{grant}/fallback", tags=["grants"])
def choose_fallback(
    grant: str,
    body: FallbackChoice,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("grant.fallback"))],
) -> Any:
    """Have the fallback answer what a directive refuses under a grant, or have it no more."""
    return answer(grants.choose_fallback(ledger, by, command, grant, fallback=body.fallback))


@router.post("/api/v1/grants/{grant}/amend", tags=["grants"])
def amend_grant(
    grant: str,
    body: Amendment,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("application.amend"))],
) -> Any:
    """Ask for a grant to be renewed, or changed, without starting over."""
    return answer(applications.amend(ledger, by, command, grant, body.model_dump()))


@router.post("/api/v1/nominations", tags=["cases"])
def nominate(
    body: Nomination,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("organization.nominate"))],
) -> Any:
    """Note that an organization is hoped for in a stage. It is not an admission."""
    return answer(applications.nominate(ledger, by, command, body.model_dump()))


@router.get("/api/v1/nominations", tags=["cases"])
def list_nominations(
    ledger: TheLedger, _: Annotated[Principal, Depends(may("organization.nominate"))]
) -> Any:
    """Every nomination, and the applications that came of it."""
    return answer(applications.nominations(ledger))


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


@router.post("/api/v1/grants/{grant}/credentials", tags=["credentials"])
def issue_credential(
    grant: str,
    body: KeyDigest,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("credential.issue"))],
) -> Any:
    """Register a key, by its digest, under a grant."""
    return answer(credentials.issue(ledger, by, command, grant, body.digest, body.member))


@router.post("/api/v1/credentials/{credential}/revoke", tags=["credentials"])
def revoke_credential(
    credential: str,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("credential.revoke"))],
) -> Any:
    """Revoke a credential, at once and for good."""
    return answer(credentials.revoke(ledger, by, command, credential))


@router.post("/api/v1/directives/preview", tags=["directives"])
def preview_directive(
    body: DirectiveText,
    request: Request,
    ledger: TheLedger,
    by: Annotated[Principal, Depends(may("directive.preview"))],
) -> Any:
    """Whom a directive would cover and spare, and what each exception changes."""
    annexes = {name: each.model_dump(exclude_none=True) for name, each in body.annexes.items()}
    used: UsageBook = request.app.state.usage
    used.keep((each["gateway"], each["incarnation"]) for each in request.app.state.fleet.gateways())
    return answer(preview.preview(ledger, by, body.text, body.file, annexes, used))


@router.post("/api/v1/directives", tags=["directives"])
def issue_directive(
    body: SignedDirective,
    request: Request,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("directive.issue"))],
) -> Any:
    """Put a signed directive in force; whoever it affects is told before anything more becomes of it."""
    opened = {name: each.model_dump() for name, each in body.opened.items()}
    issued = directives.issue(ledger, by, command, body.envelope, opened)
    with suppress(StoreUnavailable):  # the next tick tells
        request.app.state.telling.tell()
    return answer(preview.counted(ledger, issued))


@router.post("/api/v1/directives/confirmations", tags=["directives"])
def confirm_directive(
    body: Signed,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("directive.issue"))],
) -> Any:
    """Put on the record that the issuer of a transcription stands by it."""
    return answer(directives.confirm(ledger, by, command, body.envelope))


@router.get("/api/v1/directives", tags=["directives"])
def list_directives(ledger: TheLedger, _: Annotated[Principal, Depends(may("directive.read"))]) -> Any:
    """Every directive on the record, newest first."""
    return answer(directives.listed(ledger))


@router.get("/api/v1/directives/{directive}", tags=["directives"])
def show_directive(directive: str, ledger: TheLedger) -> Any:
    """What the public record says of a directive. Anyone may ask."""
    return answer(directives.shown(ledger, directive))


@router.get("/api/v1/directives/{directive}/affected", tags=["directives"])
def affected(
    directive: str, ledger: TheLedger, by: Annotated[Principal, Depends(may("directive.affected"))]
) -> Any:
    """How many of one's own people a directive covers, and what would settle those of unknown status."""
    return answer(preview.affected(ledger, by, directive))


@router.get("/api/v1/directives/{directive}/status", tags=["directives"])
def directive_status(
    directive: str, request: Request, _: Annotated[Principal, Depends(may("directive.read"))]
) -> Any:
    """Where a directive is in force, gateway by gateway."""
    fleet: Fleet = request.app.state.fleet
    return answer(fleet.directive_status(directive))


@router.post("/api/v1/directives/{directive}/lift", tags=["directives"])
def lift_directive(
    directive: str,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("directive.lift"))],
    body: Lift | None = None,
) -> Any:
    """Open the case about lifting a directive, or a part of it, or go on with the open one."""
    given = body or Lift()
    opened = given.opened.model_dump() if given.opened else None
    scope = given.scope.model_dump(exclude_none=True)
    return answer(directives.open_lift(ledger, by, command, directive, scope, opened))


@router.post("/api/v1/drills/{drill}/end", tags=["directives"])
def end_drill(
    drill: str, ledger: TheLedger, command: CommandId, by: Annotated[Principal, Depends(may("drill.end"))]
) -> Any:
    """End a drill."""
    return answer(drills.end(ledger, by, command, drill))


@router.get("/api/v1/drills/{drill}/report", tags=["directives"])
def drill_report(
    drill: str, request: Request, ledger: TheLedger, _: Annotated[Principal, Depends(may("directive.read"))]
) -> Any:
    """The signed report of a drill that is over everywhere: time to zero, time to restore."""
    return answer(drills.report(ledger, request.app.state.fleet, drill))


@router.get("/api/v1/definitions", tags=["directives"])
def list_definitions(ledger: TheLedger) -> Any:
    """What definitions mean, and where that is written. Anyone may ask."""
    return directives.definitions(ledger)


@router.post("/api/v1/definitions", tags=["directives"])
def add_definition(
    body: DefinitionAsked,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("definition.add"))],
) -> Any:
    """Say which statuses the words of an order mean, for good."""
    return answer(directives.define(ledger, by, command, body.name, body.statuses, body.source))


@router.post("/api/v1/points", tags=["fleet"])
def put_point(
    body: Signed,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("point.declare"))],
) -> Any:
    """Declare or retire an enforcement point without a gateway of ours, by an officer's signed statement."""
    return answer(points.put(ledger, by, command, body.envelope))


@router.get("/api/v1/points", tags=["fleet"])
def list_points(ledger: TheLedger, _: Annotated[Principal, Depends(may("point.read"))]) -> Any:
    """Every declared enforcement point, and its newest word on each directive."""
    return answer(points.listed(ledger))


@router.get("/api/v1/points/{point}/directives/{directive}", tags=["fleet"])
def point_to_state(
    point: str, directive: str, ledger: TheLedger, _: Annotated[Principal, Depends(may("point.state"))]
) -> Any:
    """What a point signs of a directive, but for what it says and when."""
    return answer(points.to_state(ledger, point, directive))


@router.post("/api/v1/points/statements", tags=["fleet"])
def state_point(
    body: Signed,
    ledger: TheLedger,
    command: CommandId,
    by: Annotated[Principal, Depends(may("point.state"))],
) -> Any:
    """Put on the record that a point enforces a directive, or has restored access: signed by the point."""
    return answer(points.state(ledger, by, command, body.envelope))


@router.get("/api/v1/gateways", tags=["fleet"])
def gateways(request: Request, _: Annotated[Principal, Depends(may("directive.read"))]) -> Any:
    """Every gateway that may hold a lease."""
    fleet: Fleet = request.app.state.fleet
    return {"gateways": fleet.gateways()}


@router.post("/api/v1/tokens", tags=["tokens"])
def issue_token(
    body: TokenAsked, ledger: TheLedger, _: Annotated[Principal, Depends(may("token.issue"))]
) -> Any:
    """Make a token; it is in this answer and nowhere else."""
    return answer(tokens.issue(ledger, body.role, body.name, body.party))


@router.get("/api/v1/log", tags=["log"])
def log_head(ledger: TheLedger) -> Any:
    """The log's verifier key, to which statements are bound, and its size."""
    return {"vkey": ledger.vkey(), "size": ledger.size()}


@router.get("/api/v1/log/inclusion", tags=["log"])
def inclusion(ledger: TheLedger, index: int, size: int | None = None) -> Any:
    """The proof that an entry is in the log."""
    return answer(log.inclusion(ledger, index, size))


@router.get("/api/v1/log/consistency", tags=["log"])
def consistency(ledger: TheLedger, first: int, second: int | None = None) -> Any:
    """The proof that an older log is the beginning of a newer one."""
    return answer(log.consistency(ledger, first, second))


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


@router.post("/fleet/v1/poll", include_in_schema=False)
async def poll(
    body: PollAsked, request: Request, by: Annotated[Principal, Depends(may("fleet.poll"))]
) -> Response:
    """The feed: answers at once on news, else after waitMs."""
    if by.name != body.gateway:
        raise Unauthorized(f"this token is of gateway {by.name!r}, not {body.gateway!r}", code="forbidden")
    fleet: Fleet = request.app.state.fleet
    asked = await run_in_threadpool(body.asked)
    await run_in_threadpool(fleet.heard, asked)
    if body.report.usage:
        rows = [each.row() for each in body.report.usage]
        ledger: Ledger = request.app.state.ledger
        rows = await run_in_threadpool(usage.known, ledger, rows)
        request.app.state.usage.report((body.gateway, body.incarnation), rows, ledger.now_ms())
    if body.report.proven:
        await run_in_threadpool(grants.prove, request.app.state.ledger, by, body.surface, body.report.proven)
    await request.app.state.news.wait_beyond(body.after, body.waitMs / 1000)
    return JSONResponse(await run_in_threadpool(fleet.answer, asked))


class News:
    """Wakes those who wait for the log to grow."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._closed = False
        ledger.watch(self._told)

    async def wait_beyond(self, after: int, seconds: float) -> None:
        """Return when the log is larger than `after`, the time is over, or nobody waits any more."""
        deadline = self._loop.time() + seconds
        while self._ledger.size() <= after and not self._closed:
            event, remaining = self._event, deadline - self._loop.time()
            if remaining <= 0 or self._ledger.size() > after:
                return
            try:
                async with asyncio.timeout(remaining):
                    await event.wait()
            except TimeoutError:
                return

    def close(self) -> None:
        """Let everybody go who waits."""
        self._closed = True
        self._wake()

    def _told(self) -> None:
        """Called from the thread that made the log grow."""
        self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()
