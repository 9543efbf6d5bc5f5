"""What a person writes of evaluations: shares as numbers, and every fault at its place."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from sluicegate.core.terms import document, plan
from sluicegate.errors import InvalidDocument
from sluicegate_record.log import canonical
from tests.evaluated import NAME, asked, spec
from tests.worlds import plan_value, read_plan


def in_record(**changes: Any) -> Any:
    value = plan_value(**spec(**changes))
    jsonschema.validate(value, plan.schema())
    return read_plan(value).to_json()["spec"]["evaluations"][NAME]


@pytest.mark.parametrize(
    ("written", "text"),
    [(0, "0"), (0.0, "0"), (1, "1"), (1.0, "1"), (0.01, "0.01"), (1e-9, "0.000000001"), (0.5, "0.5")],
)
def test_a_share_is_in_the_record_as_the_shortest_decimal(written: float, text: str) -> None:
    assert in_record(atMost=written)["atMost"] == text


def test_to_write_a_plan_out_changes_nothing_of_it() -> None:
    given = read_plan(plan_value(**spec(atMost=0.1)))
    before = canonical.dumps(given.to_json())
    assert "atMost: 0.1\n" in plan.written(given) == plan.written(given)
    assert canonical.dumps(given.to_json()) == before


def test_an_evaluation_is_in_the_record_as_written_with_a_rule_over_those_who_run_it() -> None:
    compared = {"model": "mythos-5", "value": 0.71, "margin": 0.05}
    found = in_record(rule=["caisi", "openai"], level=0.99, ifDisagree="newest", compareTo=compared)
    assert found["from"] == {"allOf": ["caisi", "openai"]}
    assert (found["level"], found["ifDisagree"]) == ("0.99", "newest")
    assert found["compareTo"] == {"model": "mythos-5", "value": "0.71", "margin": "0.05"}


SHARE = "a share from 0 to 1, of at most 9 decimal places, such as 0.05"
LEVEL = "a level above 0.5 and below 1, such as 0.95"
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"atMost": 1.01}, SHARE, "1.01"),
    ({"atMost": -0.01}, SHARE, "-0.01"),
    ({"atMost": 1e-10}, SHARE, "1e-10"),
    ({"atMost": "5%"}, "a number", "'5%'"),
    ({"atMost": True}, "a number", "True"),
    ({"atLeast": 0.1}, "one threshold: atLeast or atMost", "both"),
    ({"level": 0.5}, LEVEL, "0.5"),
    ({"level": 1}, LEVEL, "1"),
    ({"rule": {"anyOf": ["caisii"]}}, "one of caisi, oncd, openai, ostp", "'caisii' (did you mean 'caisi'?)"),
    ({"rule": {"anyOf": []}}, "a list of at least one agency or rule", "[]"),
    ({"rule": "caisi"}, "one of allOf, anyOf, atLeast, majorityOf", "'caisi'"),
    ({"ifDisagree": "average"}, "'worst', 'newest' or 'best' (this build has no other)", "'average'"),
    ({"compareTo": {"model": "m"}}, "the field 'value'", "none"),
    ({"compareTo": {"model": "m", "value": 0.1, "margin": 0.2}}, "a margin no greater than the value", "0.2"),
    ({"task": None}, "the field 'task'", "none"),
    ({"threshold": 1}, "a field of the plan language", "'threshold'"),
]


@pytest.mark.parametrize(("changes", "expected", "found"), WRONG, ids=repr)
def test_every_fault_says_what_was_expected_and_found(
    changes: dict[str, Any], expected: str, found: str
) -> None:
    value = plan_value(evaluations={NAME: asked(**changes)})
    with pytest.raises(InvalidDocument) as caught:
        plan.read(document.read(json.dumps(value), "plan.yaml"))
    (place,) = caught.value.at
    assert (place.expected, place.found) == (expected, found)


def test_a_requirement_names_an_evaluation_of_the_plan() -> None:
    value = plan_value(**{**spec(), "evaluations": {"jailbreak-resistence": asked()}})
    with pytest.raises(InvalidDocument) as caught:
        plan.read(document.read(json.dumps(value), "plan.yaml"))
    (place,) = caught.value.at
    assert place.found == f"'{NAME}' (did you mean 'jailbreak-resistence'?)"
