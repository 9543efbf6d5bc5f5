"""A case as it stands: what was said, whose clock runs, what is still open. A fold of its entries.

Rules:
- A party's newest position is its position; those before are history and are never changed.
- An agency consents by approving, with conditions or without, and by having no objection; where the
  stage's clock says so, by silence. It stands against by objecting, and where the clock says so by silence.
- A party that recuses itself is not counted among those who decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sluicegate.core.terms import clocks
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import conditions, kinds, quorum
from sluicegate_record.terms import plan as terms
from sluicegate_record.terms.conditions import Conditions, Contradictions
from sluicegate_record.terms.plan import Procedure
from sluicegate_record.terms.rule import Rule

CONSENT = frozenset({"approve", "approve-with-conditions", "no-objection"})
UNTIMED = Procedure(mode="approve")
"""How a case goes that is about no organization."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A position on the record. `sealed` says that its reason is not public; `opened` where it is kept."""

    agency: str
    owners: tuple[str, ...]
    position: str
    reason: str
    digest: str
    seq: int
    at_ms: int
    conditions: Conditions | None = None
    sealed: bool = False


@dataclass(slots=True)
class Clock:
    """An agency's time in a case, from its receipt.

    `due_ms` None while it is stopped, or over; `warned_ms` the due time warned of last; `rung` counts the
    steps taken up the ladder, the last at `climbed_ms`; `silence` is what its silence has come to mean.
    Units: milliseconds since 1970 UTC; `stops` closed-open.
    """

    started_ms: int
    receipt: str | None
    due_ms: int | None = None
    warned_ms: int | None = None
    rung: int = 0
    climbed_ms: int | None = None
    asked_ms: int | None = None
    stops: list[tuple[int, int]] = field(default_factory=list)
    silence: str | None = None
    ended_ms: int | None = None

    @property
    def step_ms(self) -> int:
        """When the time of the step it is at began."""
        return self.started_ms if self.climbed_ms is None else self.climbed_ms


@dataclass(slots=True)
class Case:
    """A question put to parties. `positions` holds the newest of each party, `history` all of them.

    `procedure` is that of the stage as it was when the case was opened, `UNTIMED` where there is none.
    """

    id: str
    kind: str
    question: Question
    rule: Rule
    applicant: str
    seq: int
    at_ms: int
    organization: str | None
    basis: str = ""
    procedure: Procedure = UNTIMED
    parties: frozenset[str] = frozenset()
    subject: str | None = None
    dossier: str = ""
    state: str = kinds.IN_REVIEW
    outcome: str | None = None
    reason_code: str | None = None
    determined_ms: int | None = None
    determined_seq: int | None = None
    grant: str | None = None
    positions: dict[str, Recorded] = field(default_factory=dict)
    history: list[Recorded] = field(default_factory=list)
    clocks: dict[str, Clock] = field(default_factory=dict)
    due_ms: int | None = None
    asked_ms: int | None = None
    stops: list[tuple[int, int]] = field(default_factory=list)
    screening: dict[str, Any] | None = None
    """The newest record; `reopened` in it since when another version of its list was put in use."""
    offer_until_ms: int | None = None
    reply_by_ms: int | None = None
    replied_ms: int | None = None
    replied_seq: int | None = None
    unopposed: bool = False
    proceeded: bool = False
    appeal: str | None = None
    answers: list[int] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    opening: dict[str, Any] | None = None
    described: dict[str, str] | None = None
    """What an amendment says of its organization."""
    named: dict[str, Any] | None = None
    """What the organizations come to that a lift is about."""

    @property
    def standing(self) -> str:
        """The state, told apart further: `asked` while a question to the applicant is open."""
        return kinds.ASKED if self.is_reviewed and self.asking else self.state

    @property
    def is_reviewed(self) -> bool:
        """Whether it is being decided: neither on a waitlist, nor offered a seat, nor determined."""
        return self.state in _REVIEWED

    @property
    def is_cleared(self) -> bool:
        """Whether a screening record clears it, and no list in use since has opened that record again."""
        record = self.screening
        return record is not None and record["decision"] == "clear" and "reopened" not in record

    def is_reopened_by(self, name: str, version: str) -> bool:
        """Whether using this version of a list opens its screening record again, or leaves it open."""
        record = self.screening
        return (
            record is not None
            and record["list"] == name
            and (record["version"] != version or "reopened" in record)
        )

    @property
    def asking(self) -> dict[str, Recorded]:
        """The open questions to the applicant, by agency."""
        return {
            party: self.positions[party]
            for party, clock in self.clocks.items()
            if clock.asked_ms is not None and party in self.positions
        }

    @property
    def recused(self) -> frozenset[str]:
        """The parties that recused themselves."""
        return frozenset(party for party, said in self.positions.items() if said.position == "recuse")

    @property
    def consenting(self) -> frozenset[str]:
        """The parties whose yes counts."""
        said = {party for party, said in self.positions.items() if said.position in CONSENT}
        return frozenset(said | self._silent("no-objection"))

    @property
    def against(self) -> frozenset[str]:
        """The parties whose no counts."""
        said = {party for party, said in self.positions.items() if said.position == "object"}
        return frozenset(said | self._silent("deny"))

    @property
    def left(self) -> Rule | None:
        """The rule among those who have not recused themselves; None where nobody is left."""
        return quorum.without(self.rule, self.recused)

    @property
    def agreed(self) -> tuple[Conditions, Contradictions]:
        """The conditions of the positions that consent, combined by the strictest, and what contradicts."""
        stated = ((party, said.conditions) for party, said in sorted(self.positions.items()))
        return conditions.strictest((party, each) for party, each in stated if each is not None)

    @property
    def awaiting(self) -> list[str]:
        """The parties the case's rule names who have said nothing that counts yet, sorted."""
        if self.state == kinds.DETERMINED:
            return []
        spoken = {party for party, said in self.positions.items() if said.position != "ask"}
        return sorted(self.parties - spoken - self._silent("no-objection", "deny"))

    @property
    def whole_clock(self) -> tuple[int, str] | None:
        """How long the whole case may take and what follows then: `admit`, `lapse` or `escalate`."""
        clock = self.procedure.clock
        if clock is None or self.kind not in _CLOCKED:
            return None
        if self.procedure.is_notified and self.kind != kinds.APPEAL:
            return clock.within, "admit"
        overall = clock.overall
        return None if overall is None else (overall.within, overall.then)

    def __post_init__(self) -> None:
        self.parties = self.parties or quorum.parties_of(self.rule)

    def fork(self) -> Case:
        """A copy to try something on."""
        clocks_ = {agency: replace(clock, stops=list(clock.stops)) for agency, clock in self.clocks.items()}
        return replace(
            self,
            positions=dict(self.positions),
            history=list(self.history),
            clocks=clocks_,
            stops=list(self.stops),
        )

    def record(self, said: Recorded) -> None:
        """Take a position in: it supersedes the agency's last, and ends its clock; a question stops it."""
        self.positions[said.agency] = said
        self.history.append(said)
        clock = self.clocks.get(said.agency)
        if clock is None and said.position != "ask":
            return
        if clock is None:
            clock = self.clocks[said.agency] = Clock(said.at_ms, said.digest)  # a question proves receipt
        if clock.asked_ms is not None:
            clock.stops.append((clock.asked_ms, said.at_ms))
        clock.due_ms, clock.silence = None, None
        asks = said.position == "ask"
        clock.asked_ms, clock.ended_ms = (said.at_ms, None) if asks else (None, said.at_ms)

    def clocked(self) -> terms.Clock | None:
        """The clock that runs for each agency, where one does."""
        return None if self.kind not in _CLOCKED or self.procedure.is_notified else self.procedure.clock

    def due(self, start_ms: int, within: int, stops: list[tuple[int, int]]) -> int:
        """When a time of the stage's clock is over. Requires: it has one."""
        clock = self.procedure.clock
        assert clock is not None
        return clocks.due_ms(start_ms, within, clock.unit, clock.calendar, stops)

    def _silent(self, *meanings: str) -> set[str]:
        return {party for party, clock in self.clocks.items() if clock.silence in meanings}


_REVIEWED = (kinds.SUBMITTED, kinds.IN_REVIEW)
_CLOCKED = frozenset(name for name, kind in kinds.KINDS.items() if kind.clocked)
