"""`case`: see cases."""

from __future__ import annotations

from sluicegate.acts import cases as acts
from sluicegate.acts.cases import CaseList, CaseSummary
from sluicegate.cli import wording
from sluicegate.cli.acting import acting
from sluicegate.cli.tables import table
from sluicegate_record.log import times


def _cases(found: CaseList) -> str:
    columns = ["case", "kind", "about", "surface", "organization", "state", "awaiting", "next due"]
    empty = "There is no such case, or you may not see it."
    text = table(wording.log_of(found.size), columns, [_row(case) for case in found.cases], empty)
    return text + (f"\n  more: sluicegate case list --before {found.next}" if found.next else "")


def _row(case: CaseSummary) -> list[str | None]:
    due_ms = case.next_due_ms
    return [
        case.case,
        case.kind,
        case.directive or f"{case.release}/{case.stage}",
        case.surface,
        case.organization,
        (case.determination or wording.words(case.state)) + wording.written_for(case.transcribed_for),
        wording.awaiting(case),
        wording.minute(None if due_ms is None else times.format_time(due_ms)),
    ]


listed = acting(acts.LIST, _cases)
show = acting(acts.SHOW, wording.case)
