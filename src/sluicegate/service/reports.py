"""Reports over the cases their reader may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sluicegate.acts import reports as acts
from sluicegate.acts.reports import CaseReport, KeyShortage, ReportFilter
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle import reports as made
from sluicegate.service import access
from sluicegate.service.cases import PART
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.case import Case


@does(acts.REPORT)
def read(context: Context[CaseReport], asked: ReportFilter) -> CaseReport | Refusal:
    """Counts, times and waiting over the cases of one release, or of all.

    A case never changes, only which one stands under its name: so the state is held to list them, no longer.
    """
    ledger, principal, release = context.ledger, context.principal, asked.release
    with ledger.reading() as state:
        now_ms, size = ledger.now_ms(), state.size
        every = [*state.cases.values()]
        required = made.requirements(state, now_ms)
        known = {found.name for found in state.releases.values() if access.knows(principal, state, found)}
    seen = [
        case for case in every if access.sees(principal, case) and release in {None, case.question.release}
    ]
    shown = known if release is None else known & {release}
    rows = (row for row in required if row.release in shown)
    return made.report(seen, _shortages(ledger, seen), rows, size, now_ms)


def _shortages(ledger: Ledger, seen: Sequence[Case]) -> Iterator[KeyShortage]:
    """The agencies that cannot answer, found a part at a time, so that no one waits for a long report."""
    for at in range(0, len(seen), PART):
        with ledger.reading() as state:
            found = made.shortages(state, seen[at : at + PART])
        yield from found
