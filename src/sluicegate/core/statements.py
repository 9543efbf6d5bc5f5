"""What is signed: positions, openings, directives, as in-toto statements in DSSE envelopes.

Rules:
- A statement binds everything it is about: the case's whole question, or the whole document, by value
  and by digest. One signed for another log, another case, other terms or another party does not fit.
- Statements are public: they name parties by commitment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Any, NamedTuple

from pydantic import ValidationError

from sluicegate.core.directives.directive import Received
from sluicegate.core.people import persons
from sluicegate.core.terms import plan
from sluicegate.errors import BadEnvelope, BadKey, VerificationFailed
from sluicegate_record.form import Misread
from sluicegate_record.log import canonical, dsse, times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms.conditions import checked

POSITION = "urn:sluicegate:position:v1"
SCHEDULE = "urn:sluicegate:schedule:v1"
RECEIPT = "urn:sluicegate:receipt:v1"
SCREENING = "urn:sluicegate:screening:v1"
PROCEEDING = "urn:sluicegate:proceeding:v1"
NOTE = "urn:sluicegate:note:v1"
OPENING = "urn:sluicegate:opening:v1"
DIRECTIVE = "urn:sluicegate:directive:v1"
CONFIRMATION = "urn:sluicegate:confirmation:v1"
TRANSCRIPTION = "urn:sluicegate:transcription:v1"
DRILL = "urn:sluicegate:drill:v1"
POINT = "urn:sluicegate:point:v1"
ENFORCEMENT = "urn:sluicegate:enforcement:v1"
ATTESTATION = "urn:sluicegate:attestation:v1"

REASON_MAX = 2_000
SCHEDULE_MAX = 100
EXCLUDED_MAX = 1_000
POSITIONS = (
    "approve",
    "approve-with-conditions",
    "object",
    "no-objection",
    "abstain",
    "ask",
    "recuse",
)
NEED_REASON = {"object": "an objection", "ask": "a question", "recuse": "a recusal"}
DECISIONS = ("clear", "match")
NOTES = ("request", "call", "meeting", "dissent", "statement", "reasons")
POINTINGS = ("declared", "retired")
ENFORCEMENTS = ("enforced", "restored")
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)


class Position(NamedTuple):
    """What one agency says in a case; `previous` is the digest of its position before this one.

    `sealed` commits to a reason that is not public, `conditions` are those of `approve-with-conditions`.
    """

    question: dict[str, Any]
    agency: str
    position: str
    reason: str
    previous: str | None
    conditions: dict[str, Any] | None = None
    sealed: str | None = None


class Schedule(NamedTuple):
    """One position in several cases: `cases` holds `{case, question, previous}`, the question by digest."""

    log: str
    agency: str
    position: str
    reason: str
    cases: list[dict[str, Any]]


class Screening(NamedTuple):
    """What a person decided on comparing an applicant with a list; `candidates` commits to what was seen."""

    question: dict[str, Any]
    list: str
    version: str
    decision: str
    reason: str
    candidates: str


class Note(NamedTuple):
    """Something either side puts on the record: a request, a call, a meeting, a dissent, a statement.

    `about` is `{release, stage}`, `{case}` or `{directive}`; `on` the date it happened.
    """

    log: str
    party: str
    about: dict[str, str]
    kind: str
    on: str
    text: str


class Pointing(NamedTuple):
    """An officer declares or retires an enforcement point; `key` is the point's own, base64 of 32 bytes."""

    log: str
    point: str
    surface: str
    key: str
    says: str


class Enforcement(NamedTuple):
    """What a point says of a directive, `document` by digest: `enforced` or `restored`, at a time."""

    log: str
    point: str
    directive: str
    document: str
    says: str
    at: str


class Attestation(NamedTuple):
    """What an organization's signatory says of everyone able to reach a credential, but for `excluded`.

    `models` None is all models; `until` is exclusive, as entries write times.
    """

    log: str
    credential: str
    statuses: list[str]
    until: str
    models: list[str] | None = None
    excluded: list[str] | None = None


def position_payload(position: Position) -> bytes:
    """The statement of a position.

    `question` is the case's question as exported; the subject is the case, by that question's digest.
    """
    predicate = position._asdict()
    for optional in ("conditions", "sealed"):
        if predicate[optional] is None:
            del predicate[optional]
    return _payload(position.question["case"], position.question, POSITION, predicate)


def schedule_payload(schedule: Schedule) -> bytes:
    """The statement of one position in several cases; its subjects are the cases."""
    subjects = {item["case"]: item["question"].removeprefix("sha256:") for item in schedule.cases}
    return dsse.statement(subjects, SCHEDULE, schedule._asdict())


def receipt_payload(question: dict[str, Any], agency: str) -> bytes:
    """The statement that an agency has received a case: its clock starts when this is on the record."""
    return _payload(question["case"], question, RECEIPT, {"question": question, "agency": agency})


def screening_payload(screening: Screening) -> bytes:
    """The statement of a screening decision."""
    return _payload(screening.question["case"], screening.question, SCREENING, screening._asdict())


def proceeding_payload(question: dict[str, Any], reason: str) -> bytes:
    """The statement by which two officers proceed where the positions are advice."""
    return _payload(question["case"], question, PROCEEDING, {"question": question, "reason": reason})


def note_payload(note: Note) -> bytes:
    """The statement of a note for the record."""
    return _payload("/".join(note.about.values()), note.about, NOTE, note._asdict())


def opening_payload(opening: Mapping[str, str]) -> bytes:
    """The statement that opens a stage: `{log, release, stage, terms}`."""
    name = f"{opening['release']}/{opening['stage']}"
    return _payload(name, dict(opening), OPENING, dict(opening))


def directive_payload(document: Mapping[str, Any]) -> bytes:
    """The statement of a directive: its document with organizations as count and commitment."""
    return _payload(document["metadata"]["name"], dict(document), DIRECTIVE, {"document": dict(document)})


def drill_payload(report: Mapping[str, Any]) -> bytes:
    """The statement of a drill's report, which the log signs: how long until zero, and until restored."""
    return _payload(report["drill"], dict(report), DRILL, dict(report))


def point_payload(pointing: Pointing) -> bytes:
    """The statement by which an officer declares or retires a point."""
    return _payload(pointing.point, pointing._asdict(), POINT, pointing._asdict())


def enforcement_payload(said: Enforcement) -> bytes:
    """The statement of a point about a directive; its subject is the directive, by its document's digest."""
    digest = said.document.removeprefix("sha256:")
    return dsse.statement({said.directive: digest}, ENFORCEMENT, said._asdict())


def read_position(envelope: Envelope) -> Position:
    """The position an envelope states. Signatures are not looked at.

    Raises: BadEnvelope: not a position, or not bound to the question it carries.
    """
    fields = {"question", "agency", "position", "reason", "previous"}
    predicate = _predicate(envelope, POSITION, fields, {"conditions", "sealed"})
    _question(predicate)
    _texts(predicate, "agency", "position", "reason")
    position = Position(**predicate)
    _check_words(position.position, position.reason, position.sealed)
    if position.sealed is not None and not _is_hash(position.sealed):
        raise BadEnvelope("a sealed reason that is not a commitment of 64 hex digits")
    if (position.position == "approve-with-conditions") != (position.conditions is not None):
        raise BadEnvelope("conditions go with the position approve-with-conditions, and only with it")
    if position.conditions is not None:
        _check_conditions(position.conditions)
    _expect_payload(envelope, position_payload(position))
    return position


def read_schedule(envelope: Envelope) -> list[tuple[Position, str]]:
    """The positions one envelope states in several cases, each with the digest of its question.

    The questions themselves are not in it: `question` holds the case's id alone. Raises: BadEnvelope.
    """
    predicate = _predicate(envelope, SCHEDULE, {"log", "agency", "position", "reason", "cases"})
    _texts(predicate, "log", "agency", "position", "reason")
    _check_words(predicate["position"], predicate["reason"], None)
    if predicate["position"] == "approve-with-conditions":
        raise BadEnvelope("a schedule of positions with conditions: sign those case by case")
    cases = predicate["cases"]
    if not isinstance(cases, list) or not 1 <= len(cases) <= SCHEDULE_MAX:
        raise BadEnvelope(f"a schedule of 1 to {SCHEDULE_MAX} cases expected")
    found = []
    for item in cases:
        if not isinstance(item, dict) or set(item) != {"case", "question", "previous"}:
            raise BadEnvelope("a case of a schedule without case, question or previous")
        _texts(item, "case", "question")
        agency, position, reason = (predicate[name] for name in ("agency", "position", "reason"))
        said = Position({"case": item["case"]}, agency, position, reason, item["previous"])
        found.append((said, item["question"]))
    if len({item["case"] for item in cases}) != len(cases):
        raise BadEnvelope("a schedule that names a case twice")
    _expect_payload(envelope, schedule_payload(Schedule(**predicate)))
    return found


def is_schedule(envelope: Envelope) -> bool:
    """Whether an envelope states one position in several cases."""
    return dsse.predicate_type(envelope) == SCHEDULE


def read_receipt(envelope: Envelope) -> tuple[dict[str, Any], str]:
    """The question and the agency of a receipt. Raises: BadEnvelope."""
    predicate = _predicate(envelope, RECEIPT, {"question", "agency"})
    _question(predicate)
    _texts(predicate, "agency")
    _expect_payload(envelope, receipt_payload(predicate["question"], predicate["agency"]))
    return predicate["question"], predicate["agency"]


def read_screening(envelope: Envelope) -> Screening:
    """The screening decision of an envelope. Raises: BadEnvelope."""
    predicate = _predicate(envelope, SCREENING, set(Screening._fields))
    _question(predicate)
    _texts(predicate, "list", "version", "decision", "reason", "candidates")
    screening = Screening(**predicate)
    _check_text(screening.reason, "the reason of a screening decision")
    if screening.decision not in DECISIONS or not _is_hash(screening.candidates):
        raise BadEnvelope("a screening decision is 'clear' or 'match', with a commitment to its candidates")
    for name in (screening.list, screening.version):
        _check_text(name, "the list and its version", most=100)
    _expect_payload(envelope, screening_payload(screening))
    return screening


def read_proceeding(envelope: Envelope) -> tuple[dict[str, Any], str]:
    """The question and the reason of officers who proceed. Raises: BadEnvelope."""
    predicate = _predicate(envelope, PROCEEDING, {"question", "reason"})
    _question(predicate)
    _texts(predicate, "reason")
    _check_text(predicate["reason"], "the reason for proceeding")
    _expect_payload(envelope, proceeding_payload(predicate["question"], predicate["reason"]))
    return predicate["question"], predicate["reason"]


def read_note(envelope: Envelope) -> Note:
    """The note of an envelope. Raises: BadEnvelope."""
    predicate = _predicate(envelope, NOTE, set(Note._fields))
    _texts(predicate, "log", "party", "kind", "on", "text")
    note = Note(**predicate)
    about = note.about
    if type(about) is not dict or set(about) not in ({"release", "stage"}, {"case"}, {"directive"}):
        raise BadEnvelope("a note about a release and stage, a case or a directive expected")
    _texts(about, *about)
    if note.kind not in NOTES:
        raise BadEnvelope(f"a note of the kind {note.kind[:40]!r}, expected one of {', '.join(NOTES)}")
    _check_text(note.text, "the text of a note")
    try:
        date.fromisoformat(note.on)
    except ValueError as error:
        raise BadEnvelope("a note whose 'on' is not a date such as 2026-06-24") from error
    _expect_payload(envelope, note_payload(note))
    return note


def _question(predicate: Mapping[str, Any]) -> None:
    question = predicate["question"]
    if not isinstance(question, dict) or not isinstance(question.get("case"), str):
        raise BadEnvelope("a statement without a question, expected the question of a case as exported")


def _texts(predicate: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(predicate[name], str):
            raise BadEnvelope(f"a statement whose {name} is not text")


def _check_words(position: str, reason: str, sealed: str | None) -> None:
    if position not in POSITIONS:
        raise BadEnvelope(f"the position {position[:40]!r}, expected one of {', '.join(POSITIONS)}")
    if position == "ask" and sealed is not None:
        raise BadEnvelope("a question to the applicant cannot be sealed: the applicant could not read it")
    _check_text(reason, "a reason", least=0)
    if position in NEED_REASON and not reason.strip() and sealed is None:
        raise BadEnvelope(f"{NEED_REASON[position]} without a reason, expected one")


def _check_text(text: str, what: str, *, least: int = 1, most: int = REASON_MAX) -> None:
    if len(text) > most or len(text.strip()) < least or not plan.is_plain(text):
        raise BadEnvelope(f"{what}: text of at most {most} characters, none of them invisible, expected")


def _check_conditions(conditions: Any) -> None:
    try:
        checked(conditions)
    except Misread as error:
        raise BadEnvelope(
            f"conditions that no grant can have, expected those of the plan language: {error.message}"
        ) from error


def _is_hash(text: Any) -> bool:
    return isinstance(text, str) and re.fullmatch(r"[0-9a-f]{64}", text, re.ASCII) is not None


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


def confirmation_payload(log: str, directive: str, document: str) -> bytes:
    """The statement by which an issuer stands by what was transcribed: the document by its digest."""
    stated = {"log": log, "directive": directive, "document": document}
    return _payload(directive, stated, CONFIRMATION, stated)


def read_confirmation(envelope: Envelope) -> dict[str, str]:
    """The `{log, directive, document}` an envelope confirms. Raises: BadEnvelope."""
    stated = _predicate(envelope, CONFIRMATION, {"log", "directive", "document"})
    _texts(stated, *stated)
    _expect_payload(envelope, confirmation_payload(**stated))
    return stated


def transcription_payload(position: Position, received: Mapping[str, str]) -> bytes:
    """The statement by which two officers enter what an agency said by letter or call."""
    predicate = {
        "question": position.question,
        "agency": position.agency,
        "position": position.position,
        "previous": position.previous,
        "received": dict(received),
    }
    return _payload(position.question["case"], position.question, TRANSCRIPTION, predicate)


def read_transcription(envelope: Envelope) -> tuple[Position, dict[str, str]]:
    """The position that officers transcribe, and how it was received. Raises: BadEnvelope."""
    fields = {"question", "agency", "position", "previous", "received"}
    predicate = _predicate(envelope, TRANSCRIPTION, fields)
    _question(predicate)
    _texts(predicate, "agency", "position")
    if predicate["position"] not in {"approve", "object"}:
        raise BadEnvelope("a transcription is of an approval or an objection")
    received = predicate.pop("received")
    try:
        Received.model_validate(received)
    except ValidationError as error:
        raise BadEnvelope("a transcription that does not say how and when it was received") from error
    position = Position(**predicate, reason="")
    _expect_payload(envelope, transcription_payload(position, received))
    return position, received


def read_point(envelope: Envelope) -> Pointing:
    """What an envelope says of a point. Signatures are not looked at. Raises: BadEnvelope."""
    predicate = _predicate(envelope, POINT, set(Pointing._fields))
    _texts(predicate, *Pointing._fields)
    pointing = Pointing(**predicate)
    for name in (pointing.point, pointing.surface):
        if not _NAME.fullmatch(name):
            raise BadEnvelope(f"the name {name[:80]!r}, expected lower-case letters, digits and ._- between")
    if pointing.says not in POINTINGS:
        raise BadEnvelope(f"a point that is {pointing.says[:40]!r}, expected one of {', '.join(POINTINGS)}")
    try:
        is_plain = canonical.b64(dsse.load_public(pointing.key)) == pointing.key
    except BadKey as error:
        raise BadEnvelope(f"the key of a point: {error.message}") from error
    if not is_plain:
        raise BadEnvelope("the key of a point that is not base64 of 32 bytes")
    _expect_payload(envelope, point_payload(pointing))
    return pointing


def read_enforcement(envelope: Envelope) -> Enforcement:
    """What a point says in an envelope. Signatures are not looked at. Raises: BadEnvelope."""
    predicate = _predicate(envelope, ENFORCEMENT, set(Enforcement._fields))
    _texts(predicate, *Enforcement._fields)
    said = Enforcement(**predicate)
    if said.says not in ENFORCEMENTS:
        raise BadEnvelope(f"a point that has {said.says[:40]!r}, expected one of {', '.join(ENFORCEMENTS)}")
    try:
        times.parse_time(said.at)
    except VerificationFailed as error:
        raise BadEnvelope(f"when a point said so: {error.message}") from error
    if not _is_hash(said.document.removeprefix("sha256:")):
        raise BadEnvelope("the document of a statement that is not named by its digest")
    _expect_payload(envelope, enforcement_payload(said))
    return said


def attestation_payload(attestation: Attestation) -> bytes:
    """The statement of an attestation: its subject is the credential, by what is said of it."""
    stated = {name: value for name, value in attestation._asdict().items() if value is not None}
    return _payload(attestation.credential, stated, ATTESTATION, stated)


def read_attestation(envelope: Envelope) -> Attestation:
    """The attestation of an envelope. Signatures are not looked at. Raises: BadEnvelope."""
    fields, optional = {"log", "credential", "statuses", "until"}, {"models", "excluded"}
    predicate = _predicate(envelope, ATTESTATION, fields, optional)
    _texts(predicate, "log", "credential", "until")
    for name in ("statuses", "models", "excluded"):
        if name in predicate:
            _check_names(predicate[name], name)
    attestation = Attestation(**predicate)
    for status in attestation.statuses:
        if status not in persons.STATUSES or status in persons.UNKNOWN:
            expected = ", ".join(each for each in persons.STATUSES if each not in persons.UNKNOWN)
            raise BadEnvelope(f"an attestation of the status {status[:40]!r}, expected some of {expected}")
    _expect_payload(envelope, attestation_payload(attestation))
    return attestation


def _check_names(value: Any, name: str) -> None:
    """A list that names somebody: an empty one, or one that is left out, says nothing or everything."""
    if not isinstance(value, list) or not 1 <= len(value) <= EXCLUDED_MAX:
        raise BadEnvelope(f"{name}: a list of 1 to {EXCLUDED_MAX:,} names expected")
    if not all(isinstance(each, str) and 1 <= len(each) <= 128 for each in value):
        raise BadEnvelope(f"{name}: names of 1 to 128 characters expected")
    if len(set(value)) != len(value):
        raise BadEnvelope(f"{name}: a name twice, expected each once")


def envelope_digest(envelope: Envelope) -> str:
    """What names a signed statement: the digest of its payload, `sha256:…`.

    Of the payload, not of the signatures: signing the same words again gives the same name.
    """
    return canonical.sha256_hex(envelope.payload)


def _payload(name: str, subject: Any, predicate_type: str, predicate: dict[str, Any]) -> bytes:
    digest = canonical.digest(subject).removeprefix("sha256:")
    return dsse.statement({name: digest}, predicate_type, predicate)


def _predicate(
    envelope: Envelope, predicate_type: str, fields: set[str], optional: AbstractSet[str] = frozenset()
) -> dict[str, Any]:
    predicate = dsse.parse_statement(envelope, predicate_type).predicate
    if set(predicate) - optional != fields:
        raise BadEnvelope(f"a statement with the fields {sorted(predicate)}, expected {sorted(fields)}")
    return predicate


def _expect_payload(envelope: Envelope, expected: bytes) -> None:
    """A statement is what we would have written: its subject fits, and it is in canonical form."""
    if envelope.payload != expected:
        raise BadEnvelope("a statement whose subject does not fit, or that is not in canonical form")
