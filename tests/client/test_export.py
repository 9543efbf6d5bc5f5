"""An exported case: one form writes and reads it; what shows something else than is signed is refused."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner, SSlibKey

from sluicegate.acts import applications, review
from sluicegate.client import export, signing
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate.statements.cases import Review
from sluicegate_record.entries.cases import CaseAnswered, PositionRecorded
from sluicegate_record.log import canonical, merkle, times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.cases import Position, Schedule
from sluicegate_record.statements.discussion import Discussion
from tests.plane import Plane, yes
from tests.worlds import AT_MS, position, private_key

HOW_TO = Path(__file__).parents[2] / "docs/how-to/review-a-case.md"


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
    signed = signing.position(export.read(exported), Review("approve"), private_key("oncd"))
    taken = yes(plane.do("oncd", review.IMPORT, envelope=signed))
    assert (taken.case, taken.agency) == (exported["question"]["case"], "oncd")


def test_what_the_how_to_signs_with_another_library_says_what_had_been_said_and_when(
    plane: Plane, exported: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(AT_MS))
    monkeypatch.chdir(tmp_path)
    Path("case.json").write_text(json.dumps(exported))
    key = private_key("oncd")
    (recipe,) = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    exec(recipe, {"signer": CryptoSigner(key, SSlibKey.from_crypto(key.public_key()))})
    signed = json.loads(Path("signed.json").read_text())
    yes(plane.do("oncd", review.IMPORT, envelope=signed))
    stated = Position.read(Envelope.from_json(signed))
    assert stated.said == export.read(exported).said
    assert (stated.said is not None, stated.signed_at_ms) == (True, AT_MS)


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
        signing.position(export.read(exported), Review("approve"), private_key("oncd"))


def test_a_position_says_when_it_was_signed(exported: Any) -> None:
    before = int(time.time() * 1_000)
    given = signing.position(export.read(exported), Review("approve"), private_key("oncd"))
    signed_ms = Position.read(Envelope.from_json(given)).signed_at_ms
    assert signed_ms is not None
    assert before <= signed_ms <= int(time.time() * 1_000)


# What was said


@pytest.fixture
def talked(plane: Plane) -> Any:
    """An application in which an agency asked, the applicant answered, and another agency objected."""
    case = plane.submit().application
    opened = Opening(bytes(32), canonical.dumps("it is not public"))
    sealed = {"sealed": opened.commitment("sealed", "reason"), "reason": ""}
    envelope = position(plane.case(case), "ostp", "ask", reason="who else?")
    yes(plane.carry(envelope, "ostp"))
    yes(plane.do("applicant", applications.ANSWER, case=case, agency="", text="our subsidiary"))
    envelope = position(plane.case(case), "oncd", "abstain", **sealed)
    yes(plane.do("oncd", review.IMPORT, envelope=envelope.to_json(), opened=opened))
    return json.loads(json.dumps(yes(plane.do("oncd", review.EXPORT, case=case)).to_json()))


def test_what_was_said_is_exported_as_the_entries_that_the_digest_is_over(plane: Plane, talked: Any) -> None:
    found = export.read(talked)
    case = plane.case(talked["question"]["case"])
    assert found.said == case.discussed()
    ask, answer, abstain = (each.body for each in export.discussion(found))
    assert isinstance(ask, PositionRecorded)
    assert isinstance(answer, CaseAnswered)
    assert isinstance(abstain, PositionRecorded)
    assert isinstance(answer.answer, Opening)
    assert isinstance(abstain.secret, Opening)
    assert (ask.reason, answer.answer.value()) == ("who else?", "our subsidiary")
    assert abstain.secret.value() == "it is not public"


def test_what_is_signed_says_what_had_been_said(talked: Any) -> None:
    found = export.read(talked)
    for signed in (
        signing.position(found, Review("approve"), private_key("oncd")),
        signing.position(found, Review("object", "no"), private_key("oncd")),
    ):
        assert Position.read(Envelope.from_json(signed)).said == found.said
    both = signing.schedule([found], Review("approve"), private_key("oncd"))
    assert Schedule.read(Envelope.from_json(both)).cases[0].said == found.said


def test_what_an_earlier_control_plane_exports_is_signed_as_before(exported: Any) -> None:
    del exported["said"]
    signed = signing.position(export.read(exported), Review("approve"), private_key("oncd"))
    assert Position.read(Envelope.from_json(signed)).said is None


def _other_answer(case: Any) -> None:
    case["discussion"][1]["opened"]["answer"]["value"] = "nobody else"


def _of_another_case(case: Any) -> None:
    """All is as the digest says, and was said in another case."""
    leaf = canonical.unb64(case["discussion"][0]["leaf"])
    other = leaf.replace(case["question"]["case"].encode(), b"case_aaaaaaaaaaaaaaaa")
    assert other != leaf
    case["discussion"] = [{"leaf": canonical.b64(other)}]
    case["said"] = Discussion.of([merkle.leaf_hash(other)]).to_json()


@pytest.mark.parametrize(
    "alter",
    [
        lambda case: case["discussion"].pop(),
        lambda case: case["discussion"].pop(0),
        lambda case: case["discussion"].reverse(),
        lambda case: case.pop("discussion"),
        lambda case: case.pop("said"),
        lambda case: case["said"].update(count=2),
        _other_answer,
        _of_another_case,
    ],
)
def test_who_shows_something_else_than_has_been_said_gets_no_signature(
    talked: Any, alter: Callable[[Any], object]
) -> None:
    """Otherwise a consent would seem to know of an objection that its signer was not shown."""
    alter(talked)
    with pytest.raises(VerificationFailed):
        export.read(talked)
