"""Who sees which grants; and who chooses that a fallback answers: the holder of a grant, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from sluicegate.acts import credentials
from sluicegate.acts import grants as acts
from sluicegate.service import access
from tests.plane import Plane, no, yes
from tests.worlds import plan_value


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    return plane


def choose(
    plane: Plane, grant: str, who: str = "applicant", *, fallback: bool = True, command: str = ""
) -> Any:
    return plane.do(who, acts.CHOOSE_FALLBACK, command, grant=grant, fallback=fallback)


def chosen(plane: Plane, grant: str) -> Any:
    return yes(plane.do("applicant", acts.SHOW, grant=grant)).fallback


def test_the_holder_chooses_and_sees_what_is_chosen(plane: Plane) -> None:
    grant = plane.admit()
    assert chosen(plane, grant) is False
    assert yes(choose(plane, grant)).fallback is True
    assert chosen(plane, grant) is True
    assert yes(choose(plane, grant, fallback=False)).fallback is False
    assert chosen(plane, grant) is False


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("developer", "not_applicant"),
        ("oncd", "not_applicant"),
        ("rival", "grant_unknown"),
        ("caisi", "grant_unknown"),
    ],
)
def test_nobody_else_chooses(plane: Plane, who: str, code: str) -> None:
    """Those who see the grant are told why; to others there is none."""
    grant = plane.admit()
    size = plane.size
    assert no(choose(plane, grant, who)) == code
    assert (plane.size, chosen(plane, grant)) == (size, False)


def test_a_choice_sent_twice_is_made_once(plane: Plane) -> None:
    grant = plane.admit()
    first = yes(choose(plane, grant, command="choice-1"))
    yes(choose(plane, grant, fallback=False))
    assert yes(choose(plane, grant, command="choice-1")) == first
    assert chosen(plane, grant) is False
    entries = [e for e in plane.store.log.entries(0, 1_000) if e.type == "grant.fallback_chosen"]
    assert [entry.public["fallback"] for entry in entries] == [True, False]


# The list

HELD = (
    ("applicant", "Example Utility", "gpt-5.6", "api"),
    ("rival", "Example Grid", "gpt-5.6", "api"),
    ("applicant", "Example Utility", "gpt-5.6", "codex"),
    ("applicant", "Example Utility", "other", "api"),
    ("rival", "Example Gridworks", "other", "api"),
    ("applicant", "Example Utility", "other", "codex"),
)


@pytest.fixture(scope="module")
def held() -> tuple[Plane, list[str]]:
    """A plane with six grants, of two applicants, in two releases; and the grants, oldest first."""
    plane = Plane()
    plane.opened()
    for case in plane.apply(plan_value("other", models=["other"])).cases:
        for agency in ("oncd", "ostp"):
            plane.say(case, agency)
    plane.open("other")
    return plane, [
        plane.admit(who, name, release=release, surface=surface) for who, name, release, surface in HELD
    ]


def pages(plane: Plane, who: str, act: Any, row: str, **wanted: Any) -> Iterator[str]:
    """What a list shows, from its first page to its last."""
    before = None
    while True:
        page = yes(plane.do(who, act, before=before, **wanted)).to_json()
        yield from (each[row] for each in page[f"{row}s"])
        assert len(page[f"{row}s"]) <= wanted["limit"]
        before = page["next"]
        if before is None:
            return


@pytest.mark.parametrize(
    ("who", "part", "release", "limit"),
    list(
        product(
            ("developer", "oncd", "caisi", "applicant", "rival"),
            (None, "GRID", "utility", "example", "nowhere"),
            (None, "gpt-5.6", "other", "unknown"),
            (1, 2, 500),
        )
    ),
)
def test_a_list_has_what_its_reader_may_see_and_wants_newest_first(held, who, part, release, limit):
    plane, grants = held
    with plane.ledger.reading() as state:
        seen = [access.sees(plane.who[who], state.cases[state.grants[grant].case]) for grant in grants]
    wanted = [
        grant
        for grant, is_seen, (_, name, of, _) in zip(grants, seen, HELD, strict=True)
        if is_seen and (part or "").casefold() in name.casefold() and release in {None, of}
    ]
    found = list(pages(plane, who, acts.LIST, "grant", organization=part, release=release, limit=limit))
    assert found == wanted[::-1]


def test_each_party_sees_its_own(held):
    plane, grants = held
    sees = {who: len(yes(plane.do(who, acts.LIST)).grants) for who in plane.who if "gateway" not in who}
    assert sees == {"developer": 6, "oncd": 6, "ostp": 6, "caisi": 0, "applicant": 4, "rival": 2}
    assert len(grants) == 6


def test_a_page_after_a_grant_that_the_reader_may_not_see_is_refused_as_after_none(held):
    plane, grants = held
    theirs, none = (plane.do("rival", acts.LIST, before=name) for name in (grants[0], "grant_none"))
    assert no(theirs) == no(none) == "grant_unknown"


def test_a_name_that_very_many_have_is_searched_part_by_part(held, monkeypatch):
    plane, grants = held
    monkeypatch.setattr("sluicegate.service.names.MANY", 1)
    monkeypatch.setattr("sluicegate.service.holdings.PART", 2)
    found = list(pages(plane, "developer", acts.LIST, "grant", organization="grid", limit=1))
    assert found == [grants[4], grants[1]]


def test_a_search_looks_through_the_shortest_list_that_has_what_is_wanted(held):
    plane, grants = held
    with plane.ledger.reading() as state:
        own = ("applicant", plane.who["rival"].id)
        assert state.granted.fewest([own, ("release", "other")]) == [grants[1], grants[4]]
        assert state.granted.fewest([("", ""), ("release", "other")]) == grants[3:]
        assert state.granted.fewest([("agency", "oncd")]) == grants
        assert not state.granted.fewest([("agency", "caisi"), ("release", "other")])


def test_a_row_says_how_far_its_holder_has_come(plane: Plane) -> None:
    grant = plane.admit()
    (row,) = yes(plane.do("oncd", acts.LIST)).grants
    assert (row.organization, row.state, row.stage_open, row.credentials) == (
        "Example Utility", "approved", True, 0
    )  # fmt: skip
    plane.credential(grant)
    spent = plane.credential(grant, "b").credential
    plane.do("applicant", credentials.REVOKE, credential=spent)
    (row,) = yes(plane.do("applicant", acts.LIST)).grants
    assert (row.state, row.credentials) == ("provisioned", 1)
    plane.do("developer", acts.SUSPEND, grant=grant, code="misuse")
    (row,) = yes(plane.do("developer", acts.LIST)).grants
    assert row.state == "suspended"
