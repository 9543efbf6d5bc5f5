"""The plans of the history's releases."""

from __future__ import annotations

from typing import Any

from tests.worlds import API, PINS, pin, plan_value, stage

MAIN, MINI, OLDER, QUIET, CLOCKS, SEATS = "gpt-5.6", "gpt-5.6-mini", "gpt-5.5", "gpt-6", "gpt-7", "gpt-8"
"""The releases, by their models; the first has two."""
PARTNERS, GENERAL = "trusted-partners", "general"
BOTH = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}}
OWNERS = [*PINS, pin("first", "trade"), pin("second", "trade")]
EVERY_AGENCY = {name: {"name": name.upper()} for name in ("caisi", "oncd", "ostp", "trade")}
AGREED = {"kind": "agreed", "askedBy": ["oncd"], "how": "a letter", "askedOn": "2026-06-01"}
ORDERED = {**AGREED, "kind": "order", "how": "an order", "until": "2027-06-01"}
LOGS = {"value": 30, "declared": True}


def main_plan(**partners: Any) -> dict[str, Any]:
    """The main release: a stage that two agencies decide, one with criteria, and another model instead."""
    terms = {"requestsPerMinute": 600, "validFor": "P90D", "training": {"value": "none", "declared": True}}
    first = stage(PARTNERS, **{"title": "Partners", "conditions": terms, **partners})
    second = stage(
        GENERAL,
        basis=AGREED,
        admission={
            "mode": "approve",
            "grant": {"anyOf": ["oncd", "ostp"]},
            "remove": {"atLeast": {"n": 1, "of": ["oncd", "ostp"]}},
        },
        eligibility={
            "registeredIn": ["US", "GB"],
            "owners": {"above": 25},
            "screening": "clear",
            "onwardAccess": ["none", "affiliates"],
            "criteria": ["a security officer"],
        },
        conditions=None,
    )
    value = plan_value(MAIN, models=(MAIN, MINI), stages=[first, second])
    value["spec"]["onRefusal"] = {"fallbackModel": OLDER}
    return value


def quiet_plan(**changes: Any) -> dict[str, Any]:
    """A release that is not announced, whose stage opens when an agency agrees to that."""
    opens = {"allOf": [{"terms": "agreed"}, {"agreedBy": {"majorityOf": ["caisi", "ostp"]}}]}
    body = stage(
        "first", opensWhen=opens, admission={"mode": "approve", "grant": {"allOf": ["oncd"]}}, **changes
    )
    return plan_value(QUIET, models=(QUIET,), announced=False, stages=[body], leaseMs=2_000)


def _clock(silence: str, unit: str = "days", calendar: str = "weekends", **changes: Any) -> dict[str, Any]:
    return {"within": 5, "unit": unit, "calendar": calendar, "silence": silence, **changes}


LADDER = {"to": [{"name": "the deputy", "within": 2}, "the chief"], "warn": "P1D"}
STAGES = {
    "ladder": {**BOTH, "clock": _clock("escalate", "business-days", "us-federal", **LADDER, then="deny")},
    "waits": {**BOTH, "clock": _clock("escalate", "days", "us-federal", to=["the chief"], then="wait")},
    "yields": {**BOTH, "clock": _clock("escalate", to=["the chief"], then="no-objection")},
    "presumed": {**BOTH, "clock": _clock("no-objection", warn="P2D"), "reply": "P3D"},
    "refused": {**BOTH, "clock": _clock("deny", "business-days", "uk-england"), "reply": "P3D"},
    "notified": {**BOTH, "mode": "notify", "clock": _clock("no-objection")},
    "lapsing": {**BOTH, "clock": _clock("deny", within=50, overall={"within": 5, "then": "lapse"})},
    "rising": {**BOTH, "clock": _clock("deny", within=50, overall={"within": 5, "then": "escalate"})},
    "signed": {"mode": "approve", "grant": {"anyOf": ["trade", "oncd"]}, "countersign": ["trade"]},
    "judged": {**BOTH, "appeal": {"decide": {"allOf": ["caisi", "trade"]}, "within": "P2D"}},
}
"""How each stage of the release about time admits."""


def clocks_plan() -> dict[str, Any]:
    bases = {"waits": AGREED, "refused": ORDERED}
    bodies = [
        stage(name, admission=admission, conditions=None, **({"basis": bases[name]} if name in bases else {}))
        for name, admission in STAGES.items()
    ]
    return plan_value(CLOCKS, models=(CLOCKS,), agencies=EVERY_AGENCY, stages=bodies, surfaces=[API])


def seats_plan(**changes: Any) -> dict[str, Any]:
    admission = {**BOTH, "offer": "P2D", "reply": "P1D", **changes.pop("admission", {})}
    body = stage("seated", **{"seats": 2, "admission": admission, "conditions": None, **changes})
    return plan_value(SEATS, models=(SEATS,), stages=[body])
