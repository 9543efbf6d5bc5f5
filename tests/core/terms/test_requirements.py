"""What a person writes of requirements: every fault at its place, with a word that was nearly right."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from sluicegate.core.terms import document, plan, requirement_phrases
from sluicegate.errors import InvalidDocument, Place
from tests.worlds import plan_value, read_plan, stage


def three(asked: Any, place: int = 1) -> dict[str, Any]:
    """A plan of three stages, one of which requires something."""
    names = ("preview", "partners", "general")
    return plan_value(
        stages=[stage(name, opensWhen=asked if i == place else None) for i, name in enumerate(names)]
    )


def test_parties_of_whom_all_sign_are_a_rule_in_the_record() -> None:
    adopted = {"adopted": {"standard": "frontier-testing", "by": ["ostp"]}}
    asked = {
        "allOf": [
            adopted,
            {"anyOf": [{"evaluationTime": {"atMost": "P30D", "by": ["caisi"], "silence": "met"}}]},
        ]
    }
    value = three(asked)
    jsonschema.validate(value, plan.schema())
    read = read_plan(value).to_json()["spec"]["stages"][1]["opensWhen"]["allOf"]
    assert read[0]["adopted"]["by"] == {"allOf": ["ostp"]}
    assert read[1]["anyOf"][0]["evaluationTime"]["by"] == {"allOf": ["caisi"]}


def places(value: Any) -> list[Place]:
    with pytest.raises(InvalidDocument) as caught:
        plan.read(document.read(json.dumps(value), "plan.yaml"))
    return list(caught.value.at)


AGREED = {"agreedBy": {"allOf": ["oncd"]}}
RIGHT: list[Any] = [
    {"allOf": [{"terms": "agreed"}]},
    {"anyOf": [{"after": "preview"}, {"date": "2026-07-09T16:00:00Z"}]},
    {"atLeast": {"n": 2, "of": [{"soak": "P1D"}, {"date": "2026-07-09"}, {"after": "preview"}]}},
    {"allOf": [AGREED, {"anyOf": [{"soak": "P1D", "of": "preview"}, {"date": "2026-07-09"}]}]},
    {"allOf": [{"after": "preview", "whenLost": "close"}]},
]


@pytest.mark.parametrize("asked", RIGHT, ids=json.dumps)
def test_what_is_right_is_read_as_written_and_fits_the_schema(asked: Any) -> None:
    value = three(asked)
    assert read_plan(value).to_json()["spec"]["stages"][1]["opensWhen"] == asked
    jsonschema.validate(value, plan.schema())


KINDS = (
    "one of {terms: …}, {after: …}, {soak: …}, {date: …}, {agreedBy: …}, "
    "{adopted: …}, {attested: …}, {evaluationTime: …}, {hold: …}, {evidence: …}, "
    "{noOpenFindings: …}"
)
EARLIER = "a stage that comes before this one in the plan: stages open in their order"
WRONG: list[tuple[Any, str, str]] = [
    ("soak", "a group of requirements: allOf, anyOf or atLeast", "'soak'"),
    ({"soak": "P1D"}, "a group of requirements: allOf, anyOf or atLeast", "{'soak': 'P1D'}"),
    ({"allOf": []}, "a list of 1 to 10 requirements", "[]"),
    ({"allOf": [{"date": "2026-07-09"}] * 11}, "a list of 1 to 10 requirements", "[{'date'"),
    ({"atLeast": {"n": 3, "of": [{"date": "2026-07-09"}]}}, "a whole number from 1 to 1", "3"),
    ({"atLeast": [{"date": "2026-07-09"}]}, "{n: …, of: […]}", "["),
    ({"allOf": [{"afer": "preview"}]}, KINDS, "{'afer': 'preview'} (did you mean 'after'?)"),
    ({"allOf": [{"after": "previw"}]}, "one of preview", "'previw' (did you mean 'preview'?)"),
    ({"allOf": [{"after": "partners"}]}, EARLIER, "itself"),
    ({"allOf": [{"after": "general"}]}, EARLIER, "'general', which comes later"),
    ({"allOf": [{"soak": "P1D", "of": "general"}]}, EARLIER, "'general', which comes later"),
    ({"allOf": [{"soak": "10 days"}]}, "a duration such as", "'10 days'"),
    ({"allOf": [{"soak": "P0D"}]}, "a duration longer than nothing", "'P0D'"),
    ({"allOf": [{"date": "2026-02-30"}]}, "a day such as 2026-07-09", "'2026-02-30'"),
    ({"allOf": [{"date": "soon"}]}, "a day such as", "'soon'"),
    ({"anyOf": [AGREED]}, "agreedBy only in the outermost allOf", "{'agreedBy'"),
    ({"allOf": [{"anyOf": [AGREED]}]}, "agreedBy only in the outermost allOf", "{'agreedBy'"),
    ({"allOf": [{"agreedBy": {"allOf": ["oncd", "ostpp"]}}]}, "one of caisi, oncd, ostp", "'ostpp'"),
    ({"allOf": [{"after": "preview", "whenLost": "stop"}]}, "'halt', 'close' or 'tell'", "'stop'"),
    ({"allOf": [{"after": "preview", "soak": "P1D"}]}, "a field of the plan language", "'soak'"),
    ({"allOf": [{"anyOf": [{"anyOf": [{"anyOf": [{"date": "2026-07-09"}]}]}]}]}, "at most 3 groups", "more"),
    ({"allOf": [{"adopted": {"standard": "s", "by": ["oncdd"]}}]}, "one of caisi", "'oncdd'"),
    ({"allOf": [{"adopted": {"standard": "s", "by": []}}]}, "a list of at least one agency", "[]"),
    ({"allOf": [{"adopted": {"by": ["oncd"]}}]}, "the field 'standard'", "none"),
    ({"allOf": [{"evaluationTime": {"by": ["oncd"], "silence": "met"}}]}, "the field 'atMost'", "none"),
    (
        {"allOf": [{"hold": {"by": "ostpp", "reason": "r"}}]},
        "one of caisi, oncd, openai, ostp",
        "'ostpp' (did you mean 'ostp'?)",
    ),
    ({"allOf": [{"evidence": ["x"]}]}, "one of no evaluation (none is declared)", "'x'"),
    ({"allOf": [{"evidence": []}]}, "at least 1 of them", "[]"),
    ({"allOf": [{"evidence": "x"}]}, "a list, such as [a, b]", "'x'"),
    ({"allOf": [{"noOpenFindings": {}}]}, "the field 'atLeast'", "none"),
    (
        {"allOf": [{"noOpenFindings": {"atLeast": "hihg"}}]},
        "one of informational, low, medium, high, critical",
        "'hihg' (did you mean 'high'?)",
    ),
]


@pytest.mark.parametrize(("asked", "expected", "found"), WRONG, ids=lambda value: json.dumps(value)[:60])
def test_every_fault_says_what_was_expected_and_found(asked: Any, expected: str, found: str) -> None:
    told = [(each.expected, each.found) for each in places(three(asked))]
    assert [each for each in told if each[0].startswith(expected) and each[1].startswith(found)], told
    assert not [each for each, _ in told if "did you mean" in each]


@pytest.mark.parametrize(
    ("asked", "found"),
    [({"allOf": [{"soak": "P1D"}]}, "the first stage"), ({"allOf": [{"after": "x"}]}, "'x'")],
)
def test_the_first_stage_waits_for_no_other(asked: Any, found: str) -> None:
    (place,) = places(three(asked, place=0))
    assert place.found == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('evidence: ["cyber","bio"]', "results that meet cyber and bio"),
        ("soak: P10D, of: partners", "10 days since partners opened"),
        ('agreedBy: {"allOf":["oncd","ostp"]}', "agreement to its opening by oncd and ostp"),
        ("find_abc (high)", "find_abc (high)"),
        ('evidence: ["cyber"', 'evidence: ["cyber"'),
        ("evidence: 3", "evidence: 3"),
        ("", ""),
    ],
)
def test_what_an_entry_says_of_a_requirement_is_said_in_words(text: str, words: str) -> None:
    assert requirement_phrases.stated(text) == words
