"""What is signed: positions, openings, directives, as in-toto statements in DSSE envelopes.

Rules:
- A statement binds everything it is about: the case's whole question, or the whole document, by value
  and by digest. One signed for another log, another case, other terms or another party does not fit.
- Statements are public: they name parties by commitment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sluicegate.core import canonical, dsse, plan
from sluicegate.core.dsse import Envelope
from sluicegate.errors import BadEnvelope

POSITION = "urn:sluicegate:position:v1"
OPENING = "urn:sluicegate:opening:v1"
DIRECTIVE = "urn:sluicegate:directive:v1"

REASON_MAX = 2_000
POSITIONS = ("approve", "object", "no-objection", "abstain")
POSITIONS_LATER = ("approve-with-conditions", "ask")


class Position(NamedTuple):
    """What one agency says in a case; `previous` is the digest of its position before this one."""

    question: dict[str, Any]
    agency: str
    position: str
    reason: str
    previous: str | None


def position_payload(position: Position) -> bytes:
    """The statement of a position.

    `question` is the case's question as exported; the subject is the case, by that question's digest.
    """
    return _payload(position.question["case"], position.question, POSITION, position._asdict())


def opening_payload(opening: Mapping[str, str]) -> bytes:
    """The statement that opens a stage: `{log, release, stage, terms}`."""
    name = f"{opening['release']}/{opening['stage']}"
    return _payload(name, dict(opening), OPENING, dict(opening))


def directive_payload(document: Mapping[str, Any]) -> bytes:
    """The statement of a directive: its document with organizations as count and commitment."""
    return _payload(document["metadata"]["name"], dict(document), DIRECTIVE, {"document": dict(document)})


def read_position(envelope: Envelope) -> Position:
    """The position an envelope states. Signatures are not looked at.

    Raises: BadEnvelope: not a position, or not bound to the question it carries.
    """
    predicate = _predicate(envelope, POSITION, {"question", "agency", "position", "reason", "previous"})
    question = predicate["question"]
    if not isinstance(question, dict) or not isinstance(question.get("case"), str):
        raise BadEnvelope("a position without a question, expected the question of a case as exported")
    if not all(isinstance(predicate[name], str) for name in ("agency", "position", "reason")):
        raise BadEnvelope("a position whose agency, position or reason is not text")
    position = Position(**predicate)
    if len(position.reason) > REASON_MAX or not plan.is_plain(position.reason):
        raise BadEnvelope(f"a reason of at most {REASON_MAX} characters, none of them invisible, expected")
    if position.position in POSITIONS_LATER:
        raise BadEnvelope(f"the position {position.position!r}: this build does not have it yet")
    if position.position not in POSITIONS:
        raise BadEnvelope(f"the position {position.position[:40]!r}, expected one of {', '.join(POSITIONS)}")
    if position.position == "object" and not position.reason.strip():
        raise BadEnvelope("an objection without a reason, expected one")
    _expect_payload(envelope, position_payload(position))
    return position


def read_opening(envelope: Envelope) -> dict[str, str]:
    """The `{log, release, stage, terms}` an envelope opens. Signatures are not looked at.

    Raises: BadEnvelope.
    """
    opening = _predicate(envelope, OPENING, {"log", "release", "stage", "terms"})
    if not all(isinstance(value, str) for value in opening.values()):
        raise BadEnvelope("an opening whose release, stage or terms is not text")
    _expect_payload(envelope, opening_payload(opening))
    return opening


def read_directive(envelope: Envelope) -> dict[str, Any]:
    """The directive document an envelope states. Signatures are not looked at.

    Raises: BadEnvelope.
    """
    document = _predicate(envelope, DIRECTIVE, {"document"})["document"]
    try:
        expected = directive_payload(document)
    except (AttributeError, KeyError, TypeError) as error:
        raise BadEnvelope("a directive statement without a directive document") from error
    _expect_payload(envelope, expected)
    return dict(document)


def envelope_digest(envelope: Envelope) -> str:
    """What names a signed statement: the digest of its payload, `sha256:…`.

    Of the payload, not of the signatures: signing the same words again gives the same name.
    """
    return canonical.sha256_hex(envelope.payload)


def _payload(name: str, subject: Any, predicate_type: str, predicate: dict[str, Any]) -> bytes:
    digest = canonical.digest(subject).removeprefix("sha256:")
    return dsse.statement({name: digest}, predicate_type, predicate)


def _predicate(envelope: Envelope, predicate_type: str, fields: set[str]) -> dict[str, Any]:
    predicate = dsse.parse_statement(envelope, predicate_type).predicate
    if set(predicate) != fields:
        raise BadEnvelope(f"a statement with the fields {sorted(predicate)}, expected {sorted(fields)}")
    return predicate


def _expect_payload(envelope: Envelope, expected: bytes) -> None:
    """A statement is what we would have written: its subject fits, and it is in canonical form."""
    if envelope.payload != expected:
        raise BadEnvelope("a statement whose subject does not fit, or that is not in canonical form")
