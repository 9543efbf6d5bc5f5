"""Themes about promises: kept, changed, broken by act and by time, kept late, void."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sluicegate.core.lifecycle.applications import Withdraw
from sluicegate.core.lifecycle.promises import RecordPromise
from sluicegate.core.lifecycle.releases import ApplyPlan
from sluicegate_record.statements.about import About
from sluicegate_record.terms import dates
from tests.vectors.history import History
from tests.vectors.older import BreakPromise, ChangePromise, KeepPromise, MakePromise
from tests.vectors.themes.plans import MAIN, PARTNERS
from tests.worlds import plan_value, promising, read_plan, stage

DEVELOPER = "openai"


def _day(h: History, days: int) -> str:
    """The day that so many days from now is."""
    return h.until(days)[:10]


def _made(h: History, party: str, text: str, days: int, default: str | None = None, **about: str) -> str:
    command = MakePromise(party, text, _day(h, days), default, About.from_json(about))
    name: str = h.must(command, by=party)["promise"]
    return name


def _kept(h: History) -> None:
    """By their parties, and by a decision; one is changed before."""
    ostp = _made(h, "ostp", "a framework is published", 20, "the terms stay as they are")
    h.no("promise_of_another", KeepPromise(DEVELOPER, ostp))
    h.no("promise_unknown", KeepPromise("ostp", "promise_none"))
    h.must(ChangePromise("ostp", ostp, "more comments came than we thought", by=_day(h, 40)), by="ostp")
    h.must(KeepPromise("ostp", ostp, "published on our site"), by="ostp")
    h.no("promise_not_open", BreakPromise("ostp", ostp, "no"))
    case = h.applies("org-60", MAIN, PARTNERS)
    _made(h, "ostp", "decided within five days", 5, case=case)
    h.says(case, "ostp object")


def _not_kept(h: History) -> None:
    """Broken by act, broken by time and kept late, and void because its case was withdrawn."""
    given_up = _made(h, DEVELOPER, "everyone gets access", 30, release=MAIN)
    h.must(BreakPromise(DEVELOPER, given_up, "the evaluation is not done"), by=DEVELOPER)
    case = h.applies("org-61", MAIN, PARTNERS)
    _made(h, "ostp", "decided within five days", 5, case=case)
    h.must(Withdraw(case), by="user of org-61")
    late = _made(h, "caisi", "the report is sent", 3)
    h.later(5)
    assert h.newest("promise.broken")["how"] == "time"
    h.must(KeepPromise("caisi", late), by="caisi")
    h.no("promise_over", MakePromise("caisi", "yesterday", _day(h, -1)))


PROMISES = (_kept, _not_kept)
TARGETED, FIRST, SECOND = "gpt-11", "first", "second"


def _says(h: History, party: str, says: str, promise: str = "", **said: Any) -> RecordPromise:
    """A party's signed word, after its last one on that promise."""
    about = {"promise": promise, "previous": h.state.record.promises[promise].digest} if promise else {}
    return promising(party, says, **about, **said)


def _due(h: History, days: int) -> int:
    """When the day that so many days from now is, is over."""
    return dates.end_ms(_day(h, days))


def _signed(h: History) -> None:
    """Each word, signed by its party; one that was said before is not said again."""
    made = _says(h, "caisi", "makes", text="a report", due_ms=_due(h, 9), default="it stays closed")
    name = h.must(made, by="caisi")["promise"]
    h.must(made, by="caisi")
    h.no("promise_of_another", _says(h, "ostp", "keeps", name))
    later = _says(h, "caisi", "changes", name, text="a short report", due_ms=_due(h, 12), reason="ill")
    h.must(later, by="caisi")
    h.no("promise_stale", promising("caisi", "keeps", promise=name))
    h.must(_says(h, "caisi", "breaks", name, reason="there is none"), by="caisi")
    h.must(_says(h, "caisi", "keeps", name, text="found after all"), by="caisi")
    ours = _says(h, DEVELOPER, "makes", text="reasons will follow", due_ms=_due(h, 2))
    h.must(ours, by="officer")
    h.no("promise_made", made)


def _targeted(h: History) -> None:
    """Target dates: made by a plan, changed by another, kept by an opening, broken by time, given up."""

    def plan(first: int | None, second: int | None) -> ApplyPlan:
        days = {FIRST: first, SECOND: second}
        stages = [stage(name, target=None if day is None else _day(h, day)) for name, day in days.items()]
        return ApplyPlan(read_plan(plan_value(TARGETED, models=(TARGETED,), stages=stages)))

    h.must(plan(3, 5), by="operator")
    applied = next(e.seq for e in reversed(h.entries) if e.type == "release.applied")
    h.agree_to(TARGETED)
    h.no("reason_needed", plan(4, 5))
    h.no("promise_over", replace(plan(-1, 5), reason="why"))
    h.must(replace(plan(4, 5), reason="an evaluation takes longer"), by="operator")
    h.opens(TARGETED, FIRST)
    h.no("promise_of_plan", _says(h, DEVELOPER, "keeps", f"target_{TARGETED}_{SECOND}_{applied}"))
    h.later(6)
    assert h.newest("promise.broken")["how"] == "time"
    h.must(plan(None, 2), by="operator")
    h.must(replace(plan(None, None), reason="no one knows when"), by="operator")


SIGNED = (_signed, _targeted)
