"""What the casework adds up to: counts, times, and who was waited for. Pure functions of a state.

Rules:
- Days are elapsed time of 86,400 s, with two decimals.
- A day counts for the party that the case waited for. An agency's days run from its receipt (without one,
  from the opening) to its answer, without the time when its question was open. That time counts for the
  applicant. A case may wait for several parties at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import fmean, median

from sluicegate.acts.reports import (
    AgencyDays,
    CaseCount,
    CaseReport,
    KeyShortage,
    KindDays,
    PartyWait,
    RequirementDelay,
)
from sluicegate.core.lifecycle import signers
from sluicegate.core.lifecycle.state import State
from sluicegate.core.terms import clocks
from sluicegate_record.entities.case import Case, Span
from sluicegate_record.entities.release import Release
from sluicegate_record.terms import kinds


def report(
    cases: Iterable[Case],
    lacking: Iterable[KeyShortage],
    required: Iterable[RequirementDelay],
    size: int,
    now_ms: int,
) -> CaseReport:
    """The report over some cases, with what keys they lack, and the requirements of some stages."""
    seen = list(cases)
    return CaseReport(
        size=size,
        at_ms=now_ms,
        counts=tuple(_counts(seen)),
        agencies=tuple(
            AgencyDays(agency=party, cases=len(days), mean=_mean(days), median=_median(days))
            for party, days in sorted(_answered(seen).items())
        ),
        overall=tuple(
            KindDays(kind=kind, cases=len(days), mean=_mean(days), median=_median(days))
            for kind in kinds.KINDS
            if (days := _whole(seen, kind))
        ),
        waiting=tuple(
            PartyWait(for_=party, cases=len(days), days=round(sum(days), 2), mean=_mean(days))
            for party, days in sorted(_waits(seen, now_ms).items())
        ),
        cannot_sign=tuple(lacking),
        requirements=tuple(required),
    )


def shortages(state: State, cases: Iterable[Case]) -> list[KeyShortage]:
    """The agencies that have too few keys to answer in some cases."""
    return [
        KeyShortage(case=case.id, agency=agency, owners=signers.needed(case, agency), why=why)
        for case in cases
        for agency, why in signers.shortages(state.record, case)
    ]


def requirements(state: State, now_ms: int) -> list[RequirementDelay]:
    """What the stages of each release wait for, and for how long."""
    return [row for release in state.releases.values() for row in _requirements(state, release, now_ms)]


def waited(case: Case, now_ms: int) -> dict[str, float]:
    """How many days a case has waited for each party so far. A party with no days is left out."""
    end_ms = case.determined_ms if case.determined_ms is not None and not _is_open(case) else now_ms
    found: dict[str, float] = {}
    for party in sorted(case.parties):
        clock, said = case.clocks.get(party), _answer_ms(case, party)
        start_ms = clock.started_ms if clock is not None and clock.receipt is not None else case.at_ms
        stops = [*clock.stops] if clock is not None else []
        if clock is not None and clock.asked_ms is not None:
            stops.append(Span(clock.asked_ms, now_ms))
        stopped = sum(clocks.days_waited(*stop) for stop in stops)
        days = clocks.days_waited(start_ms, min(said if said is not None else end_ms, end_ms)) - stopped
        if days > 0:
            found[party] = days
    asked = [*case.stops]
    if case.asked_ms is not None:
        asked.append(Span(case.asked_ms, now_ms))
    if case.state == kinds.OFFERED and case.offer_until_ms is not None:
        asked.append(Span(case.history[-1].at_ms if case.history else case.at_ms, now_ms))
    if asked:
        found["applicant"] = sum(clocks.days_waited(*stop) for stop in asked)
    return found


def _is_open(case: Case) -> bool:
    return case.state != kinds.DETERMINED


def _answer_ms(case: Case, party: str) -> int | None:
    """When a party first said something that counts."""
    return next(
        (said.at_ms for said in case.history if said.agency == party and said.position != "ask"), None
    )


def _counts(seen: list[Case]) -> list[CaseCount]:
    counted = Counter((case.kind, case.outcome or case.standing) for case in seen)
    order = [*kinds.STATES, *kinds.OUTCOMES]
    rows = sorted(
        counted.items(), key=lambda item: (list(kinds.KINDS).index(item[0][0]), order.index(item[0][1]))
    )
    return [CaseCount(kind=kind, state=state, cases=count) for (kind, state), count in rows]


def _answered(seen: list[Case]) -> dict[str, list[float]]:
    """Days from an agency's receipt (without one, from the opening) to its answer, by agency."""
    found: dict[str, list[float]] = {}
    for case in seen:
        for party in case.parties:
            if _answer_ms(case, party) is not None:
                end_ms = case.determined_ms or case.history[-1].at_ms
                days = waited(case, end_ms).get(party, 0.0)
                found.setdefault(party, []).append(days)
    return found


def _whole(seen: list[Case], kind: str) -> list[float]:
    return [
        clocks.days_waited(case.at_ms, case.determined_ms)
        for case in seen
        if case.kind == kind and case.determined_ms is not None and not _is_open(case)
    ]


def _mean(days: list[float]) -> float:
    return round(fmean(days), 2)


def _median(days: list[float]) -> float:
    return round(median(days), 2)


def _waits(seen: list[Case], now_ms: int) -> dict[str, list[float]]:
    """How many days each case has waited for a party, by party."""
    found: dict[str, list[float]] = {}
    for case in seen:
        for party, days in waited(case, now_ms).items():
            found.setdefault(party, []).append(days)
    return found


def _requirements(state: State, release: Release, now_ms: int) -> list[RequirementDelay]:
    """How long each requirement of each stage has delayed its opening:
    the requirements that are cases, in order.
    """
    rows = []
    for stage, terms in release.terms.items():
        about = [
            case
            for case in state.cases.values()
            if case.kind in _REQUIREMENTS
            and case.question.release == release.name
            and case.question.terms == terms
        ]
        for case in about:
            until_ms = case.determined_ms if case.determined_ms is not None and not _is_open(case) else now_ms
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
