"""A question: what it binds, whoever wrote it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sluicegate_record.directives.scope import CommittedNames, Scope
from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Misread
from sluicegate_record.log import canonical
from sluicegate_record.statements.cases import Position
from sluicegate_record.statements.question import Question
from sluicegate_record.terms.plan import ModelDigests
from tests.worlds import approval, signed

LEAST = {"log": "v", "case": "case_1", "kind": "lift"}
WHOLE = {
    **LEAST,
    "release": "r",
    "stage": "s",
    "terms": "sha256:00",
    "models": [{"digest": "sha256:01", "safeguards": "sha256:02"}],
    "surface": "api",
    "party": "ab",
    "grant": "grant_1",
    "renew": False,
    "reasonCode": "misuse",
    "against": "case_0",
    "directive": "d-1",
    "document": "sha256:03",
    "scope": {
        "models": ["m"],
        "surfaces": ["api"],
        "annexes": ["a"],
        "organizations": {"count": 2, "commitment": "ab"},
        "tiers": ["trusted"],
    },
}


def test_a_question_is_read_and_written() -> None:
    asked = Question.from_json(WHOLE)
    assert asked.to_json() == WHOLE
    assert asked.models == (ModelDigests(digest="sha256:01", safeguards="sha256:02"),)
    assert asked.scope is not None
    assert asked.scope.organizations == CommittedNames(count=2, commitment="ab")
    assert asked.scope.unknown == {"tiers": ["trusted"]}
    assert asked.renew is False


def test_one_made_here_is_written_the_same() -> None:
    read = Question.from_json(WHOLE)
    made = replace(read)
    assert made.source is None
    assert (made, made.digest, made.to_json()) == (read, read.digest, WHOLE)
    assert Question(log="v", case="case_1", kind="lift").to_json() == LEAST


def test_a_changed_one_has_another_digest() -> None:
    read = Question.from_json(WHOLE)
    other = replace(read, case="case_2")
    assert other.to_json() == {**WHOLE, "case": "case_2"}
    assert other.digest == canonical.digest({**WHOLE, "case": "case_2"}) != read.digest


@pytest.mark.parametrize(
    "value",
    [
        {**WHOLE, "more": {"of": ["a newer build"]}},
        {**LEAST, "surface": "", "models": [], "renew": None, "scope": None},
        {**LEAST, "models": [{"digest": "a", "safeguards": "b", "card": "c"}]},
        {**LEAST, "scope": {}},
        {**LEAST, "scope": {"models": None}},
    ],
    ids=str,
)
def test_what_another_build_wrote_stays_what_it_was(value: dict[str, Any]) -> None:
    asked = Question.from_json(value)
    assert (asked.to_json(), asked.digest) == (value, canonical.digest(value))
    said = approval(asked, "oncd")
    assert Position.read(signed(said.payload(), "oncd")).question.digest == canonical.digest(value)


@pytest.mark.parametrize("name", sorted(LEAST))
def test_every_question_has_a_log_a_case_and_a_kind(name: str) -> None:
    with pytest.raises(Misread, match=f"the field '{name}'"):
        Question.from_json({key: value for key, value in WHOLE.items() if key != name})


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_field_of_another_type_is_none(name: str) -> None:
    for other in (5, ["x"], "x", True, {"x": 1}):
        if type(other) is type(WHOLE[name]):
            continue
        with pytest.raises(Misread):
            Question.from_json({**WHOLE, name: other})
        payload = approval(Question.from_json(WHOLE), "oncd").payload()
        value: Any = canonical.loads(payload)
        value["predicate"]["question"][name] = other
        with pytest.raises(BadEnvelope):
            Position.read(signed(canonical.dumps(value), "oncd"))


@pytest.mark.parametrize(
    "scope",
    [
        "all",
        [],
        {"models": "m"},
        {"models": [5]},
        {"surfaces": "api"},
        {"annexes": {"a": 1}},
        {"organizations": ["org-1"]},
        {"organizations": "everyone"},
        {"organizations": {}},
        {"organizations": {"count": 1}},
        {"organizations": {"count": "1", "commitment": "ab"}},
    ],
    ids=str,
)
def test_a_part_that_cannot_be_read_is_none(scope: Any) -> None:
    with pytest.raises(Misread):
        Scope.from_json(scope)
