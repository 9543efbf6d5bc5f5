"""An exported case: one form writes and reads it; what shows something else than is signed is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from sluicegate.acts import review
from sluicegate.client import export, signing
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate_record.log import times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.cases import Position
from tests.plane import Plane, yes
from tests.worlds import AT_MS, private_key


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


def test_what_is_signed_from_an_export_counts(
    plane: Plane, exported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(AT_MS))
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


@pytest.mark.parametrize("said", ["yesterday", "2026-06-24", "2026-06-24T12:00:00Z", "0"])
def test_a_time_to_sign_at_that_is_none_is_refused(
    said: str, exported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", said)
    with pytest.raises(InvalidInput, match="SLUICEGATE_SIGNED_AT"):
        signing.position(export.read(exported), signing.Review("approve"), private_key("oncd"))


def test_a_position_says_when_it_was_signed(exported: Any) -> None:
    before = int(time.time() * 1_000)
    given = signing.position(export.read(exported), signing.Review("approve"), private_key("oncd"))
    signed_ms = Position.read(Envelope.from_json(given)).signed_at_ms
    assert signed_ms is not None
    assert before <= signed_ms <= int(time.time() * 1_000)
