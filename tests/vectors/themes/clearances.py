"""Themes about what parties sign about requirements: adoptions, attestations, evaluations, holds."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.clearances import RecordClearance
from sluicegate_record.entities.clearing import key_of
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.terms.clearances import CLEARANCES
from tests.vectors.history import History
from tests.worlds import DAY_MS, LOG, plan_value, signed, stage

TESTED, FIRST, STANDARD = "gpt-9", "first", "frontier-testing"


def _says(h: History, party: str, says: str, about: str, **said: Any) -> RecordClearance:
    known = h.state.record.clearances.get(key_of(TESTED, CLEARANCES[says].kind, about, party))
    previous = None if known is None else known.digest
    word = Clearance(log=LOG, release=TESTED, party=party, says=says, about=about, previous=previous, **said)
    return RecordClearance(signed(word.payload(), party))


def _cleared(h: History) -> None:
    """A stage that waits for an evaluation, a standard and a hold, and loses the standard again."""
    asked = [
        {"adopted": {"standard": STANDARD, "by": ["ostp"]}},
        {"attested": {"standard": STANDARD, "by": ["caisi"]}},
        {"evaluationTime": {"atMost": "P30D", "by": ["caisi"], "silence": "unmet"}},
        {"hold": {"by": "oncd", "reason": "a review"}},
    ]
    h.apply(plan_value(TESTED, models=(TESTED,), stages=[stage(FIRST, opensWhen={"allOf": asked})]))
    h.agree_to(TESTED)
    until_ms = h.now_ms + 5 * DAY_MS
    adopts = _says(h, "ostp", "adopts", STANDARD, version="1", reason="it is ready")
    for command in (
        adopts,
        adopts,
        _says(h, "caisi", "attests", STANDARD),
        _says(h, "caisi", "begins", FIRST, until_ms=until_ms),
        _says(h, "oncd", "releases", FIRST),
    ):
        h.must(command, by="agency")
    h.must(_says(h, "caisi", "extends", FIRST, until_ms=until_ms + DAY_MS), by="agency")
    h.must(_says(h, "caisi", "ends", FIRST), by="agency")
    assert h.newest("stage.opened", release=TESTED)["met"]
    h.must(_says(h, "ostp", "withdraws", STANDARD), by="agency")
    h.newest("stage.lacking", release=TESTED)
    h.must(_says(h, "caisi", "retracts", STANDARD), by="agency")
    h.must(_says(h, "oncd", "holds", FIRST), by="agency")
    h.no("clearance_stale", adopts)


CLEARED = (_cleared,)
