"""Reports over the cases their reader may see."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle import reports as made
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.ledger import Ledger
from sluicegate_record.log import times


def cases(ledger: Ledger, principal: Principal, release: str | None = None) -> dict[str, Any]:
    """Counts, times and waiting over the cases of one release, or of all."""
    with ledger.reading() as state:
        now_ms = ledger.now_ms()
        seen = [
            case
            for case in state.cases.values()
            if access.sees(principal, case) and release in {None, case.question.release}
        ]
        report = made.casework(state, seen, now_ms)
        known = {found.name for found in state.releases.values() if access.knows(principal, state, found)}
        shown = known if release is None else known & {release}
        report["requirements"] = [row for row in report["requirements"] if row["release"] in shown]
        return {"size": state.size, "at": times.format_time(now_ms), **report}
