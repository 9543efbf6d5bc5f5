"""Themes about the end of a release: closed with a report, which parties sign or dissent from."""

from __future__ import annotations

from sluicegate.core.lifecycle.clearances import RecordClearance
from sluicegate.core.lifecycle.releases import ApplyPlan
from sluicegate_record.entities.clearing import key_of
from sluicegate_record.statements.about import About
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.terms.clearances import REPORT
from tests.vectors.history import History
from tests.vectors.themes.ramps import EVERYONE
from tests.vectors.themes.ramps import _stage as everyone
from tests.worlds import LOG, closing, plan_value, promising, read_plan, signed, stage

DONE, PREVIEW = "gpt-14", "preview"


def _says(h: History, party: str, says: str, reason: str = "") -> RecordClearance:
    """A party's word on the report."""
    about = h.state.record.closures[DONE].report.digest
    known = h.state.record.clearances.get(key_of(DONE, REPORT, about, party))
    word = Clearance(
        log=LOG,
        release=DONE,
        party=party,
        says=says,
        about=about,
        reason=reason,
        previous=None if known is None else known.digest,
    )
    return RecordClearance(signed(word.payload(), party))


def _closed(h: History) -> None:
    """Closed after its last stage; then no plan, no application, and two words on the report."""
    plan = plan_value(DONE, models=(DONE,), stages=[stage(PREVIEW), everyone()])
    h.apply(plan)
    h.agree_to(DONE)
    h.opens(DONE, PREVIEW)
    h.admits("done-1", DONE, PREVIEW)
    about = About(release=DONE)
    text = promising("openai", "makes", text="everyone gets access", due_ms=h.now_ms + 10**9, about=about)
    h.must(text, by="officer")
    h.no("release_not_done", closing(h.state, DONE))
    h.opens(DONE, EVERYONE)
    h.no("release_not_done", closing(h.state, DONE))
    h.must(h.order("of-done", "oncd", models=[DONE], covers={"registeredIn": ["FR"]}), by="operator")
    h.later(5)
    h.no("report_changed", closing(h.state, DONE, report="sha256:00"))
    closes = closing(h.state, DONE)
    h.must(closes, by="officer")
    h.must(closes, by="officer")
    other = {**plan, "spec": {**plan["spec"], "leaseMs": 4_000}}
    h.no("release_closed", ApplyPlan(read_plan(other)))
    h.must(_says(h, "ostp", "signs"), by="agency")
    h.must(_says(h, "caisi", "dissents", "an evaluation is missing"), by="agency")


CLOSURES = (_closed,)
