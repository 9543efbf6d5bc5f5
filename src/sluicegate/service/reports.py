"""Reports over the cases their reader may see."""

from __future__ import annotations

from sluicegate.acts import reports as acts
from sluicegate.acts.reports import CaseReport, ReportFilter
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle import reports as made
from sluicegate.service import access
from sluicegate.service.context import Context, does


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
    return made.report(seen, (row for row in required if row.release in shown), size, now_ms)
