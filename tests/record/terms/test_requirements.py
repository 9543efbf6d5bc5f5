"""Requirements: from when they hold, and which are provably within others."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate_record.form import Misread
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms import requirements
from sluicegate_record.terms.requirements import Group, NotYet
from sluicegate_record.terms.rule import Rule

NINE = 1_783_555_200_000
"""2026-07-09T00:00:00Z."""


class Known:
    """What a test says of a record."""

    def __init__(self, agreed: int | None = 0, agreement: int | None = None, **opened: int) -> None:
        self.agreed, self.agreement, self.opened = agreed, agreement, opened
        self.before = "first"

    def agreed_ms(self) -> int | None:
        return self.agreed

    def opened_ms(self, stage: str) -> int | None:
        return self.opened.get(stage)

    def cleared(self, kind: str, about: str, party: str) -> None:
        """No one has signed anything."""

    def agreement_ms(self, rule: Rule) -> int | None:
        return self.agreement

    def evidence_ms(self, evaluation: str) -> int | None:
        return self.opened.get(evaluation)

    def clear_ms(self, least: str) -> int | None:
        return self.opened.get(least)


def group(*members: Any, of: str = "allOf", n: int = 0) -> Group:
    return Group.from_json({of: {"n": n, "of": list(members)} if n else list(members)})


SOAK, DATE, AFTER = {"soak": "P10D"}, {"date": "2026-07-09"}, {"after": "first"}
AGREED: dict[str, Any] = {"agreedBy": {"allOf": ["oncd"]}}


@pytest.mark.parametrize(
    ("asked", "known", "from_ms"),
    [
        (group({"terms": "agreed"}), Known(5), 5),
        (group({"terms": "agreed"}), Known(None), None),
        (group(AFTER), Known(first=7), 7),
        (group(AFTER), Known(second=7), None),
        (group(SOAK), Known(first=7), 7 + 10 * DAY_MS),
        (group(SOAK), Known(second=7), None),
        (group({**SOAK, "of": "second"}), Known(second=7), 7 + 10 * DAY_MS),
        (group(DATE), Known(), NINE),
        (group({"date": "2026-07-09T16:00:00Z"}), Known(), NINE + 16 * 3_600_000),
        (group(AGREED), Known(agreement=9), 9),
        (group(AGREED), Known(), None),
        (group(AFTER, DATE), Known(first=7), NINE),
        (group(AFTER, DATE), Known(), None),
        (group(AFTER, DATE, of="anyOf"), Known(), NINE),
        (group(AFTER, DATE, of="anyOf"), Known(first=7), 7),
        (group(AFTER, DATE, SOAK, of="atLeast", n=2), Known(first=7), 7 + 10 * DAY_MS),
        (group(AFTER, DATE, SOAK, of="atLeast", n=2), Known(), None),
        (group(AFTER, {"anyOf": [DATE, SOAK]}), Known(first=7), 7 + 10 * DAY_MS),
        (group(), Known(), None),
        (group(of="anyOf"), Known(), None),
        (group({"evidence": ["a"]}), Known(), None),
        (group({"evidence": []}), Known(a=7), None),
        (group({"evidence": ["a", "b"]}), Known(a=7), None),
        (group({"evidence": ["a", "b"]}), Known(a=7, b=9), 9),
        (group({"noOpenFindings": {"atLeast": "high"}}), Known(), None),
        (group({"noOpenFindings": {"atLeast": "high"}}), Known(high=7), 7),
        (group({"later": ["a"]}), Known(a=7), None),
        (group({"terms": "agreed", "later": 1}), Known(5), None),
        (group({"terms": "agreed", **DATE}), Known(5), None),
    ],
)
def test_it_holds_from_the_moment_that_its_facts_give(
    asked: Group, known: Known, from_ms: int | None
) -> None:
    assert asked.from_ms(known) == from_ms


@pytest.mark.parametrize(
    "value",
    [{"allOf": [{"terms": "agreed"}], "later": 1}, {"noneOf": []}, {}, {"allOf": [], "anyOf": []}],
    ids=repr,
)
def test_a_group_that_this_build_cannot_read_never_holds_and_is_kept(value: dict[str, Any]) -> None:
    read = Group.from_json(value)
    assert read.from_ms(Known(5)) is None
    assert read.to_json() == value
    assert not requirements.is_within(read, group({"terms": "agreed"}))
    assert requirements.is_within(read, Group.from_json(dict(value)))


def test_a_requirement_that_this_build_does_not_know_is_kept() -> None:
    (leaf,) = group({"later": ["a"], "whenLost": "close"}).leaves
    assert isinstance(leaf, NotYet)
    assert leaf.to_json() == {"later": ["a"], "whenLost": "close"}


def nested(levels: int) -> Any:
    return {"allOf": [nested(levels - 1)]} if levels else {"terms": "agreed"}


@pytest.mark.parametrize(
    "value",
    [
        "all",
        {"allOf": "terms"},
        {"allOf": ["terms"]},
        {"atLeast": [{"terms": "agreed"}]},
        {"atLeast": {"n": "1", "of": []}},
        {"allOf": [{"soak": "10 days"}]},
        {"allOf": [{"date": "2026-02-30"}]},
        {"allOf": [{"date": "2026-07-09T16:00"}]},
        {"allOf": [{"terms": "agreed", "whenLost": "ignore"}]},
        nested(9),
    ],
    ids=repr,
)
def test_what_is_no_requirement_cannot_be_read(value: Any) -> None:
    with pytest.raises(Misread):
        Group.from_json(value)


LEAVES: tuple[dict[str, Any], ...] = (AFTER, SOAK, {"soak": "P20D"}, DATE, {"date": "2026-07-10"}, AGREED)
GROUPS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.builds(
            lambda of, members: {of: members},
            st.sampled_from(["allOf", "anyOf"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.lists(inner, min_size=2, max_size=3).map(lambda members: {"atLeast": {"n": 2, "of": members}}),
    ),
    max_leaves=6,
).filter(lambda value: next(iter(value)) in requirements.GROUPS)
WORLDS = [
    Known(agreed, agreement, **opened)
    for agreed, agreement, opened in product([0], [None, 3], [{}, {"first": 1}, {"first": NINE}])
]


@given(GROUPS, GROUPS)
def test_what_is_called_within_never_holds_earlier(one: Any, other: Any) -> None:
    new, old = Group.from_json(one), Group.from_json(other)
    if requirements.is_within(new, old):
        for known in WORLDS:
            holds, held = new.from_ms(known), old.from_ms(known)
            assert holds is None or (held is not None and held <= holds)


@given(GROUPS)
def test_everything_is_within_itself_and_more_is_within_less(value: Any) -> None:
    whole = Group.from_json(value)
    assert requirements.is_within(whole, whole)
    assert requirements.is_within(group(value, AFTER), whole)


@pytest.mark.parametrize(
    ("new", "old", "is_within"),
    [
        (group({"soak": "P20D"}), group(SOAK), True),
        (group(SOAK), group({"soak": "P20D"}), False),
        (group({"soak": "P20D", "of": "other"}), group(SOAK), False),
        (group({"date": "2026-07-10"}), group(DATE), True),
        (group(DATE), group({"date": "2026-07-10"}), False),
        (group({**AFTER, "whenLost": "close"}), group(AFTER), True),
        (group({**AFTER, "whenLost": "tell"}), group(AFTER), False),
        (group(AFTER, DATE), group(DATE), True),
        (group(DATE), group(AFTER, DATE), False),
        (group(DATE), group(AFTER, DATE, of="anyOf"), True),
        (group(AFTER, DATE, of="anyOf"), group(DATE), False),
        (group(AFTER, DATE, SOAK), group(AFTER, DATE, SOAK, of="atLeast", n=2), True),
        (group(AFTER, DATE, of="anyOf"), group(AFTER, DATE, SOAK, of="anyOf"), True),
    ],
)
def test_which_is_tighter(new: Group, old: Group, is_within: bool) -> None:
    assert requirements.is_within(new, old) is is_within
