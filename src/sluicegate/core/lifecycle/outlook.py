"""The course of a release: what happened to each stage, what comes, and when the next one probably opens.

Rules:
- Pure functions of a state, a time, and how long agencies took before.
- Where only time is missing, the law's own facts have the moment. What agencies have to say first is expected
  by the median of what each took in the cases that it has answered; the spread is from the shortest to the
  longest.
- Where an agency has no history, or a signature has no time, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from sluicegate.acts.outlook import AgencyHistory, OpeningForecast, StageCourse, StageEvent
from sluicegate.core.lifecycle import stages
from sluicegate.core.lifecycle.docket import Heading, Section
from sluicegate.core.lifecycle.lengths import PooledLengths
from sluicegate.core.lifecycle.state import State
from sluicegate.core.terms import requirement_phrases
from sluicegate.core.times import minute
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.closing import SOUND
from sluicegate_record.entities.release import Release
from sluicegate_record.law.requirements import StageFacts, facts_of
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms import dates, kinds
from sluicegate_record.terms.plan import Stage
from sluicegate_record.terms.requirements import AgreedBy, TermsAgreed
from sluicegate_record.terms.rule import Rule
from sluicegate_record.terms.text import counted


class Spread(NamedTuple):
    """A moment that is expected, and from when to when it may be. Units: milliseconds since 1970 UTC."""

    earliest_ms: int
    at_ms: int
    latest_ms: int


Answers = Mapping[str, PooledLengths]
"""How long each agency took in the cases that it has answered."""


def answers(sections: Iterable[tuple[Heading, Section]]) -> dict[str, PooledLengths]:
    """How long each party took in the cases of some sections that it has answered itself."""
    found: dict[str, PooledLengths] = {}
    for _, section in sections:
        for party, took in section.answers.items():
            found.setdefault(party, PooledLengths()).add(took)
    return found


# The time line


def course(
    state: State,
    release: Release,
    stage: Stage,
    forecast: OpeningForecast | None,
    turns: Sequence[StageEvent],
) -> StageCourse:
    """A stage on the time line. `turns` are its openings and closings, under whatever terms."""
    record, name, terms = state.record, stage.name, release.terms[stage.name]
    open_ms, closing = record.opened.get(terms), record.closing_of(release.name, name)
    is_halted = record.lacking.get(terms, SOUND).then == "halt"
    standing: Literal["open", "halted", "closed", "waits"] = "halted" if is_halted else "open"
    if open_ms is None:
        standing = "closed" if closing is not None and closing.terms else "waits"
    events = sorted(_events(state, release, stage, forecast, turns), key=_when)
    return StageCourse(stage=name, state=standing, events=tuple(events))


def _when(event: StageEvent) -> tuple[int, bool, int]:
    """The order of a time line: what happened before what comes, as the log has it."""
    return event.at_ms, event.entry is None, event.entry or 0


def _events(
    state: State,
    release: Release,
    stage: Stage,
    forecast: OpeningForecast | None,
    turns: Sequence[StageEvent],
) -> Iterator[StageEvent]:
    record, name, terms = state.record, stage.name, release.terms[stage.name]
    for case in _about_terms(state, release.name, name):
        yield StageEvent(at_ms=case.at_ms, what="asked", comes=False, entry=case.seq)
        if case.outcome in kinds.GRANTED and case.determined_ms is not None:
            decided = case.determined_seq
            yield StageEvent(at_ms=case.determined_ms, what="agreed", comes=False, entry=decided)
    yield from turns
    if forecast is not None and forecast.stage == name and forecast.at_ms is not None:
        what: Literal["opens", "expected"] = "opens" if forecast.basis == "time" else "expected"
        yield StageEvent(at_ms=forecast.at_ms, what=what, comes=True)
    if stage.basis.until is not None:
        until_ms = dates.end_ms(stage.basis.until)
        yield StageEvent(
            at_ms=until_ms, what="until", comes=terms not in record.bases, text=stage.basis.until
        )


def _about_terms(state: State, release: str, stage: str) -> Iterator[Case]:
    """The cases about terms of a stage, those in force and earlier ones."""
    for names in state.record.asked.values():
        for case in (state.cases[name] for name in names):
            if (case.question.release, case.question.stage) == (release, stage):
                yield case


# The forecast


class Awaited(NamedTuple):
    """An open case that has to be decided before a stage opens: who it waits for, and since when."""

    kind: str
    since_ms: int
    awaiting: tuple[str, ...]


class _Look(NamedTuple):
    """What a forecast is made of: a stage that is not open, and how long agencies took before."""

    state: State
    release: Release
    stage: Stage
    took: Answers
    now_ms: int
    awaited: tuple[Awaited, ...]

    def facts(self, agreed: Mapping[str, int]) -> ExpectedFacts:
        """The facts about the stage, if its open cases are agreed to at these moments."""
        found = facts_of(self.state.record, self.release.name, self.stage.name, self.now_ms)
        return ExpectedFacts(found, agreed)

    def holds_ms(self, agreed: Mapping[str, int]) -> int | None:
        """When all that the stage requires holds then; of one that an officer opens, its terms."""
        facts = self.facts(agreed)
        return facts.agreed_ms() if self.stage.opens_when is None else facts.holds_ms(self.stage)


class ExpectedFacts(StageFacts):
    """The facts, with the open cases about a stage agreed to at these moments, by kind.

    So requirements in groups, and a soak after an agreement, are asked in the one way that opens stages.
    """

    def __init__(self, facts: StageFacts, agreed: Mapping[str, int]) -> None:
        vars(self).update(vars(facts))
        self._expected = agreed

    def agreed_ms(self) -> int | None:
        """Since when its terms are agreed, or when they are expected to be."""
        known = super().agreed_ms()
        return self._expected.get(kinds.TERMS) if known is None else known

    def agreement_ms(self, rule: Rule) -> int | None:
        """Since when agencies agree to its opening, or when they are expected to."""
        known = super().agreement_ms(rule)
        return self._expected.get(kinds.OPENING) if known is None else known


def forecast(state: State, release: Release, took: Answers, now_ms: int) -> OpeningForecast | None:
    """When the first stage that is not open probably opens; None if every stage is."""
    for name, stage in release.plan.stages.items():
        if state.record.opened.get(release.terms[name]) is None:
            awaited = tuple(_awaited(state, release, stage))
            return _of_stage(_Look(state, release, stage, took, now_ms, awaited))
    return None


def _of_stage(look: _Look) -> OpeningForecast:
    name, took = look.stage.name, look.took
    named = sorted({agency for case in look.awaited for agency in case.awaiting})
    history = tuple(_history(each, took[each]) for each in named if took.get(each))
    certain_ms = stages.opens_ms(look.state.record, look.release.name, name, look.now_ms)
    waits_for = () if certain_ms is not None else tuple(_untimed(look))
    found = None if certain_ms is None else Spread(certain_ms, certain_ms, certain_ms)
    if found is None and not waits_for:
        found = _expected(look)
    basis: Literal["time", "history", "none"] = "none" if found is None else "history"
    if certain_ms is not None:
        basis = "time"
    return OpeningForecast(
        stage=name,
        basis=basis,
        at_ms=None if found is None else found.at_ms,
        earliest_ms=None if found is None else found.earliest_ms,
        latest_ms=None if found is None else found.latest_ms,
        history=history,
        waits_for=waits_for,
        words=_words(look.stage, basis, found, history, waits_for),
    )


def _awaited(state: State, release: Release, stage: Stage) -> Iterator[Awaited]:
    terms, record = release.terms[stage.name], state.record
    for name in (*record.asked.get(terms, ()), *record.openings.get(terms, ())):
        case = state.cases[name]
        if case.state != kinds.DETERMINED:
            yield Awaited(case.kind, case.at_ms, state.docket.heading(name).awaiting)


def _expected(look: _Look) -> Spread | None:
    """When a stage probably opens, and from when to when. Requires: all who are awaited have a history."""
    spreads = {case.kind: _answered(case, look.took, look.now_ms) for case in look.awaited}
    found = [
        look.holds_ms({kind: each[place] for kind, each in spreads.items()})
        for place in range(len(Spread._fields))
    ]
    earliest, at, latest = found
    return None if earliest is None or at is None or latest is None else Spread(earliest, at, latest)


def _answered(case: Awaited, took: Answers, now_ms: int) -> Spread:
    """When all that a case waits for have probably answered: not before now."""
    each = [
        (took[agency].shortest_ms, int(took[agency].median_ms), took[agency].longest_ms)
        for agency in case.awaiting
    ]
    return Spread(*(max(now_ms, *(case.since_ms + ms for ms in place)) for place in zip(*each, strict=True)))


def _untimed(look: _Look) -> Iterator[str]:
    """What a stage waits for without a time: agencies without a history, and what no case asks about."""
    stage = look.stage
    for agency in dict.fromkeys(agency for case in look.awaited for agency in case.awaiting):
        if not look.took.get(agency):
            yield f"{agency} (no history yet)"
    agreed = {case.kind: look.now_ms for case in look.awaited if case.awaiting}
    facts, is_by_hand = look.facts(agreed), stage.opens_when is None
    if facts.agreed_ms() is None:
        yield "the terms, about which no case is open"
    by_officer = facts.closing is not None and stage.agreed_by is None
    if by_officer or (is_by_hand and kinds.TERMS not in agreed):
        recall = facts.recall
        yield f"an officer's 'sluicegate {'stage open' if recall is None else 'release restore'}'"
    if stage.opens_when is None or stage.opens_when.from_ms(facts) is not None:
        return
    for each in stage.opens_when.leaves:
        if each.from_ms(facts) is None and not isinstance(each, TermsAgreed):
            asks = isinstance(each, AgreedBy)
            yield (
                "an officer's 'sluicegate stage open', which asks agencies"
                if asks
                else requirement_phrases.required(each)
            )


def _history(agency: str, took: PooledLengths) -> AgencyHistory:
    return AgencyHistory(
        agency=agency,
        cases=len(took),
        median_ms=int(took.median_ms),
        shortest_ms=took.shortest_ms,
        longest_ms=took.longest_ms,
    )


def _days(ms: int) -> float:
    return round(ms / DAY_MS, 2)


def _words(
    stage: Stage,
    basis: str,
    found: Spread | None,
    history: Sequence[AgencyHistory],
    waits_for: Sequence[str],
) -> str:
    if found is None:
        return f"when {stage.name} opens cannot be said: it waits for {'; '.join(waits_for)}"
    if basis == "time":
        return f"{stage.name} opens by itself on {minute(found.at_ms)}, if nothing more happens"
    by = "; ".join(
        f"{each.agency} took {_days(each.median_ms):g} days in the median of {counted(each.cases, 'case')} "
        f"({_days(each.shortest_ms):g} to {_days(each.longest_ms):g})"
        for each in history
    )
    what = f"{stage.name} is expected to open"
    if stage.opens_when is None:
        what = f"the terms of {stage.name} are expected to be agreed, so that an officer can open it,"
    when = f"{minute(found.at_ms)} (from {minute(found.earliest_ms)} to {minute(found.latest_ms)})"
    return f"{what} on {when}: {by}"
