"""How long a case took, and who it waited for: times of one case, which add up over many.

Rules:
- A case waits for each party of its rule. An agency's time runs from its receipt (without one, from the
  opening) to its first answer, without the time when its question was open.
- It waits for the applicant while a question to it is open, and while it can take a seat.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def waits(case: Case) -> dict[str, Wait]:
    """How long a case has waited for each party. A party that it did not wait for is left out."""
    over_ms = ended_ms(case)
    found = {party: wait for party in case.parties if (wait := _for_party(case, party, over_ms)) != Wait()}
    asked = list(_for_applicant(case))
    if asked:
        found[APPLICANT] = Wait(sum(part.ms for part in asked), sum(part.running for part in asked))
    return found


def answers(case: Case) -> dict[str, int]:
    """How long each party took that has answered, in milliseconds."""
    answered = (party for party in case.parties if answered_ms(case, party) is not None)
    return {party: _for_party(case, party, ended_ms(case)).ms for party in answered}


def whole_ms(case: Case) -> int | None:
    """How long a case took, from opening to determination, in milliseconds; None of an open one."""
    over_ms = ended_ms(case)
    return None if over_ms is None else over_ms - case.at_ms


def ended_ms(case: Case) -> int | None:
    """When a case was determined; None of one that is open, also if it is open again."""
    return case.determined_ms if case.state == kinds.DETERMINED else None


def answered_ms(case: Case, party: str) -> int | None:
    """When a party first said something that counts."""
    return next(
        (said.at_ms for said in case.history if said.agency == party and said.position != "ask"), None
    )


def _for_party(case: Case, party: str, over_ms: int | None) -> Wait:
    timer = case.clocks.get(party)
    start_ms = timer.started_ms if timer is not None and timer.receipt is not None else case.at_ms
    asked_ms = timer.asked_ms if timer is not None else None
    ends = [at_ms for at_ms in (answered_ms(case, party), asked_ms, over_ms) if at_ms is not None]
    until_ms = min(ends, default=None)
    stops = timer.stops if timer is not None else ()
    stopped_ms = sum(
        stop.until_ms - stop.from_ms for stop in stops if until_ms is None or stop.until_ms <= until_ms
    )
    if until_ms is None:
        return Wait(-start_ms - stopped_ms, 1)
    return Wait(max(0, until_ms - start_ms - stopped_ms))


def _for_applicant(case: Case) -> Iterator[Wait]:
    yield from (Wait(stop.until_ms - stop.from_ms) for stop in case.stops)
    if case.asked_ms is not None:
        yield Wait(-case.asked_ms, 1)
    if case.state == kinds.OFFERED and case.offer_until_ms is not None:
        yield Wait(-(case.history[-1].at_ms if case.history else case.at_ms), 1)
