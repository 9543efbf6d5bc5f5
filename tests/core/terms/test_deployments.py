"""What a plan asks about deployments: what a person may write, and which terms are tighter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.core.terms import document, plan
from sluicegate.errors import InvalidDocument
from sluicegate_record.form import Misread
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms import tightness
from sluicegate_record.terms.deployments import Deployments
from sluicegate_record.terms.plan import Plan
from tests.worlds import STAGE, plan_value, read_plan


def test_a_plan_says_how_long_a_statement_holds() -> None:
    given = read_plan(plan_value(deployments={"atMost": "P7D"}))
    assert given.spec.deployments == Deployments(at_most="P7D")
    assert given.spec.deployments.at_most_ms == 7 * DAY_MS


def test_a_plan_that_asks_for_no_statement_is_as_it_was() -> None:
    given = read_plan(plan_value())
    assert "deployments" not in given.to_json()["spec"]
    assert given.spec.deployments is None


def test_agencies_agree_to_it() -> None:
    plans = [read_plan(plan_value(deployments=each)) for each in (None, {"atMost": "P7D"}, {"atMost": "P8D"})]
    assert len({each.terms[STAGE] for each in plans}) == 3


@pytest.mark.parametrize(
    ("new", "old", "is_tighter"),
    [
        ({"atMost": "P7D"}, None, True),
        ({"atMost": "P7D"}, {"atMost": "P7D"}, True),
        ({"atMost": "PT24H"}, {"atMost": "P1D"}, True),
        ({"atMost": "P6D"}, {"atMost": "P7D"}, True),
        ({"atMost": "P8D"}, {"atMost": "P7D"}, False),
        (None, {"atMost": "P7D"}, False),
        (None, None, True),
    ],
)
def test_to_ask_for_newer_statements_is_tighter(new: Any, old: Any, is_tighter: bool) -> None:
    after, before = (read_plan(plan_value(deployments=each)) for each in (new, old))
    loosened = tightness.loosened(after, after.stages[STAGE], before, before.stages[STAGE])
    assert loosened == ([] if is_tighter else ["deployments"])


def test_a_later_build_may_ask_for_more_and_that_is_not_left_out() -> None:
    before = read_plan(plan_value(deployments={"atMost": "P7D"}))
    value = before.to_json()
    value["spec"]["deployments"]["measured"] = True
    after = Plan.from_json(value)
    stages = after.stages[STAGE], before.stages[STAGE]
    assert tightness.loosened(after, stages[0], before, stages[1]) == ["deployments"]


BAD: dict[str, tuple[Any, str, str]] = {
    "nothing": ({}, "deployments", "the field 'atMost'"),
    "no duration": ({"atMost": "7 days"}, "atMost", "a duration such as P30D or PT12H"),
    "a duration of nothing": ({"atMost": "P0D"}, "atMost", "a duration longer than nothing"),
    "too long": ({"atMost": "P91D"}, "atMost", "at most P90D"),
    "a number": ({"atMost": 7}, "atMost", "text"),
    "a field unknown": ({"atMost": "P7D", "atmost": "P7D"}, "atmost", "a field of the plan language"),
}


@pytest.mark.parametrize(("value", "where", "expected"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_refused_where_it_is(value: Any, where: str, expected: str) -> None:
    text = json.dumps(plan_value(deployments=value), indent=1)
    with pytest.raises(InvalidDocument) as caught:
        plan.read(document.read(text, "plan.yaml"))
    (fault,) = caught.value.at
    assert expected in fault.expected
    assert f'"{where}"' in text.splitlines()[fault.line - 1]


def test_more_models_than_one_statement_can_name_are_refused() -> None:
    value = plan_value(models=[f"m-{number}" for number in range(51)], deployments={"atMost": "P7D"})
    with pytest.raises(InvalidDocument) as caught:
        plan.read(document.read(json.dumps(value), "plan.yaml"))
    (fault,) = caught.value.at
    assert (fault.expected, fault.found) == ("at most 50 models where deployments are stated", "51")


def test_the_record_reads_no_duration_that_the_plan_language_has_not() -> None:
    value = read_plan(plan_value(deployments={"atMost": "P7D"})).to_json()
    value["spec"]["deployments"]["atMost"] = "P0D"
    with pytest.raises(Misread):
        Plan.from_json(value)
