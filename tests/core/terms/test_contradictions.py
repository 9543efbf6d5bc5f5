"""Fields that are right each by itself, and that together no one can meet."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.core.terms import document, plan
from sluicegate.errors import InvalidDocument, Place
from tests.worlds import plan_value, stage

CLOCK = {"within": 5, "unit": "days", "silence": "deny"}
GRANT = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}}


def faults(**changes: Any) -> list[Place]:
    value = plan_value(stages=[stage(**changes)])
    try:
        plan.read(document.read(json.dumps(value), "plan.yaml"))
    except InvalidDocument as error:
        return list(error.at)
    return []


def clock(**changes: Any) -> dict[str, Any]:
    return {"admission": {**GRANT, "clock": {**CLOCK, **changes}}}


def eligible(**changes: Any) -> dict[str, Any]:
    return {"eligibility": changes}


def opening(*asked: Any) -> dict[str, Any]:
    return {"target": "2026-07-08", "opensWhen": {"allOf": list(asked)}}


BINDS = {"value": 5, "enforced": True}


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        (eligible(registeredIn=["US", "GB", "US"]), "eligibility.registeredIn[2]", "each country once"),
        (eligible(onwardAccess=["none", "none"]), "eligibility.onwardAccess[1]", "each kind of access"),
        ({"seats": 6, "exposure": {"organizations": 5}}, "seats", "at most 5 seats"),
        ({"seats": 6, "exposure": {"organizations": BINDS}}, "seats", "at most 5 seats"),
        (opening({"terms": "agreed"}, {"date": "2026-07-09"}), "target", "from 2026-07-09 on"),
        (opening({"date": "2026-07-09T16:00:00Z"}), "target", "from 2026-07-09 on"),
        (clock(warn="P5D"), "admission.clock.warn", "less than the 5 days"),
    ],
)
def test_it_is_refused_at_its_field(changes: dict[str, Any], field: str, expected: str) -> None:
    (found,) = faults(**changes)
    assert found.field == f"spec.stages[trusted-partners].{field}"
    assert expected in found.expected
    assert str(found).endswith(f" (field {found.field})")


@pytest.mark.parametrize(
    "changes",
    [
        {"seats": 5, "exposure": {"organizations": 5}},
        {"seats": 5},
        {"target": "2026-07-09", "opensWhen": {"allOf": [{"date": "2026-07-09"}]}},
        {"target": "2026-07-08", "opensWhen": {"anyOf": [{"date": "2026-07-09"}, {"terms": "agreed"}]}},
        clock(overall={"within": 4, "then": "lapse"}),
        clock(warn="P4D"),
        clock(warn="P5D", unit="business-days"),
    ],
)
def test_what_someone_can_meet_is_taken(changes: dict[str, Any]) -> None:
    assert faults(**changes) == []
