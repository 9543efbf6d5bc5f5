"""`case`: see cases."""

from __future__ import annotations

from sluicegate.acts import cases as acts
from sluicegate.acts.cases import CaseList, CaseSummary
from sluicegate.cli import wording
from sluicegate.cli.acting import Fixed, acting
from sluicegate.cli.listing import Columns, listing
from sluicegate_record.terms import kinds


def _cases(found: CaseList) -> list[list[str | None]]:
    return [_row(case) for case in found.cases]


def _row(case: CaseSummary) -> list[str | None]:
    return [
        case.case,
        case.kind,
        case.about,
        case.surface,
        case.organization,
        (case.determination or wording.words(case.state)) + wording.written_for(case.transcribed_for),
        wording.awaiting(case),
        wording.minute(case.next_due_ms),
    ]


COLUMNS = ("case", "kind", "about", "surface", "organization", "state", "awaiting", "next due")
listed = listing(acts.LIST, Columns(COLUMNS, _cases, "There is no such case, or you may not see it."))
APPLICATIONS = ("application", "stage", "surface", "organization", "state", "awaiting", "next due", "applied")


def _applications(found: CaseList) -> list[list[str | None]]:
    rows = [[*_row(case), wording.minute(case.opened_at_ms)] for case in found.cases]
    return [[case, *more] for case, _, *more in rows]


applications = listing(
    acts.LIST,
    Columns(APPLICATIONS, _applications, "There is no such application."),
    kind=Fixed(kinds.ADMISSION),
    directive=Fixed(None),
)
show = acting(acts.SHOW, wording.case)
