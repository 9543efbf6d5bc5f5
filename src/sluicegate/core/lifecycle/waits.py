"""How long a case took, and who it waited for: times of one case, which add up over many.

Rules:
- A case waits for each party of its rule. An agency's time runs from its receipt (without one, from the
  opening) to its first answer, without the time when its question was open. What officers write down for it
  ends that time too, but it is not an answer of the agency.
- It waits for the applicant while a question to it is open, and while it can take a seat.
- A determined case waits for no one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sluicegate.acts.act import APPLICANT
from sluicegate_record.entities.case import Case
from sluicegate_record.terms import kinds


class Wait(NamedTuple):
    """A time of which some parts still run: `ms` and, for each of `running` parts, the time now.

    Waits add up field by field. Units: milliseconds; the start of a running part, since 1970 UTC, is taken
    off `ms`.
    """

    ms: int = 0
    running: int = 0

    def at(self, now_ms: int) -> int:
        """How long it is at a time, in milliseconds."""
        return self.ms + self.running * now_ms

    def plus(self, ms: int, running: int = 0) -> Wait:
        """With another part."""
        return Wait(self.ms + ms, self.running + running)


class Times(NamedTuple):
    """The times of a case, in milliseconds.

    `whole` is from opening to determination, None of an open case. `answers` is how long each party took that
    has answered itself. `waits` is how long the case has waited for each party; one without a wait is left
    out. `transcribed` says that officers wrote down the newest word of a party.
    """

    whole: int | None
    answers: dict[str, int]
    waits: dict[str, Wait]
    transcribed: bool = False


def times(case: Case, transcripts: Collection[int] = ()) -> Times:
    """The times of a case. `transcripts` are the places of what officers wrote down for agencies."""
    over_ms = ended_ms(case)
    is_transcribed = any(said.seq in transcripts for said in case.positions.values())
    found = Times(None if over_ms is None else over_ms - case.at_ms, {}, {}, is_transcribed)
    heard, answered = _first_words(case), _first_words(case, transcripts)
    for party in case.parties:
        wait = _for_party(case, party, heard.get(party), over_ms)
        if party in answered:
            found.answers[party] = _for_party(case, party, answered[party], over_ms).ms
        if wait.ms or wait.running:
            found.waits[party] = wait
    asked = list(_for_applicant(case, over_ms))
    if asked:
        found.waits[APPLICANT] = Wait(sum(part.ms for part in asked), sum(part.running for part in asked))
    return found


def ended_ms(case: Case) -> int | None:
    """When a case was determined; None of one that is open, also if it is open again."""
    return case.determined_ms if case.state == kinds.DETERMINED else None


def _first_words(case: Case, but: Collection[int] = ()) -> dict[str, int]:
    """When each party first said something that counts, except what is at the places `but`."""
    found: dict[str, int] = {}
    for said in case.history:
        if said.position != "ask" and said.seq not in but:
            found.setdefault(said.agency, said.at_ms)
    return found


def _for_party(case: Case, party: str, said_ms: int | None, over_ms: int | None) -> Wait:
    timer = case.clocks.get(party)
    start_ms = timer.started_ms if timer is not None and timer.receipt is not None else case.at_ms
    asked_ms = timer.asked_ms if timer is not None else None
    stops = timer.stops if timer is not None else ()
    until_ms = min((at_ms for at_ms in (said_ms, asked_ms, over_ms) if at_ms is not None), default=None)
    stopped_ms = sum(
        stop.until_ms - stop.from_ms for stop in stops if until_ms is None or stop.until_ms <= until_ms
    )
    if until_ms is None:
        return Wait(-start_ms - stopped_ms, 1)
    return Wait(max(0, until_ms - start_ms - stopped_ms))


def _for_applicant(case: Case, over_ms: int | None) -> Iterator[Wait]:
    yield from (Wait(stop.until_ms - stop.from_ms) for stop in case.stops)
    if case.asked_ms is not None:
        yield Wait(-case.asked_ms, 1) if over_ms is None else Wait(over_ms - case.asked_ms)
    if case.state == kinds.OFFERED and case.offer_until_ms is not None:
        yield Wait(-(case.history[-1].at_ms if case.history else case.at_ms), 1)
