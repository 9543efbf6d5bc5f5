"""Reports over the cases their reader may see."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle import reports as made
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.ledger import Ledger
from sluicegate_record.log import times


def cases(ledger: Ledger, principal: Principal, release: str | None = None) -> dict[str, Any]:
    """Counts, times and waiting over the cases of one release, or of all.

    A case never changes, only which one stands under its name: so the state is held to list them, no longer.
    """
    with ledger.reading() as state:
        now_ms, size = ledger.now_ms(), state.size
        every = [*state.cases.values()]
        required = made.requirements(state, now_ms)
        known = {found.name for found in state.releases.values() if access.knows(principal, state, found)}
    seen = [
        case for case in every if access.sees(principal, case) and release in {None, case.question.release}
    ]
    shown = known if release is None else known & {release}
    return {
        "size": size,
        "at": times.format_time(now_ms),
        **made.casework(seen, now_ms),
        "requirements": [row for row in required if row["release"] in shown],
    }
