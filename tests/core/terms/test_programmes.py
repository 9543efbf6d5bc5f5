"""Programmes of plans: what a person may write, and what is refused at its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.core.terms import document, plan
from sluicegate.errors import InvalidDocument
from sluicegate_record.terms.programmes import FIELD, PROFILE, Programme
from tests.worlds import plan_value, read_plan


def of_plan(value: Any) -> Any:
    return read_plan(plan_value(programmes=value)).spec.programmes


def test_reads_what_each_asks_and_what_carries_it() -> None:
    asks = {"sso": True, "retentionDays": {"value": 30, "declared": True}, "personNamed": True}
    names = {"standard": {}, "red": {"asks": asks}, "b": {"travels": PROFILE}, "c": {"travels": "x-cyber"}}
    found = of_plan({"cyber": names})["cyber"]
    assert found["standard"] == Programme()
    assert (found["red"].asks, found["red"].travels) == (asks, FIELD)
    assert [name for name, each in found.items() if each.needs_person] == ["red"]
    assert (found["b"].travels, found["c"].travels) == (PROFILE, "x-cyber")


def test_a_plan_without_programmes_is_as_it_was() -> None:
    given = read_plan(plan_value())
    assert "programmes" not in given.to_json()["spec"]
    assert given.spec.programmes == {}


BAD: dict[str, tuple[Any, str, str]] = {
    "a misspelt word": (
        {"cyber": {"red": {"asks": {"personNammed": True}}}},
        "personNammed",
        "personNamed, which is",
    ),
    "another case": (
        {"cyber": {"red": {"asks": {"PersonNamed": True}}}},
        "PersonNamed",
        "personNamed, which is",
    ),
    "nothing": ({}, "spec.programmes", "at least 1 of them"),
    "a concern without one": ({"cyber": {}}, "cyber", "at least 1 of them"),
    "standard asks": ({"cyber": {"standard": {"asks": {"sso": True}}}}, "asks", "nothing: everyone has"),
    "a person not named": (
        {"cyber": {"red": {"asks": {"personNamed": False}}}},
        "personNamed",
        "true, or the field left out",
    ),
    "a person declared": (
        {"cyber": {"red": {"asks": {"personNamed": {"value": True, "declared": True}}}}},
        "personNamed",
        "true, or the field left out",
    ),
    "an ask that is a list": ({"cyber": {"red": {"asks": {"sso": [1]}}}}, "sso", "true, a number, or a text"),
    "an ask that is not declared": (
        {"cyber": {"red": {"asks": {"sso": {"value": 1, "declared": False}}}}},
        "sso",
        "true, a number, or a text",
    ),
    "a field unknown": ({"cyber": {"red": {"ask": {}}}}, "ask", "a field of the plan language"),
    "another field of the body": ({"cyber": {"red": {"travels": "access_program"}}}, "travels", FIELD),
    "a header in capitals": ({"cyber": {"red": {"travels": "X-Cyber"}}}, "travels", "in lower case"),
    "a key": ({"cyber": {"red": {"travels": "x-api-key"}}}, "travels", "a header of your own"),
    "a header of ours": (
        {"cyber": {"red": {"travels": "x-sluicegate-assertion"}}},
        "travels",
        "a header of your own",
    ),
    "a name in capitals": ({"cyber": {"Red": {}}}, "Red", "text matching"),
    "a name that one header carries twice": (
        {"cyber": {"red": {"travels": "x-a"}}, "bio": {"red": {"travels": "x-a"}}},
        "travels",
        "another header: this one carries 'red' of another concern",
    ),
}


@pytest.mark.parametrize(("value", "where", "expected"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_refused_where_it_is(value: Any, where: str, expected: str) -> None:
    text = json.dumps(plan_value(programmes=value), indent=1)
    with pytest.raises(InvalidDocument) as caught:
        plan.read(document.read(text, "plan.yaml"))
    (fault,) = caught.value.at
    assert expected in fault.expected
    line = text.splitlines()[fault.line - 1]
    assert f'"{where.rpartition(".")[2]}"' in line
