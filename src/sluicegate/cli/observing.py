"""`canary list`: what surfaces answered to those who watch them, beside what was due."""

from __future__ import annotations

from sluicegate.acts import observations as acts
from sluicegate.acts.observations import Observations
from sluicegate.cli import observations, wording
from sluicegate.cli.listing import Columns, listing


def _rows(found: Observations) -> list[list[str]]:
    return [
        [
            each.probe.model,
            f"{each.probe.surface} at {observations.where(each)}",
            each.observer,
            observations.outcome(each.outcome, each.probe.model),
            observations.verdict(each.verdict, each.due_by),
            wording.moment(each.since_ms),
            wording.moment(each.signed_ms),
        ]
        for each in found.observations
    ]


COLUMNS = ("model", "surface", "observer", "got", "shows", "since", "last")
listed = listing(acts.LIST, Columns(COLUMNS, _rows, "Nothing was observed."))
