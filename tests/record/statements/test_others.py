"""What is said of points, persons, directives, and notes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.log import canonical, dsse
from sluicegate_record.statements.about import About
from sluicegate_record.statements.directives import DirectiveStatement
from sluicegate_record.statements.notes import NoteStatement
from sluicegate_record.statements.people import EXCLUDED_MAX, Attestation
from sluicegate_record.statements.points import Enforcement, Pointing
from sluicegate_record.statements.statement import Statement
from tests.worlds import AT_MS, LOG, directive_value, pointing, public_key, signed

WORD = Enforcement(
    log=LOG, point="cloud", directive="d-1", document="sha256:" + "a" * 64, says="enforced", at_ms=AT_MS
)
ATTESTED = Attestation(log=LOG, credential="cred_1", statuses=("us_citizen",), until_ms=AT_MS)
NOTE = NoteStatement(
    log=LOG, party="ostp", about=About(case="case_1"), kind="call", on="2026-06-24", text="we spoke"
)


def changed(said: Statement, **changes: Any) -> Any:
    """Read what a statement would be with other JSON in it, its subject as it would be."""
    predicate = {**said.to_json(), **changes}
    name = str(predicate.get("point", predicate.get("credential")))
    subjects = {name: canonical.digest(predicate).removeprefix("sha256:")}
    if isinstance(said, Enforcement):
        subjects = {predicate["directive"]: predicate["document"].removeprefix("sha256:")[:64]}
    return type(said).read(signed(dsse.statement(subjects, said.TYPE, predicate), "oncd"))


@pytest.mark.parametrize(
    "change",
    [
        {"point": ""},
        {"point": "Cloud"},
        {"point": "a b"},
        {"point": "a" * 64},
        {"surface": "x\ny"},
        {"key": ""},
        {"key": canonical.b64(bytes(32))},
        {"key": canonical.b64(public_key("cloud")[:31])},
        {"key": public_key("cloud").hex()},
        {"key": canonical.b64(public_key("cloud")) + "\n"},
        {"says": "hoped for"},
    ],
    ids=str,
)
def test_what_is_no_pointing(change: dict[str, str]) -> None:
    assert changed(pointing()) == pointing()
    with pytest.raises(BadEnvelope):
        changed(pointing(), **change)


@pytest.mark.parametrize("name", ["a", "a" * 63, "a.b_c-d", "0"])
def test_names_of_points(name: str) -> None:
    said = pointing(point=name)
    assert Pointing.read(signed(said.payload(), "oncd")) == said


@pytest.mark.parametrize(
    "change",
    [
        {"says": "hoped"},
        {"at": "yesterday"},
        {"at": "2026-07-01T00:00:00Z"},
        {"document": "sha256:" + "0" * 64 + "\n"},
    ],
    ids=str,
)
def test_what_is_no_word_of_a_point(change: dict[str, str]) -> None:
    assert changed(WORD) == WORD
    with pytest.raises(BadEnvelope):
        changed(WORD, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"statuses": []},
        {"statuses": ["unknown"]},
        {"statuses": ["us_citizen", "citizen"]},
        {"statuses": ["other", "other"]},
        {"statuses": "us_citizen"},
        {"models": []},
        {"models": None},
        {"models": ["a", "a"]},
        {"excluded": []},
        {"excluded": [1]},
        {"excluded": [""]},
        {"excluded": ["a" * 129]},
        {"excluded": [str(i) for i in range(EXCLUDED_MAX + 1)]},
        {"until": "tomorrow"},
        {"until": "2026-07-01T00:00:00Z"},
    ],
    ids=lambda change: str(change)[:40],
)
def test_what_is_no_attestation(change: dict[str, Any]) -> None:
    assert changed(ATTESTED) == ATTESTED
    with pytest.raises(BadEnvelope):
        changed(ATTESTED, **change)


def test_an_attestation_may_be_for_some_models_and_not_for_some_members() -> None:
    said = replace(ATTESTED, models=("b", "a"), excluded=("mem_2", "mem_1"))
    assert Attestation.read(signed(said.payload(), "oncd")) == said
    assert said.to_json()["models"] == ["b", "a"]


@pytest.mark.parametrize(
    ("about", "name"),
    [
        ({"case": "case_1"}, "case_1"),
        ({"directive": "d-1"}, "d-1"),
        ({"release": "r", "stage": "s"}, "r/s"),
    ],
)
def test_a_note_is_about_one_thing(about: dict[str, str], name: str) -> None:
    said = replace(NOTE, about=About.from_json(about))
    assert NoteStatement.read(signed(said.payload(), "oncd")) == said
    assert said.subjects == {name: canonical.digest(about).removeprefix("sha256:")}


@pytest.mark.parametrize(
    "changes",
    [
        {"about": About(case="case_1", directive="d-1")},
        {"about": About(release="r")},
        {"about": About(stage="s")},
        {"about": About(release="r", stage="s", case="c")},
        {"kind": "rumour"},
        {"kind": ""},
        {"on": "yesterday"},
        {"on": ""},
        {"text": ""},
        {"text": "a\u202eb"},
        {"text": "x" * 2_001},
    ],
    ids=str,
)
def test_what_is_no_note(changes: dict[str, Any]) -> None:
    with pytest.raises(BadEnvelope):
        NoteStatement.read(signed(replace(NOTE, **changes).payload(), "oncd"))


def test_a_note_about_nothing_is_none() -> None:
    predicate = {**NOTE.to_json(), "about": {}}
    subjects = {"": canonical.digest({}).removeprefix("sha256:")}
    with pytest.raises(BadEnvelope, match="a note about"):
        NoteStatement.read(signed(dsse.statement(subjects, NoteStatement.TYPE, predicate), "oncd"))


DOCUMENT = {**directive_value(), "metadata": {"name": "d-1", "log": LOG}}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"metadata": []},
        {"metadata": {}},
        {"metadata": {"name": 5}},
        {"metadata": {"name": ["d-1"]}},
        {"metadata": {"name": {"d-1": 1}}},
    ],
    ids=str,
)
def test_a_directive_statement_has_a_document_with_a_name(document: dict[str, Any]) -> None:
    found = canonical.digest({**DOCUMENT, **document}).removeprefix("sha256:")
    for value in (document, {**DOCUMENT, **document} if document else document):
        payload = dsse.statement({"d-1": found}, DirectiveStatement.TYPE, {"document": value})
        with pytest.raises(BadEnvelope, match="without a directive document"):
            DirectiveStatement.read(signed(payload, "oncd"))
