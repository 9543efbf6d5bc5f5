"""Who a stage is for: those who apply, of a list, evaluators, who holds a programme, or everyone by shares.

Rules:
- A list names its organizations by commitments. Who agrees to the terms of its stage agrees to the list. An
  evaluator's name is in the plan, so the commitment to it has a salt that everyone knows.
- An organization has one place in a release, from 0 to 9,999, by a hash of the release's and its own name. It
  is in a share if its place is below it. Shares only grow, so what it once is in stays in.
- The shares follow from the moment in which the stage opened. So no entry can be late. An officer's entries
  only move that: a ramp that is paused stands still, and one that was taken back stands at an earlier share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, ClassVar

from sluicegate_record.form import Form, Json, Key, Misread, Time, form, shown, within
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import SALT_BYTES, Opening
from sluicegate_record.terms import durations
from sluicegate_record.terms.durations import Duration

APPLICANTS, EVERYONE = "applicants", "everyone"
EVALUATORS, ORGANIZATIONS, PROGRAMME = "evaluators", "organizations", "programme"
PLACES = 10_000
NOTICE = "P7D"
"""The value of `notice` if a plan leaves it out."""
PAUSES, CONTINUES, RETURNS = "pauses", "continues", "returns"
"""What an officer may say of a ramp."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who a stage is for. `organizations` are those of a list, in its order, each by its commitment;
    `programme` is the one that those hold who it is for, as its plan writes it.
    """

    kind: str
    organizations: tuple[str, ...] = ()
    programme: str = ""

    SCHEMA: ClassVar[Json] = {
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {ORGANIZATIONS: {"type": "array", "items": {"type": "string"}}},
                "required": [ORGANIZATIONS],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {PROGRAMME: {"type": "string"}},
                "required": [PROGRAMME],
                "additionalProperties": False,
            },
        ]
    }

    @classmethod
    def from_json(cls, value: object) -> Audience:
        """The audience in a value: a word, `{organizations: […]}` or `{programme: …}`. Raises: Misread."""
        if type(value) is str:
            return cls(value)
        held = value.get(PROGRAMME) if type(value) is dict and len(value) == 1 else None
        if type(held) is str:
            return cls(PROGRAMME, programme=held)
        listed = value.get(ORGANIZATIONS) if type(value) is dict and len(value) == 1 else None
        if type(listed) is not list or any(type(each) is not str for each in listed):
            raise Misread("a word, {organizations: […]} or {programme: …}", shown(value))
        return cls(ORGANIZATIONS, tuple(listed))

    def to_json(self) -> Json:
        """The audience as `from_json` reads it."""
        if self.kind == PROGRAMME:
            return {PROGRAMME: self.programme}
        return {ORGANIZATIONS: list(self.organizations)} if self.kind == ORGANIZATIONS else self.kind

    @property
    def is_listed(self) -> bool:
        """Whether those who are named are admitted without a case of their own."""
        return self.kind in {ORGANIZATIONS, EVALUATORS}

    def is_within(self, old: Audience) -> bool:
        """Whether it names only those that an older one names."""
        is_same = (self.kind, self.programme) == (old.kind, old.programme)
        return is_same and set(self.organizations) <= set(old.organizations)


FOR_APPLICANTS = Audience(APPLICANTS)


def dossier(name: str) -> dict[str, Json]:
    """What is known of an organization that a list names: its legal name, where others have a whole file."""
    return {"organization": {"name": name}}


def committed(opened: Opening) -> str:
    """The commitment by which a list names an organization. It is made as that to an applicant's file."""
    return opened.commitment("sealed", "application")


def evaluator(name: str) -> Opening:
    """What opens the commitment to an evaluator of this name."""
    return Opening(bytes(SALT_BYTES), canonical.dumps(dossier(name)))


@form
class RampStep(Form):
    """A share of all organizations, and for how long; the last one has no end. Units: `share` per cent."""

    share: Annotated[int, within(1, 100)]
    for_: Duration | None = None


@form
class Ramp(Form):
    """Where a ramp stands. Its time runs from `at_ms` on, when `over_ms` of it was over, unless it is paused.

    `least`: what was in before, by earlier terms, stays in. Units: places.
    """

    at_ms: Time
    over_ms: int = 0
    is_paused: Annotated[bool, Key("paused")] = False
    least: Annotated[int, within(0, PLACES)] = 0

    def over(self, now_ms: int) -> int:
        """How much of its time is over at a moment. Units: milliseconds."""
        return self.over_ms if self.is_paused else self.over_ms + max(0, now_ms - self.at_ms)

    def places(self, steps: Sequence[tuple[int, int]], now_ms: int) -> int:
        """How many places are in at a moment; `steps` are what `shares` gives."""
        return max(self.least, share_at(steps, self.over(now_ms)))

    def moved(self, now_ms: int, says: str, over_ms: int) -> Ramp:
        """The ramp after an officer's word. One that was taken back stands still, until another word."""
        least = 0 if says == RETURNS else self.least
        return Ramp(at_ms=now_ms, over_ms=over_ms, is_paused=says != CONTINUES, least=least)


@form
class Succession(Form):
    """The grants of an earlier stage go on as part of this one. Their holders hear of it `notice` before."""

    become: str
    notice: Duration | None = None


def place_of(release: str, organization: str) -> int:
    """The place of an organization in a release: 0 to 9,999."""
    return int.from_bytes(sha256(f"{release}\n{organization}".encode()).digest()[:8]) % PLACES


def shares(ramp: Sequence[RampStep]) -> tuple[tuple[int, int], ...]:
    """Each share with the moment from which it holds: milliseconds after the opening, and how many places.

    Without a ramp everyone is in from the opening on.
    """
    found, after_ms = [], 0
    for step in ramp or (RampStep(share=100),):
        found.append((after_ms, step.share * PLACES // 100))
        if step.for_ is None:
            break
        after_ms += durations.milliseconds(step.for_)
    return tuple(found)


def begin_of(steps: Sequence[tuple[int, int]], places: int) -> int | None:
    """How much of a ramp's time is over when a share begins; None if it is no step of the ramp."""
    return next((after_ms for after_ms, each in steps if each == places), None)


def share_at(steps: Sequence[tuple[int, int]], since_ms: int) -> int:
    """How many places are in, so long after the opening; `steps` are what `shares` gives."""
    return max((places for after_ms, places in steps if after_ms <= since_ms), default=0)
