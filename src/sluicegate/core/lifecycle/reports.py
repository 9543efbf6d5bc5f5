"""What the casework adds up to: counts, times, and who was waited for. Pure functions of a state.

Rules:
- Days are elapsed time of 86,400 s, with two decimals.
- A day counts for the party that the case waited for (`waits`). A case may wait for several parties at once.
- A report adds up sections of the docket, which keep what they come to. So it costs as much with many cases
  as with few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from sluicegate.acts.reports import (
    AgencyDays,
    CaseCount,
    CaseReport,
    KeyShortage,
    KindDays,
    PartyWait,
    PromiseCount,
    RequirementDelay,
)
from sluicegate.core.lifecycle import signers, waits
from sluicegate.core.lifecycle.docket import Heading, Section
from sluicegate.core.lifecycle.lengths import PooledLengths
from sluicegate.core.lifecycle.state import State
from sluicegate.core.lifecycle.waits import Wait
from sluicegate.core.terms import clocks
from sluicegate_record.entities.promise import BROKEN, KEPT, OPEN, VOID, Promise
from sluicegate_record.entities.release import Release
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms import kinds


class Totals:
    """What some sections of a docket add up to. Requires: they do not change meanwhile."""

    def __init__(self, sections: Iterable[tuple[Heading, Section]], now_ms: int) -> None:
        self.at_ms = now_ms
        self.counts: Counter[tuple[str, str]] = Counter()
        """Cases, by kind and state or outcome."""
        self.transcribed: Counter[tuple[str, str]] = Counter()
        """Those of them in which officers wrote down the word of an agency."""
        self.answers: dict[str, PooledLengths] = {}
        """How long each party took that answered itself."""
        self.whole: dict[str, PooledLengths] = {}
        """How long determined cases took, by kind."""
        self.waits: dict[str, tuple[int, Wait]] = {}
        """How many cases waited for each party, and for how long together."""
        for heading, section in sections:
            self._add(heading, section)

    def _add(self, heading: Heading, section: Section) -> None:
        counted = heading.kind, heading.outcome or heading.standing
        self.counts[counted] += len(section.cases)
        self.transcribed[counted] += section.transcribed
        self.whole.setdefault(heading.kind, PooledLengths()).add(section.whole)
        for party, took in section.answers.items():
            self.answers.setdefault(party, PooledLengths()).add(took)
        for party, cases, wait in section.waited(self.at_ms):
            before, total = self.waits.get(party, (0, Wait()))
            self.waits[party] = before + cases, total.plus(*wait)


def report(
    totals: Totals,
    lacking: Iterable[KeyShortage],
    required: Iterable[RequirementDelay],
    size: int,
    made: Iterable[Promise] = (),
) -> CaseReport:
    """The report over some cases, with what keys they lack, the requirements of some stages, and promises."""
    return CaseReport(
        size=size,
        at_ms=totals.at_ms,
        counts=tuple(_counts(totals)),
        agencies=tuple(
            AgencyDays(
                agency=party,
                cases=len(took),
                mean=_mean(took.total_ms, len(took)),
                median=_days(took.median_ms),
            )
            for party, took in sorted(totals.answers.items())
            if took
        ),
        overall=tuple(
            KindDays(
                kind=kind, cases=len(took), mean=_mean(took.total_ms, len(took)), median=_days(took.median_ms)
            )
            for kind in kinds.KINDS
            if (took := totals.whole.get(kind))
        ),
        waiting=tuple(
            PartyWait(
                for_=party,
                cases=cases,
                days=_days(wait.at(totals.at_ms)),
                mean=_mean(wait.at(totals.at_ms), cases),
            )
            for party, (cases, wait) in sorted(totals.waits.items())
            if cases
        ),
        cannot_sign=tuple(lacking),
        requirements=tuple(required),
        promises=tuple(_promises(made)),
    )


def shortages(state: State, sections: Iterable[tuple[Heading, Section]]) -> list[KeyShortage]:
    """The agencies that have too few keys to answer in some cases, oldest case first."""
    cases = (case for heading, section in sections if heading.unable for case in section.cases)
    return [
        KeyShortage(case=case.id, agency=agency, owners=signers.needed(case, agency), why=why)
        for case in sorted(cases, key=lambda case: case.seq)
        for agency, why in signers.shortages(state.record, case)
    ]


def requirements(state: State, now_ms: int) -> list[RequirementDelay]:
    """What the stages of each release wait for, and for how long."""
    return [row for release in state.releases.values() for row in _requirements(state, release, now_ms)]


def _counts(totals: Totals) -> Iterator[CaseCount]:
    order = [*kinds.STATES, *kinds.OUTCOMES]
    known = list(kinds.KINDS)
    rows = sorted(totals.counts.items(), key=lambda item: (known.index(item[0][0]), order.index(item[0][1])))
    return (
        CaseCount(kind=kind, state=state, cases=count, transcribed=totals.transcribed[kind, state])
        for (kind, state), count in rows
    )


def _promises(made: Iterable[Promise]) -> Iterator[PromiseCount]:
    counted: dict[str, Counter[str]] = {}
    for each in made:
        own = counted.setdefault(each.party, Counter())
        own.update(["made", each.state, *(["late"] if each.state == KEPT and each.broken_ms else [])])
    for party, own in sorted(counted.items()):
        yield PromiseCount(
            party=party,
            made=own["made"],
            open=own[OPEN],
            kept=own[KEPT],
            late=own["late"],
            broken=own[BROKEN],
            void=own[VOID],
        )


def _days(ms: float) -> float:
    return round(ms / DAY_MS, 2)


def _mean(total_ms: int, cases: int) -> float:
    return _days(total_ms / cases)


def _requirements(state: State, release: Release, now_ms: int) -> list[RequirementDelay]:
    """How long each requirement of each stage has delayed its opening:
    the requirements that are cases, in order.
    """
    rows = []
    asked = [*state.docket.newest(lambda each: each.kind in _REQUIREMENTS and each.release == release.name)][
        ::-1
    ]
    for stage, terms in release.terms.items():
        about = [case for case in asked if case.question.terms == terms]
        for case in about:
            over_ms = waits.ended_ms(case)
            until_ms = now_ms if over_ms is None else over_ms
            rows.append(
                RequirementDelay(
                    release=release.name,
                    stage=stage,
                    requirement=_REQUIREMENTS[case.kind],
                    case=case.id,
                    met=case.outcome in kinds.GRANTED,
                    days=round(clocks.days_waited(case.at_ms, until_ms), 2),
                )
            )
        agreed_ms = max((case.determined_ms or now_ms for case in about), default=None)
        if agreed_ms is not None:
            opened_ms = state.record.opened.get(terms)
            rows.append(
                RequirementDelay(
                    release=release.name,
                    stage=stage,
                    requirement="an officer's opening",
                    case=None,
                    met=opened_ms is not None,
                    days=round(max(0.0, clocks.days_waited(agreed_ms, opened_ms or now_ms)), 2),
                )
            )
    return rows


_REQUIREMENTS = {kinds.TERMS: "terms agreed", kinds.OPENING: "agreedBy"}
