"""An exported case: one form writes and reads it; what shows something else than is signed is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sluicegate.acts import review
from sluicegate.client import export, signing
from sluicegate.errors import VerificationFailed
from tests.plane import Plane, yes
from tests.worlds import private_key


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    return plane


@pytest.fixture
def exported(plane: Plane) -> Any:
    """An application as a file holds it."""
    case = plane.submit().application
    return json.loads(json.dumps(yes(plane.do("oncd", review.EXPORT, case=case)).to_json()))


def test_what_is_read_is_written_again_unchanged(exported: Any) -> None:
    assert export.read(exported).to_json() == exported
    newer = {**exported, "more": 1, "case": {**exported["case"], "more": 2}}
    assert export.read(newer).to_json() == newer


def test_what_is_signed_from_an_export_counts(plane: Plane, exported: Any) -> None:
    signed = signing.position(export.read(exported), signing.Review("approve"), private_key("oncd"))
    taken = yes(plane.do("oncd", review.IMPORT, envelope=signed))
    assert (taken.case, taken.agency) == (exported["question"]["case"], "oncd")


def _other_name(case: Any) -> None:
    case["dossier"]["application"]["organization"]["name"] = "Example Other"


def _other_terms(case: Any) -> None:
    case["terms"]["spec"]["leaseMs"] += 1


def _other_rule(case: Any) -> None:
    case["rule"] = {"anyOf": ["oncd", "ostp"]}


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (_other_name, "something else"),
        (_other_terms, "something else"),
        (_other_rule, "another rule"),
        (lambda case: case.update(dossier=None), "it lacks"),
        (lambda case: case.update(terms=None), "it lacks"),
        (lambda case: case.pop("terms"), "it lacks"),
        (lambda case: case.pop("question"), "it lacks"),
        (lambda case: case.update(kind="sluicegate-other"), "it lacks"),
        (lambda case: case.update(version=2), "it lacks"),
    ],
)
def test_what_shows_another_case_is_not_signed(
    exported: Any, alter: Callable[[Any], object], said: str
) -> None:
    alter(exported)
    with pytest.raises(VerificationFailed) as caught:
        export.read(exported)
    assert said in caught.value.message
