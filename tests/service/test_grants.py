"""Who chooses that a fallback answers: the holder of a grant, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts import grants as acts
from tests.plane import Plane, no, yes


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
