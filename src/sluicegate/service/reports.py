"""Reports over the cases their reader may see."""

from __future__ import annotations

from sluicegate.acts import reports as acts
from sluicegate.acts.reports import CaseReport, ReportFilter
from sluicegate.core.lifecycle import Refusal, promises
from sluicegate.core.lifecycle import reports as made
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.promises import shown_to


@does(acts.REPORT)
def read(context: Context[CaseReport], asked: ReportFilter) -> CaseReport | Refusal:
    """Counts, times and waiting over the cases of one release, or of all."""
    ledger, principal, release = context.ledger, context.principal, asked.release
    with ledger.reading() as state:
        now_ms, size = ledger.now_ms(), state.size
        seen = [
            (heading, section)
            for heading, section in state.docket.sections.items()
            if access.sees_some(principal, heading) and release in {None, heading.release}
        ]
        totals, lacking = made.Totals(seen, now_ms), made.shortages(state, seen)
        knows = access.known(principal, state, ledger.directs)
        known = {found.name for found in state.releases.values() if knows(found)}
        shown = known if release is None else known & {release}
        required = [row for row in made.requirements(state, now_ms) if row.release in shown]
        may_know = shown_to(ledger, state, principal)
        kept = [
            each
            for each in state.record.promises.values()
            if may_know(each) and release in {None, promises.release_of(state, each)}
        ]
        return made.report(totals, lacking, required, size, kept)
