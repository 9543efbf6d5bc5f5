"""Themes about stages that are closed: by an officer, and because they lost what they require."""

from __future__ import annotations

from sluicegate.core.lifecycle.recalls import RecallRelease, RestoreRelease
from sluicegate.core.lifecycle.releases import CloseStage
from tests.vectors.history import History
from tests.worlds import opening, plan_value, stage, stage_closing

BRIEF, PREVIEW, LATER, GENERAL = "gpt-8", "preview", "later", "general"
WITHDRAWN = "gpt-withdrawn"


def _closed(h: History) -> None:
    """The first is closed by an officer: one closes and opens with it, of one it is only said."""
    soak = {"soak": "P1D", "of": PREVIEW, "whenLost": "close"}
    stages = [
        stage(PREVIEW),
        stage(LATER, opensWhen={"allOf": [{"after": PREVIEW, "whenLost": "tell"}]}),
        stage(GENERAL, opensWhen={"allOf": [soak, {"date": "2026-01-01"}]}),
    ]
    h.apply(plan_value(BRIEF, models=(BRIEF,), stages=stages))
    h.agree_to(BRIEF)
    h.opens(BRIEF, PREVIEW)
    h.later(1)
    h.issues(h.admits("brief-1", BRIEF, GENERAL), "key of brief-1")
    closing = stage_closing(BRIEF, PREVIEW)
    h.must(CloseStage(closing), by="officer")
    h.must(CloseStage(closing), by="officer")
    h.newest("stage.closed", stage=GENERAL)
    h.opens(BRIEF, PREVIEW)
    h.no("closing_used", CloseStage(closing))
    assert h.newest("stage.lacking", stage=LATER)["lost"] == []


def _recalled(h: History) -> None:
    """A release is withdrawn with what an earlier plan left open, and comes back as far as it can."""
    first, then = stage(PREVIEW), stage(LATER, opensWhen={"allOf": [{"after": PREVIEW}]})
    h.apply(plan_value(WITHDRAWN, models=(WITHDRAWN,), stages=[first, then]))
    h.agree_to(WITHDRAWN)
    h.opens(WITHDRAWN, PREVIEW)
    h.issues(h.admits("recalled-1", WITHDRAWN, PREVIEW), "key of recalled-1")
    closings = tuple(stage_closing(WITHDRAWN, name) for name in (PREVIEW, LATER))
    h.no("recall_partial", RecallRelease(closings[:1]))
    h.must(RecallRelease(closings), by="officer")
    openings = tuple(opening(h.state, WITHDRAWN, name) for name in (LATER, PREVIEW))
    h.must(RestoreRelease(openings), by="officer")
    h.no("closing_used", RecallRelease(closings))


CLOSED = (_closed,)
RECALLED = (_recalled,)
