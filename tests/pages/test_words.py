"""What officers sign, in words: all of it, and none of the words are of someone else."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from sluicegate.desk import sentences
from sluicegate.statements import cases, directives, stages, table
from sluicegate.statements.kind import Wording
from sluicegate_record.directives.document import (
    DirectiveBasis,
    DirectiveMetadata,
    DirectiveSpec,
    Document,
    Persons,
    Reasons,
    Replaces,
    Selection,
)
from sluicegate_record.directives.received import Arrival
from sluicegate_record.form import shape_of
from sluicegate_record.statements.cases import Proceeding, Receipt, Referral, Schedule
from sluicegate_record.statements.designations import DesignationStatement
from sluicegate_record.statements.directives import Confirmation, DirectiveStatement, DrillReport
from sluicegate_record.statements.dossiers import DossierStatement, FindingDossier
from sluicegate_record.statements.epochs import Epoch
from sluicegate_record.statements.evidence import ResultStatement
from sluicegate_record.statements.handovers import Handover
from sluicegate_record.statements.keys import KeyStatement
from sluicegate_record.statements.observations import ObservationStatement
from sluicegate_record.statements.people import Attestation, IdentifierDeclaration
from sluicegate_record.statements.points import Enforcement
from sluicegate_record.statements.releases import StageClosing
from sluicegate_record.statements.statement import Statement
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms.clearances import CLEARANCES
from tests import worlds
from tests.pages.stated import CANDIDATES, DOCUMENT, HASH, NAMES, SERVED, STATED
from tests.plane import Plane

OTHER = 64 * "1"
OTHERS: dict[JsonPath, Any] = {
    ("metadata", "transcribed", "how"): "call",
    ("metadata", "transcribed", "on"): "2026-06-13",
    ("spec", "basis", "kind"): "agreed",
    ("spec", "covers", "persons", "statuses"): ["us_citizen"],
    ("spec", "covers", "persons", "unknown"): "spared",
    ("spec", "covers", "persons", "assurance"): "organization",
    ("spec", "covers", "registeredIn"): ["DE"],
    ("spec", "effective"): "2026-06-12T21:21:01.000Z",
    ("spec", "expires"): "2026-07-12T21:21:01.000Z",
    ("spec", "drain"): "PT61S",
    ("spec", "reasons", "form"): "written",
}
"""Another value of those fields for which no change of a letter or a number gives one."""


def _said(document: dict[str, Any]) -> list[str]:
    nothing_is_asked: Any = None
    stated = DirectiveStatement(document=document)
    return list(directives.DIRECTIVE.words(stated, Wording(nothing_is_asked, {})))


def _leaves(value: Any, path: JsonPath = ()) -> Iterator[JsonPath]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, (*path, key))
    else:
        yield path


FIXED = {("apiVersion",), ("kind",), ("spec", "action"), ("spec", "conditions", "personNamed")}
LEAVES = [path for path in _leaves(DOCUMENT) if path not in FIXED]


@pytest.mark.parametrize("path", LEAVES, ids=".".join)
def test_another_value_of_a_field_is_said_in_other_words(path: JsonPath) -> None:
    changed = copy.deepcopy(DOCUMENT)
    *outer, last = path
    at: Any = changed
    for step in outer:
        at = at[step]
    at[last] = OTHERS[path] if path in OTHERS else _other(at[last])
    if path == ("spec", "covers", "annexes"):
        changed["spec"]["annexes"] = {"annex-b": NAMES}
    assert _said(changed) != _said(DOCUMENT)


def _other(value: Any) -> Any:
    if isinstance(value, list):
        return [*value[:-1], _other(value[-1])]
    if isinstance(value, int):
        return value + 1
    return value.replace(HASH, OTHER) if HASH in value else value[:-1] + "b"


def test_the_document_has_every_field_of_a_directive() -> None:
    spec, metadata = DOCUMENT["spec"], DOCUMENT["metadata"]
    for form, value in (
        (Document, DOCUMENT),
        (DirectiveMetadata, {**metadata, "drill": True}),
        (Replaces, metadata["replaces"]),
        (Arrival, metadata["transcribed"]),
        (DirectiveSpec, spec),
        (DirectiveBasis, spec["basis"]),
        (Selection, spec["covers"]),
        (Persons, spec["covers"]["persons"]),
        (Reasons, spec["reasons"]),
    ):
        assert {each.key for each in shape_of(form).fields} == set(value), form


def test_a_field_that_no_sentence_names_is_listed_as_it_is() -> None:
    document = {**DOCUMENT, "spec": {**DOCUMENT["spec"], "newer": {"widens": ["all of it", "x"], "by": 2}}}
    said = list(directives.rest({**document, "more. You object": "no. You"}))
    assert "Newer, widens: “all of it”, x" in said
    assert "Newer, by: 2" in said
    assert "“more. You object”: “no. You”" in said


def test_a_person_that_must_be_named_and_a_drill_are_said() -> None:
    assert "Conditions, person named: yes" in _said(DOCUMENT)
    metadata = {"name": "by-letter", "log": DOCUMENT["metadata"]["log"], "drill": True}
    assert "drill, which refuses no request" in _said({**DOCUMENT, "metadata": metadata})[0]


def test_two_officers_read_for_which_organization_they_proceed_and_over_which_agency() -> None:
    plane = Plane()
    plane.opened()
    name = "Example” of another. You override no agency: “"
    case = plane.submit(name=name).application
    stated = Proceeding(question=plane.case(case).question, reason=name)

    def ask(act: Any, asked: Any) -> Any:
        return plane.send(plane.who["developer"], act, asked)

    def said() -> list[str]:
        return list(cases.PROCEEDING.words(stated, Wording(ask, {})))

    quoted = "“Example\u2019 of another. You override no agency: \u2018”"
    about = f"the release {worlds.RELEASE}, the stage {worlds.STAGE}, the surface api"
    assert said()[0].startswith(f"You proceed in the case {case} of {quoted}, about {about}: ")
    assert "You override oncd, which is silent; ostp, which is silent." in said()
    assert f"Your reason is public: {quoted}" in said()
    assert f"Terms: {stated.question.terms}" in said()
    plane.say(case, "ostp")
    assert "You override oncd, which is silent." in said()
    plane.say(case, "oncd", "object")
    assert "You override oncd, which says: object." in said()


def test_a_closing_that_recalls_the_release_says_so() -> None:
    ask: Any = _answers
    closing = StageClosing(log="log", release="gpt-5.6", stage="one", reason="why", recalls=True)
    assert "Recalls: yes" in list(stages.CLOSING.words(closing, Wording(ask, {})))


ANOTHER: dict[JsonPath, Any] = {
    ("says",): {
        "ramp": "pauses",
        "key": "retires",
        "promise": "breaks",
        "finding": "disputes",
        "clearance": "withdraws",
        "point": "retired",
    },
    ("question", "kind"): dict.fromkeys(STATED, "licence"),
    ("recalls",): {"closing": False, "recall": False},
    ("due",): {"promise": "2026-07-14T00:00:00.000Z"},
    ("until",): dict.fromkeys(("deployment", "clearance"), "2026-07-12T21:22:00.000Z"),
    ("signedAt",): dict.fromkeys(STATED, "2026-06-12T21:22:00.000Z"),
    ("received", "how"): {"transcription": "call"},
    ("received", "on"): {"transcription": "2026-06-13"},
    ("transcribed", "received", "on"): {"finding": "2026-06-13"},
    ("serves",): {"deployment": [{**SERVED, "surfaces": ["b"]}]},
    ("transcribed", "received", "how"): {"finding": "call"},
    ("position",): {"position": "object", "transcription": "object"},
    ("key",): {"point": "MCowBQYDK2Vx"},
}
"""Another value of those fields that take not every text."""
SAID_OF_ALL = [
    (kind, path) for kind, stated in STATED.items() for path in _leaves(stated) if path != ("candidates",)
]


def _words_of(kind: str, stated: dict[str, Any]) -> list[str]:
    how = table.STATEMENTS[kind]
    ask: Any = _answers
    said = how.kind.from_json(stated)
    return list(how.words(said, Wording(ask, {"candidates": CANDIDATES}, (said,))))


@pytest.mark.parametrize("kind", ["position", "transcription", "proceeding", "screening"])
def test_the_first_sentence_says_which_part_of_a_directive_a_case_is_about(kind: str) -> None:
    part = "the directive by-letter for gpt-5.6, for 2 organizations only"
    assert part in _words_of(kind, STATED[kind])[0]


def _answers(_: Any, __: Any) -> Any:
    """What any question answers: no agency has said anything, and no stage is there."""
    status = SimpleNamespace(stages=(), models=())
    known = SimpleNamespace(organization="Example", positions=(), parties=("oncd",), status=status, stages=())
    known.closed_ms = known.officer = None
    return known


FIRST = {
    ("clearance", "adopts"): "openai adopts the standard a-standard for gpt-5.6.",
    ("clearance", "holds"): "openai holds the stage a-standard of gpt-5.6: it does not open.",
    ("finding", "reports"): "openai reports a finding in gpt-5.6.",
    ("finding", "asks"): "openai asks for detail of the finding finding_a.",
    ("finding", "disputes"): "openai disputes the finding finding_a.",
}


@pytest.mark.parametrize(("kind", "says"), FIRST)
def test_the_first_sentence_of_a_word_is_a_sentence(kind: str, says: str) -> None:
    about = {"finding": "finding_a"} if kind == "finding" else {}
    assert _words_of(kind, {**STATED[kind], **about, "says": says})[0] == FIRST[kind, says]


def test_every_word_on_a_requirement_has_a_sentence_of_its_own() -> None:
    said = {_words_of("clearance", {**STATED["clearance"], "says": each})[0] for each in CLEARANCES}
    assert len(said) == len(CLEARANCES)


def test_a_field_without_a_value_is_not_said() -> None:
    said = _words_of("position", {**STATED["position"], "previous": None})
    assert not [each for each in said if "null" in each]


NOT_BY_OFFICERS: dict[str, set[type[Statement]]] = {
    "agencies": {Schedule, Receipt, Referral, DesignationStatement, Confirmation},
    "an organization's signatory": {Attestation, IdentifierDeclaration},
    "a point": {Enforcement},
    "the program that ran": {ObservationStatement, ResultStatement},
    "the log": {DrillReport, DossierStatement, FindingDossier},
    "officers, while the control plane stands still": {Handover, Epoch},
}


def test_each_type_of_statement_is_signed_on_pages_or_by_someone_else() -> None:
    known = {each.TYPE for each in _kinds(Statement) if hasattr(each, "TYPE")}
    others = {each.TYPE for found in NOT_BY_OFFICERS.values() for each in found}
    assert known == others | {kind for kind, _ in table.BY_TYPE}
    assert STATED.keys() == table.STATEMENTS.keys() - {"directive"}


def _kinds(of: type[Statement]) -> Iterator[type[Statement]]:
    for each in of.__subclasses__():
        yield each
        yield from _kinds(each)


@pytest.mark.parametrize(
    ("kind", "path"), SAID_OF_ALL, ids=lambda each: each if isinstance(each, str) else ".".join(each)
)
def test_another_value_in_a_statement_of_any_kind_is_said_in_other_words(kind: str, path: JsonPath) -> None:
    assert _words_of(kind, _changed(kind, path)) != _words_of(kind, STATED[kind])


def _changed(kind: str, path: JsonPath) -> dict[str, Any]:
    """A statement with another value of a field."""
    changed = copy.deepcopy(STATED[kind])
    *outer, last = path
    at: Any = changed
    for step in outer:
        at = at[step]
    at[last] = ANOTHER.get(path, {}).get(kind) if kind in ANOTHER.get(path, {}) else _other(at[last])
    return changed


@pytest.mark.parametrize("path", [path for kind, path in SAID_OF_ALL if kind == "key"], ids=".".join)
def test_an_agency_reads_of_its_key_at_its_desk_what_an_officer_reads(path: JsonPath) -> None:
    changed = _at_the_desk(_changed("key", path))
    assert changed != _at_the_desk(STATED["key"])
    assert changed == _words_of("key", _changed("key", path))


def _at_the_desk(stated: dict[str, Any]) -> list[str]:
    no_record: Any = None
    return list(sentences.statement(no_record, {}, KeyStatement.from_json(stated), 0))


def test_each_kind_has_a_name_and_a_type_of_its_own() -> None:
    assert len(table.BY_TYPE) == len(table.STATEMENTS) == sum(map(len, table.FAMILIES.values()))
