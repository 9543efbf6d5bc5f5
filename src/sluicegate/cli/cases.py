"""`case`: see cases."""

from __future__ import annotations

from typing import Annotated

import typer

from sluicegate.acts import cases as acts
from sluicegate.acts.cases import CaseFilter, CaseSummary
from sluicegate.cli import wording
from sluicegate.cli.acting import acting
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate_record.log import times
from sluicegate_record.terms import kinds

show = acting(acts.SHOW, wording.case)


def listed(
    kind: Annotated[str | None, typer.Option("--kind", help=" | ".join(kinds.KINDS))] = None,
    state: Annotated[
        str | None, typer.Option("--state", help=" | ".join((*kinds.STATES, *kinds.OUTCOMES)))
    ] = None,
    awaiting: Annotated[
        str | None, typer.Option("--awaiting", help="An agency, the developer, or 'applicant'.")
    ] = None,
    organization: Annotated[str | None, typer.Option("--organization", help="Part of a legal name.")] = None,
    before: Annotated[str | None, typer.Option("--before", help="The last case of the page before.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 50,
    as_json: Json = False,
) -> None:
    """List the cases you may see, newest first."""
    wanted = CaseFilter(
        kind=kind or None,
        state=state.replace(" ", "_") if state else None,
        awaiting=awaiting or None,
        organization=organization or None,
        before=before or None,
        limit=limit,
    )
    found = Client().do(acts.LIST, wanted)
    columns = ["case", "kind", "about", "surface", "organization", "state", "awaiting", "next due"]
    empty = "No case yet." if wanted == CaseFilter(limit=limit) else "No case that you may see matches."
    text = table(f"log size {found.size}", columns, [_row(case) for case in found.cases], empty)
    more = f"\n  more: sluicegate case list --before {found.next}" if found.next else ""
    emit(found.to_json(), as_json, text + more)


def _row(case: CaseSummary) -> list[str | None]:
    due_ms = case.next_due_ms
    return [
        case.case,
        case.kind,
        case.directive or f"{case.release}/{case.stage}",
        case.surface,
        case.organization,
        case.determination or wording.words(case.state),
        wording.awaiting(case),
        wording.minute(None if due_ms is None else times.format_time(due_ms)),
    ]
