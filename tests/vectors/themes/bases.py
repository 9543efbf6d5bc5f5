"""Themes about bases with a date: one lapses, one stays, two are reviewed before their date."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.positions import RecordPosition
from tests.vectors.history import History
from tests.vectors.themes.plans import AGREED
from tests.worlds import API, OFFICER, plan_value, position, proceeding, stage

TEMPORARY = "gpt-9"
ONE = {"mode": "approve", "grant": {"allOf": ["ostp"]}}


def _stage(name: str, until: str, after: Any) -> dict[str, Any]:
    return stage(name, basis={**AGREED, "until": until, "afterUntil": after}, admission=ONE)


def _temporarily(h: History) -> None:
    """A plan for a month."""
    until = h.until(30)[:10]
    reviewed = {"review": {"by": ["oncd", "ostp"], "then": "lapse"}}
    undecided = {"review": {"by": {"anyOf": ["oncd"]}, "then": "stay", "opens": "P10D"}}
    stages = [
        _stage("lapsing", until, "lapse"),
        _stage("staying", until, "stay"),
        _stage("reviewed", until, reviewed),
        _stage("undecided", until, undecided),
    ]
    h.apply(plan_value(TEMPORARY, models=(TEMPORARY,), stages=stages, surfaces=[API]))
    h.agree_to(TEMPORARY)
    h.opens(TEMPORARY, "lapsing")
    h.ids["waiting"] = h.applies("org-70", TEMPORARY, "lapsing")
    h.no("not_voluntary", proceeding(h.state.cases[h.ids["waiting"]], OFFICER))


def _over(h: History) -> None:
    """The date is near, and over; what follows then."""
    h.later(17)
    review = h.newest("case.opened", kind="review", stage="reviewed")["case"]
    h.says(review, "oncd approve", "ostp approve")
    h.ends(review, "approved")
    h.later(7)
    assert h.newest("basis.reminded", stage="lapsing")["then"] == "lapse"
    h.later(11)
    found = {each: h.newest("basis.ended", stage=each)["then"] for each in ("lapsing", "staying", "reviewed")}
    assert found == {"lapsing": "lapse", "staying": "stay", "reviewed": "stay"}
    undecided = h.newest("case.opened", kind="review", stage="undecided")["case"]
    h.ends(undecided, "lapsed", "time_over")
    h.no("case_determined", RecordPosition(position(h.state.cases[undecided], "oncd")))
    h.must(proceeding(h.state.cases[h.ids["waiting"]], OFFICER), by="officer")
    assert h.newest("case.proceeded")["lapsed"]
    h.ids["org-70"] = h.granted(h.ids["waiting"])


BASES = (_temporarily, _over)
