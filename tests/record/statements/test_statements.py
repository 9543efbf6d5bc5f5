"""Every statement: what is signed byte by byte, and what is none of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate_record.errors import BadEnvelope, SluicegateError
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.cases import (
    Position,
    Proceeding,
    Receipt,
    Referral,
    Schedule,
    Screening,
    Transcription,
)
from sluicegate_record.statements.directives import Confirmation, DirectiveStatement, DrillReport
from sluicegate_record.statements.notes import NoteStatement
from sluicegate_record.statements.people import Attestation, IdentifierDeclaration
from sluicegate_record.statements.points import Enforcement, Pointing
from sluicegate_record.statements.releases import StageClosing, StageOpening
from sluicegate_record.statements.statement import Statement
from tests.worlds import LOG, directive_value, public_key, signed

DIGEST = "sha256:" + "a" * 64
TIME = "2026-06-26T21:21:00.000Z"
QUESTION = {
    "log": LOG,
    "case": "case_1",
    "kind": "admission",
    "release": "gpt-5.6",
    "terms": "sha256:00",
    "party": "ab",
    "more": {"of": "a newer build"},
}
DOCUMENT = {**directive_value(), "metadata": {"name": "d-1", "log": LOG}}
GATEWAY = {"gateway": "g", "surface": "api", "state": "acknowledged", "at": TIME, "restoredAt": None}

STATEMENTS: list[tuple[type[Statement], str, dict[str, Any], tuple[str, Any]]] = [
    (
        Position,
        "urn:sluicegate:position:v1",
        {"question": QUESTION, "agency": "oncd", "position": "approve", "reason": "", "previous": None},
        ("case_1", QUESTION),
    ),
    (
        Referral,
        "urn:sluicegate:referral:v1",
        {"question": QUESTION, "agency": "oncd", "to": "ostp", "reason": "it knows more"},
        ("case_1", QUESTION),
    ),
    (
        Receipt,
        "urn:sluicegate:receipt:v1",
        {"question": QUESTION, "agency": "oncd"},
        ("case_1", QUESTION),
    ),
    (
        Screening,
        "urn:sluicegate:screening:v1",
        {
            "question": QUESTION,
            "list": "the list",
            "version": "1",
            "decision": "clear",
            "reason": "looked",
            "candidates": "a" * 64,
        },
        ("case_1", QUESTION),
    ),
    (
        Proceeding,
        "urn:sluicegate:proceeding:v1",
        {"question": QUESTION, "reason": "it is right"},
        ("case_1", QUESTION),
    ),
    (
        Transcription,
        "urn:sluicegate:transcription:v1",
        {
            "question": QUESTION,
            "agency": "bis",
            "position": "approve",
            "previous": DIGEST,
            "received": {"how": "letter", "on": "2026-06-26", "digest": DIGEST},
        },
        ("case_1", QUESTION),
    ),
    (
        StageOpening,
        "urn:sluicegate:opening:v1",
        {"log": LOG, "release": "gpt-5.6", "stage": "first", "terms": "sha256:00"},
        ("gpt-5.6/first", {"log": LOG, "release": "gpt-5.6", "stage": "first", "terms": "sha256:00"}),
    ),
    (
        StageClosing,
        "urn:sluicegate:closing:v1",
        {"log": LOG, "release": "gpt-5.6", "stage": "first", "reason": "it is unsafe"},
        ("gpt-5.6/first", {"log": LOG, "release": "gpt-5.6", "stage": "first", "reason": "it is unsafe"}),
    ),
    (DirectiveStatement, "urn:sluicegate:directive:v1", {"document": DOCUMENT}, ("d-1", DOCUMENT)),
    (
        Confirmation,
        "urn:sluicegate:confirmation:v1",
        {"log": LOG, "directive": "d-1", "document": DIGEST},
        ("d-1", {"log": LOG, "directive": "d-1", "document": DIGEST}),
    ),
    (
        NoteStatement,
        "urn:sluicegate:note:v1",
        {
            "log": LOG,
            "party": "ostp",
            "about": {"release": "gpt-5.6", "stage": "first"},
            "kind": "call",
            "on": "2026-06-24",
            "text": "we spoke",
        },
        ("gpt-5.6/first", {"release": "gpt-5.6", "stage": "first"}),
    ),
]
WHOLE: list[tuple[type[Statement], str, str, dict[str, Any]]] = [
    (
        DrillReport,
        "urn:sluicegate:drill:v1",
        "drill-1",
        {
            "log": LOG,
            "drill": "drill-1",
            "startedAt": TIME,
            "zeroAt": TIME,
            "timeToZeroMs": 0,
            "endedAt": TIME,
            "restoredAt": TIME,
            "timeToRestoreMs": 12,
            "gateways": [{**GATEWAY, "wouldCut": 3}],
        },
    ),
    (
        Pointing,
        "urn:sluicegate:point:v1",
        "cloud",
        {
            "log": LOG,
            "point": "cloud",
            "surface": "api",
            "key": canonical.b64(public_key("cloud")),
            "says": "declared",
        },
    ),
    (
        Attestation,
        "urn:sluicegate:attestation:v1",
        "cred_1",
        {"log": LOG, "credential": "cred_1", "statuses": ["us_citizen", "other"], "until": TIME},
    ),
    (
        IdentifierDeclaration,
        "urn:sluicegate:identifiers:v1",
        "grant_1",
        {"log": LOG, "identifiers": "none", "grant": "grant_1"},
    ),
]
"""Those whose subject is their whole predicate, by a name."""
STATEMENTS += [(cls, kind, predicate, (name, predicate)) for cls, kind, name, predicate in WHOLE]
SUBJECTS = {
    kind: {name: hashlib.sha256(canonical.dumps(bound)).hexdigest()}
    for _, kind, _, (name, bound) in STATEMENTS
}
EVERY: list[tuple[type[Statement], str, dict[str, Any]]] = [each[:3] for each in STATEMENTS]
EVERY += [
    (
        Schedule,
        "urn:sluicegate:schedule:v1",
        {
            "log": LOG,
            "agency": "oncd",
            "position": "approve",
            "reason": "",
            "cases": [
                {"case": "case_2", "question": "sha256:" + "b" * 64, "previous": DIGEST},
                {"case": "case_1", "question": DIGEST, "previous": None},
            ],
        },
    ),
    (
        Enforcement,
        "urn:sluicegate:enforcement:v1",
        {
            "log": LOG,
            "point": "cloud",
            "directive": "d-1",
            "document": DIGEST,
            "says": "enforced",
            "at": TIME,
        },
    ),
]
SUBJECTS["urn:sluicegate:schedule:v1"] = {"case_1": "a" * 64, "case_2": "b" * 64}
SUBJECTS["urn:sluicegate:enforcement:v1"] = {"d-1": "a" * 64}
every = pytest.mark.parametrize(("cls", "kind", "predicate"), EVERY, ids=[cls.__name__ for cls, *_ in EVERY])


def written(kind: str, predicate: Any, subjects: dict[str, str] | None = None) -> bytes:
    """A statement as in-toto has it, by hand."""
    found = SUBJECTS[kind] if subjects is None else subjects
    value = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": found[name]}} for name in sorted(found)],
        "predicateType": kind,
        "predicate": predicate,
    }
    return canonical.dumps(value)


def enveloped(payload: bytes, payload_type: str = dsse.PAYLOAD_TYPE_INTOTO) -> Envelope:
    return signed(payload, "oncd", payload_type=payload_type)


def fitting(cls: type[Statement], kind: str, predicate: Any) -> Envelope:
    """An envelope whose subjects are those that the statement would have, as far as it reads."""
    try:
        subjects = cls.from_json(predicate).subjects
        return enveloped(written(kind, predicate, subjects))
    except (AttributeError, KeyError, TypeError, SluicegateError):  # it does not read: any subject does
        return enveloped(written(kind, predicate))


@every
def test_a_statement_is_written_and_read(cls: type[Statement], kind: str, predicate: dict[str, Any]) -> None:
    found = cls.read(enveloped(written(kind, predicate)))
    assert found.payload() == written(kind, predicate)
    assert (found.to_json(), cls.TYPE) == (predicate, kind)
    assert cls.from_json(predicate) == found


@every
def test_no_field_is_missing(cls: type[Statement], kind: str, predicate: dict[str, Any]) -> None:
    for name in predicate:
        less = {key: value for key, value in predicate.items() if key != name}
        with pytest.raises(BadEnvelope):
            cls.read(fitting(cls, kind, less))


@every
def test_no_field_is_of_another_type(cls: type[Statement], kind: str, predicate: dict[str, Any]) -> None:
    others: tuple[Any, ...] = (None, 5, True, "", "another", [], ["x"], {}, {"x": 1}, [[]], [None])
    for name, value in predicate.items():
        for other in others:
            if type(other) is type(value) or (name == "previous" and (other is None or type(other) is str)):
                continue
            with pytest.raises(BadEnvelope):
                cls.read(fitting(cls, kind, {**predicate, name: other}))


@every
def test_nothing_rides_along(cls: type[Statement], kind: str, predicate: dict[str, Any]) -> None:
    more: dict[str, Any]
    for more in ({"more": 1}, {"unknown": {}}, {"subject": "x"}):
        with pytest.raises(BadEnvelope):
            cls.read(fitting(cls, kind, {**predicate, **more}))


@pytest.mark.parametrize(
    ("cls", "path"),
    [
        (Schedule, ("cases", 0)),
        (NoteStatement, ("about",)),
        (Transcription, ("received",)),
        (DrillReport, ("gateways", 0)),
    ],
    ids=str,
)
def test_nor_further_in(cls: type[Statement], path: tuple[str | int, ...]) -> None:
    kind, predicate = next((kind, predicate) for each, kind, predicate in EVERY if each is cls)
    value: Any = canonical.loads(canonical.dumps(predicate))
    inner = value
    for step in path:
        inner = inner[step]
    inner["more"] = 1
    with pytest.raises(BadEnvelope):
        cls.read(fitting(cls, kind, value))


@every
def test_its_subjects_are_what_it_binds(cls: type[Statement], kind: str, predicate: dict[str, Any]) -> None:
    (name, digest), *others = SUBJECTS[kind].items()
    for wrong in (
        {f"{name}x": digest, **dict(others)},
        {name: "0" * 64, **dict(others)},
        {**SUBJECTS[kind], "another": digest},
        dict(others) or {"another": digest},
    ):
        with pytest.raises(BadEnvelope):
            cls.read(enveloped(written(kind, predicate, wrong)))


def _set(*path: str | int, to: Any) -> Callable[[Any], None]:
    def alter(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return alter


def _drop(*path: str | int) -> Callable[[Any], None]:
    def alter(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        del value[path[-1]]

    return alter


@every
@pytest.mark.parametrize(
    "alter",
    [
        _set("_type", to="https://in-toto.io/Statement/v0.1"),
        _drop("_type"),
        _set("subject", to=[]),
        _drop("subject"),
        _set("subject", 0, "digest", to={}),
        _set("subject", 0, "digest", "sha512", to="0" * 128),
        _set("subject", 0, "more", to=1),
        _set("predicateType", to="urn:sluicegate:evidence:v1"),
        _set("predicate", to=[]),
        _drop("predicate"),
        _set("more", to=1),
    ],
)
def test_what_is_no_statement_of_ours(
    cls: type[Statement], kind: str, predicate: dict[str, Any], alter: Callable[[Any], None]
) -> None:
    value: Any = canonical.loads(written(kind, predicate))
    alter(value)
    with pytest.raises(BadEnvelope):
        cls.read(enveloped(canonical.dumps(value)))


@every
def test_another_envelope_type_is_refused(cls: type[Statement], kind: str, predicate: dict[str, Any]) -> None:
    for payload_type in ("application/vnd.sluicegate.poll.v1+json", "application/json", ""):
        with pytest.raises(BadEnvelope, match="payloadType"):
            cls.read(enveloped(written(kind, predicate), payload_type))


@every
def test_a_statement_of_another_kind_is_refused(
    cls: type[Statement], kind: str, predicate: dict[str, Any]
) -> None:
    for other, *_ in EVERY:
        if other is not cls:
            with pytest.raises(BadEnvelope, match="predicateType"):
                other.read(enveloped(written(kind, predicate)))


@every
def test_only_the_canonical_form_is_a_statement(
    cls: type[Statement], kind: str, predicate: dict[str, Any]
) -> None:
    """One statement has one digest: a second spelling would be a second name for the same words."""
    payload = written(kind, predicate)
    for other in (payload + b" ", payload.replace(b":", b": ", 1), payload.replace(b"/", b"\\/", 1)):
        assert canonical.loads(other) == canonical.loads(payload)
        with pytest.raises(BadEnvelope):
            cls.read(enveloped(other))


@every
@pytest.mark.parametrize("form", [b"%b,", b'%b{"a":1}', b"\xff%b", b"[%b]", b""])
def test_what_is_not_json_is_no_statement(
    cls: type[Statement], kind: str, predicate: dict[str, Any], form: bytes
) -> None:
    payload = written(kind, predicate)
    with pytest.raises(BadEnvelope):
        cls.read(enveloped(form % payload if b"%b" in form else form))


@given(
    st.recursive(
        st.none() | st.text(max_size=3) | st.integers(-9, 9),
        lambda inner: (
            st.dictionaries(
                st.sampled_from(
                    ["document", "metadata", "name", "question", "case", "log", "cases", "about"]
                ),
                inner,
                max_size=3,
            )
            | st.lists(inner, max_size=2)
        ),
        max_leaves=6,
    )
)
def test_any_predicate_is_refused_as_what_it_is_not(predicate: Any) -> None:
    for cls, kind, _ in EVERY:
        with pytest.raises(BadEnvelope):
            cls.read(enveloped(written(kind, predicate, {"x": "0" * 64})))


def test_a_statement_is_named_by_its_words_and_not_by_its_signatures() -> None:
    cls, kind, predicate = EVERY[0]
    payload = cls.from_json(predicate).payload()
    assert signed(payload, "oncd").digest == signed(payload, "ostp").digest == canonical.sha256_hex(payload)
    other = written(kind, {**predicate, "reason": "another"})
    assert signed(other, "oncd").digest != signed(payload, "oncd").digest
