"""Statements in a case: positions, and what officers sign beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from sluicegate_record.directives.received import Arrival
from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Exact, Json, Misread, form
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.statements.question import Question
from sluicegate_record.statements.statement import Statement, check_text, is_hash
from sluicegate_record.strict import nulls
from sluicegate_record.terms.conditions import Conditions

SCHEDULE_MAX = 100
POSITIONS = (
    "approve",
    "approve-with-conditions",
    "object",
    "no-objection",
    "abstain",
    "ask",
    "recuse",
    "decline",
)
NEED_REASON = {"object": "an objection", "ask": "a question", "recuse": "a recusal"}
DECISIONS = ("clear", "match")


class Word(NamedTuple):
    """What a party says in a case, in whichever statement. It names the question by its digest.

    `previous` is the digest of the party's position before this one. `said` is what had been said in the
    case; None if the statement does not tell.
    """

    case: str
    question: str
    agency: str
    position: str
    reason: str
    previous: str | None
    conditions: dict[str, Json] | None = None
    sealed: str | None = None
    said: Discussion | None = None
    concern: str | None = None


@form
class InCase(Statement):
    """A statement in one case: its subject is the case, by the digest of the whole question."""

    question: Question

    @property
    def subjects(self) -> dict[str, str]:
        """The case, by its question's digest."""
        return {self.question.case: self.question.digest.removeprefix("sha256:")}


@form
class Position(InCase):
    """What one agency says in a case; `previous` is the digest of its position before this one.

    `sealed` commits to a reason that is not public, `conditions` are those of `approve-with-conditions`.
    `said` is what had been said in the case when the agency made up its mind. `concern` is what an objection
    is about, such as cyber.
    """

    TYPE: ClassVar = "urn:sluicegate:position:v1"

    agency: str
    position: str
    reason: str
    previous: str | None
    conditions: dict[str, Json] | None = None
    sealed: str | None = None
    said: Discussion | None = None
    concern: str | None = None

    @property
    def word(self) -> Word:
        """What the agency says."""
        said = (self.agency, self.position, self.reason, self.previous)
        more = (self.conditions, self.sealed, self.said, self.concern)
        return Word(self.question.case, self.question.digest, *said, *more)

    def check(self) -> None:
        """Check that it is a position. Raises: BadEnvelope."""
        _check_words(self.position, self.reason, self.sealed)
        _check_said(self.said)
        if self.sealed is not None and not is_hash(self.sealed):
            raise BadEnvelope("a sealed reason that is not a commitment of 64 hex digits")
        if (self.position == "approve-with-conditions") != (self.conditions is not None):
            raise BadEnvelope("conditions go with the position approve-with-conditions, and only with it")
        if self.conditions is not None:
            check_conditions(self.conditions)
        if self.concern is not None:
            check_text(self.concern, "a concern", most=64)
            if self.position != "object":
                raise BadEnvelope("a concern goes with an objection, and only with it")


@form
class ScheduledCase(Exact):
    """A case of a schedule: its question by digest, and the digest of the agency's position before.

    `said` is what had been said in it.
    """

    case: str
    question: str
    previous: str | None
    said: Discussion | None = None


@form
class Schedule(Statement):
    """One position in several cases; its subjects are the cases."""

    TYPE: ClassVar = "urn:sluicegate:schedule:v1"

    log: str
    agency: str
    position: str
    reason: str
    cases: tuple[ScheduledCase, ...]

    @property
    def subjects(self) -> dict[str, str]:
        """The cases, by their questions' digests."""
        return {each.case: each.question.removeprefix("sha256:") for each in self.cases}

    def word(self, case: str | None) -> Word | None:
        """What it says in a case; None where it does not name that one."""
        for each in self.cases:
            if each.case == case:
                said = (self.agency, self.position, self.reason, each.previous)
                return Word(each.case, each.question, *said, said=each.said)
        return None

    def check(self) -> None:
        """Check that it is one position in some cases, each once. Raises: BadEnvelope."""
        _check_words(self.position, self.reason, None)
        if self.position == "approve-with-conditions":
            raise BadEnvelope("a schedule of positions with conditions: sign those case by case")
        if not 1 <= len(self.cases) <= SCHEDULE_MAX:
            raise BadEnvelope(f"a schedule of 1 to {SCHEDULE_MAX} cases expected")
        if len({each.case for each in self.cases}) != len(self.cases):
            raise BadEnvelope("a schedule that names a case twice")
        for each in self.cases:
            _check_said(each.said)


@form
class Receipt(InCase):
    """That an agency has received a case: its clock starts when this is on the record."""

    TYPE: ClassVar = "urn:sluicegate:receipt:v1"

    agency: str


@form
class Referral(InCase):
    """That another agency must be asked too: `to`, for a reason. `said` is what had been said in the case."""

    TYPE: ClassVar = "urn:sluicegate:referral:v1"

    agency: str
    to: str
    reason: str
    said: Discussion | None = None

    def check(self) -> None:
        """Check that it says why. Raises: BadEnvelope."""
        check_text(self.reason, "the reason of a referral")
        _check_said(self.said)


@form
class Screening(InCase):
    """What a person decided after comparing an applicant with a list.

    `candidates` commits to what the person saw.
    """

    TYPE: ClassVar = "urn:sluicegate:screening:v1"

    list: str
    version: str
    decision: str
    reason: str
    candidates: str

    def check(self) -> None:
        """Check that it decides, and says why. Raises: BadEnvelope."""
        check_text(self.reason, "the reason of a screening decision")
        if self.decision not in DECISIONS or not is_hash(self.candidates):
            raise BadEnvelope(
                "a screening decision is 'clear' or 'match', with a commitment to its candidates"
            )
        for name in (self.list, self.version):
            check_text(name, "the list and its version", most=100)


@form
class Proceeding(InCase):
    """Two officers proceed where the positions are advice."""

    TYPE: ClassVar = "urn:sluicegate:proceeding:v1"

    reason: str

    def check(self) -> None:
        """Check that it says why. Raises: BadEnvelope."""
        check_text(self.reason, "the reason for proceeding")


@form
class Transcription(InCase):
    """Two officers enter what an agency said by letter or call."""

    TYPE: ClassVar = "urn:sluicegate:transcription:v1"

    agency: str
    position: str
    previous: str | None
    received: Arrival

    @property
    def word(self) -> Word:
        """What the agency says."""
        said = (self.agency, self.position, "", self.previous)
        return Word(self.question.case, self.question.digest, *said)

    def check(self) -> None:
        """Check that it transcribes a yes or a no. Raises: BadEnvelope."""
        if self.position not in {"approve", "object"}:
            raise BadEnvelope("a transcription is of an approval or an objection")


def check_conditions(conditions: Mapping[str, Json]) -> None:
    """Check that a grant can have these conditions. Raises: BadEnvelope."""
    if not conditions:
        raise BadEnvelope("conditions that say nothing, expected at least one")
    try:
        Conditions.from_json(conditions)
        for fault in nulls(conditions):
            raise fault
    except Misread as error:
        said = "conditions that no grant can have, expected those of the plan language"
        raise BadEnvelope(f"{said}: {error.message}") from error


def _check_said(said: Discussion | None) -> None:
    if said is not None:
        said.check()


def _check_words(position: str, reason: str, sealed: str | None) -> None:
    if position not in POSITIONS:
        raise BadEnvelope(f"the position {position[:40]!r}, expected one of {', '.join(POSITIONS)}")
    if position == "ask" and sealed is not None:
        raise BadEnvelope("a question to the applicant cannot be sealed: the applicant could not read it")
    check_text(reason, "a reason", least=0)
    if position in NEED_REASON and not reason.strip() and sealed is None:
        raise BadEnvelope(f"{NEED_REASON[position]} without a reason, expected one")
