from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.statements import (
    DIRECTIVE,
    OPENING,
    POSITION,
    Position,
    directive_payload,
    envelope_digest,
    opening_payload,
    position_payload,
    read_directive,
    read_opening,
    read_position,
)
from sluicegate.errors import BadEnvelope
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import Envelope
from tests.worlds import LOG, directive_value, signed

QUESTION = {
    "log": LOG,
    "case": "case_1",
    "kind": "admission",
    "release": "gpt-5.6",
    "terms": "sha256:00",
    "party": "ab",
}
SAID = Position(QUESTION, "oncd", "approve", "", None)
OPENED = {"log": LOG, "release": "gpt-5.6", "stage": "first", "terms": "sha256:00"}
DOCUMENT = {**directive_value(), "metadata": {"name": "d-1", "log": LOG}}


def enveloped(payload: bytes, payload_type: str = dsse.PAYLOAD_TYPE_INTOTO) -> Envelope:
    return signed(payload, "oncd", payload_type=payload_type)


def altered(payload: bytes, alter: Callable[[Any], None]) -> Envelope:
    """A well-formed, well-signed envelope whose statement was changed."""
    value: Any = canonical.loads(payload)
    alter(value)
    return enveloped(canonical.dumps(value))


def test_statements_read_back() -> None:
    assert read_position(enveloped(position_payload(SAID))) == SAID
    assert read_opening(enveloped(opening_payload(OPENED))) == OPENED
    assert read_directive(enveloped(directive_payload(DOCUMENT))) == DOCUMENT


def test_a_position_binds_the_whole_question_by_value_and_digest() -> None:
    value: Any = canonical.loads(position_payload(SAID))
    assert value["_type"] == "https://in-toto.io/Statement/v1"
    assert value["predicateType"] == "urn:sluicegate:position:v1"
    expected = hashlib.sha256(canonical.dumps(QUESTION)).hexdigest()
    assert value["subject"] == [{"name": "case_1", "digest": {"sha256": expected}}]
    said = {"question": QUESTION, "agency": "oncd", "position": "approve", "reason": "", "previous": None}
    assert value["predicate"] == said


def test_a_statement_is_named_by_its_words_and_not_by_its_signatures() -> None:
    payload = position_payload(SAID)
    assert envelope_digest(signed(payload, "oncd")) == envelope_digest(signed(payload, "ostp"))
    other = position_payload(SAID._replace(reason="another"))
    assert envelope_digest(signed(other, "oncd")) != envelope_digest(signed(payload, "oncd"))


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


ANY_STATEMENT = [
    _set("_type", to="https://in-toto.io/Statement/v0.1"),
    _drop("_type"),
    _set("subject", to=[]),
    _drop("subject"),
    _set("subject", 0, "name", to="other"),
    _set("subject", 0, "digest", "sha256", to="0" * 64),
    _set("subject", 0, "digest", to={}),
    _set("subject", 0, "digest", "sha512", to="0" * 128),
    _set("subject", 0, "more", to=1),
    _set("predicateType", to="urn:sluicegate:evidence:v1"),
    _set("predicate", to=[]),
    _drop("predicate"),
    _set("predicate", "more", to=1),
    _set("more", to=1),
]


@pytest.mark.parametrize(
    "alter",
    [
        *ANY_STATEMENT,
        _set("predicateType", to=OPENING),
        _set("predicate", "question", to=None),
        _set("predicate", "question", to=[]),
        _set("predicate", "question", "case", to=5),
        _drop("predicate", "question", "case"),
        _set("predicate", "question", "case", to="case_2"),
        _set("predicate", "question", "terms", to="sha256:01"),
        _set("predicate", "question", "log", to="log.example/other"),
        _drop("predicate", "question", "log"),
        _set("predicate", "reason", to="x" * 2_001),
        _set("predicate", "question", "more", to=1),
        _drop("predicate", "question", "party"),
        _set("predicate", "agency", to=None),
        _set("predicate", "agency", to=["oncd"]),
        _drop("predicate", "agency"),
        _set("predicate", "position", to="Approve"),
        _set("predicate", "position", to="yes"),
        _set("predicate", "position", to=""),
        _set("predicate", "position", to=True),
        _set("predicate", "position", to="approve-with-conditions"),
        _set("predicate", "position", to="ask"),
        _set("predicate", "reason", to=None),
        _drop("predicate", "previous"),
    ],
)
def test_what_is_no_position(alter: Callable[[Any], None]) -> None:
    with pytest.raises(BadEnvelope):
        read_position(altered(position_payload(SAID), alter))


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
@pytest.mark.parametrize("word", ["object", "ask", "recuse"])
def test_an_objection_a_question_and_a_recusal_say_why(word: str, reason: str) -> None:
    objection = SAID._replace(position=word, reason=reason)
    with pytest.raises(BadEnvelope, match="reason"):
        read_position(enveloped(position_payload(objection)))
    assert read_position(enveloped(position_payload(objection._replace(reason="why"))))


SEALED = "a" * 64


def test_the_reason_of_an_objection_may_be_sealed_and_that_of_a_question_not() -> None:
    sealed = SAID._replace(position="object", sealed=SEALED)
    assert read_position(enveloped(position_payload(sealed))) == sealed
    malformed: list[Any] = ["", "a" * 63, "A" * 64, "a" * 64 + "\n", 5, []]
    for wrong in malformed:
        with pytest.raises(BadEnvelope):
            read_position(altered(position_payload(sealed), _set("predicate", "sealed", to=wrong)))
    with pytest.raises(BadEnvelope, match="cannot be sealed"):
        read_position(enveloped(position_payload(sealed._replace(position="ask", reason="why"))))


def test_conditions_go_with_the_position_that_states_them_and_no_other() -> None:
    stated = SAID._replace(position="approve-with-conditions", conditions={"requestsPerMinute": 5})
    assert read_position(enveloped(position_payload(stated))) == stated
    for wrong in (
        stated._replace(conditions=None),
        stated._replace(position="approve"),
        stated._replace(conditions={}),
        stated._replace(conditions={"requestsPerMinute": 0}),
        stated._replace(conditions={"validFor": "P1M"}),
        stated._replace(conditions={"retentionDays": 30}),
        stated._replace(conditions={"requestsPerMinute": None}),
        stated._replace(conditions=[]),  # type: ignore[arg-type]
    ):
        with pytest.raises(BadEnvelope):
            read_position(enveloped(position_payload(wrong)))


@pytest.mark.parametrize(
    "reason", ["a\x1b[2J", "a\u202eb", "a\u200bb", "a\u2028b", "a\u2029b", "a\nb", "x" * 2_001]
)
def test_a_reason_is_short_and_shown_as_it_stands(reason: str) -> None:
    with pytest.raises(BadEnvelope, match="a reason: text of at most 2000 characters"):
        read_position(enveloped(position_payload(SAID._replace(reason=reason))))
    longest = SAID._replace(reason="\u00f8" * 2_000)
    assert read_position(enveloped(position_payload(longest))) == longest


@pytest.mark.parametrize(
    "alter",
    [
        *ANY_STATEMENT,
        _set("predicateType", to=POSITION),
        _set("predicate", "release", to="gpt-5.7"),
        _set("predicate", "stage", to="second"),
        _set("predicate", "terms", to="sha256:01"),
        _set("predicate", "terms", to=None),
        _set("predicate", "stage", to=["first"]),
        _drop("predicate", "terms"),
        _set("predicate", "log", to="log.example/other"),
        _set("predicate", "log", to=None),
        _drop("predicate", "log"),
    ],
)
def test_what_is_no_opening(alter: Callable[[Any], None]) -> None:
    with pytest.raises(BadEnvelope):
        read_opening(altered(opening_payload(OPENED), alter))


@pytest.mark.parametrize(
    "alter",
    [
        *ANY_STATEMENT,
        _set("predicateType", to=OPENING),
        _set("predicate", "document", to=None),
        _set("predicate", "document", to="x"),
        _set("predicate", "document", to=[]),
        _set("predicate", "document", to={}),
        _set("predicate", "document", "metadata", to=[]),
        _set("predicate", "document", "metadata", "name", to=5),
        _set("predicate", "document", "metadata", "name", to=["d-1"]),
        _set("predicate", "document", "metadata", "name", to={"d-1": 1}),
        _set("predicate", "document", "metadata", "name", to="d-2"),
        _set("predicate", "document", "metadata", "log", to="log.example/other"),
        _drop("predicate", "document", "metadata", "log"),
        _set("predicate", "document", "spec", "covers", to="nobody"),
        _set("predicate", "document", "spec", "more", to=1),
    ],
)
def test_what_is_no_directive_statement(alter: Callable[[Any], None]) -> None:
    with pytest.raises(BadEnvelope):
        read_directive(altered(directive_payload(DOCUMENT), alter))


READERS: list[tuple[Callable[[Envelope], Any], bytes]] = [
    (read_position, position_payload(SAID)),
    (read_opening, opening_payload(OPENED)),
    (read_directive, directive_payload(DOCUMENT)),
]


@pytest.mark.parametrize(("reader", "payload"), READERS)
def test_another_envelope_type_is_refused(reader: Callable[[Envelope], Any], payload: bytes) -> None:
    for payload_type in ("application/vnd.sluicegate.poll.v1+json", "application/json", ""):
        with pytest.raises(BadEnvelope, match="payloadType"):
            reader(enveloped(payload, payload_type))


@pytest.mark.parametrize(("reader", "payload"), READERS)
def test_a_statement_of_another_kind_is_refused(reader: Callable[[Envelope], Any], payload: bytes) -> None:
    for other, _ in READERS:
        if other is not reader:
            with pytest.raises(BadEnvelope, match="predicateType"):
                other(enveloped(payload))


@pytest.mark.parametrize(("reader", "payload"), READERS)
def test_only_the_canonical_form_is_a_statement(reader: Callable[[Envelope], Any], payload: bytes) -> None:
    """One statement has one digest: a second spelling would be a second name for the same words."""
    for other in (payload + b" ", payload.replace(b":", b": ", 1), payload.replace(b"/", b"\\/", 1)):
        assert canonical.loads(other) == canonical.loads(payload)
        with pytest.raises(BadEnvelope):
            reader(enveloped(other))


@pytest.mark.parametrize(("reader", "payload"), READERS)
@pytest.mark.parametrize("form", [b"%b,", b'%b{"a":1}', b"\xff%b", b"[%b]", b""])
def test_what_is_not_json_is_no_statement(
    reader: Callable[[Envelope], Any], payload: bytes, form: bytes
) -> None:
    with pytest.raises(BadEnvelope):
        reader(enveloped(form % payload if b"%b" in form else form))


@given(
    st.recursive(
        st.none() | st.text(max_size=3) | st.integers(-9, 9),
        lambda inner: (
            st.dictionaries(
                st.sampled_from(
                    ["document", "metadata", "name", "spec", "question", "case", "release", "stage", "terms"]
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
    for (reader, _), kind in zip(READERS, (POSITION, OPENING, DIRECTIVE), strict=True):
        value = {
            "_type": dsse.STATEMENT_TYPE,
            "subject": [{"name": "x", "digest": {"sha256": "0" * 64}}],
            "predicateType": kind,
            "predicate": predicate,
        }
        with pytest.raises(BadEnvelope):
            reader(enveloped(canonical.dumps(value)))
