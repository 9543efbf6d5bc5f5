"""One release on one screen, for those who may know of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from sluicegate.acts import outlook as acts
from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.outlook import ActiveDirective, ReleaseOutlook, StageEvent
from sluicegate.acts.releases import ReleaseArgument
from sluicegate.core.explanations import narration
from sluicegate.core.lifecycle import Refusal, State, evidence, outlook
from sluicegate.core.lifecycle.docket import Heading, first_due
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.core.lifecycle.trail import TURN, stage_name
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.cases import listed_now, summaries
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate.service.promises import standing
from sluicegate.service.releases import status_of
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Entry
from sluicegate_record.entries.releases import StageClosed
from sluicegate_record.terms import kinds

CASES_MAX = 50
TURNS_MAX = 50
"""How many of the newest openings and closings of a stage its time line has."""


@does(acts.SHOW)
def show(context: Context[ReleaseOutlook], asked: ReleaseArgument) -> ReleaseOutlook | Refusal:
    """A release: each stage, what runs, and what probably comes next.

    An agency sees the cases that ask it, an applicant its own. The forecast rests on the cases that its
    reader sees; an applicant's on none.
    """
    ledger, reader = context.ledger, context.principal
    turned = _turned(ledger, asked.release)
    with ledger.reading() as state:
        release = state.releases.get(asked.release)
        if release is None or not access.known(reader, state, ledger.directs)(release):
            return release_unknown(asked.release)
        now_ms = ledger.now_ms()
        found = _open_cases(state, release, reader)
        forecast = outlook.forecast(state, release, _answers(state, reader), now_ms)
        stages = release.plan.spec.stages
        shown = [listed_now(state, each) for each in islice(found.by_due, CASES_MAX)]
        answer = partial(
            ReleaseOutlook,
            size=state.size,
            at_ms=now_ms,
            status=status_of(context, state, release, now_ms),
            timeline=tuple(
                outlook.course(state, release, each, forecast, turned.get(each.name, ())) for each in stages
            ),
            open_cases=found.number,
            directives=tuple(_directives(state, release)),
            promises=standing(ledger, state, reader, release.name),
            forecast=forecast,
            evidence=tuple(evidence.weighed(state, release)),
            plan=release.plan if reader.role == DEVELOPER else None,
        )
    return answer(cases=tuple(summaries(ledger, shown)))


class _OpenCases(NamedTuple):
    """How many open cases there are, and which: by the time that runs out first."""

    number: int
    by_due: Iterable[Case]


def _open_cases(state: State, release: Release, reader: Principal) -> _OpenCases:
    """The open cases of a release that a reader sees; one from outside sees its own at most."""
    if access.is_outside(reader):
        own = (state.cases[name] for name in state.cases_of.get(reader.id, ()))
        here = (each for each in own if each.question.release == release.name and access.sees(reader, each))
        found = sorted((each for each in here if each.state != kinds.DETERMINED), key=first_due)
        return _OpenCases(len(found), found)

    def is_wanted(heading: Heading) -> bool:
        return heading.is_open and heading.release == release.name and access.sees_some(reader, heading)

    names = state.docket.by_due(is_wanted)
    return _OpenCases(state.docket.count(is_wanted), map(state.cases.__getitem__, names))


def _answers(state: State, reader: Principal) -> outlook.Answers:
    """How long agencies took in the cases of all releases that a reader sees."""
    if access.is_outside(reader):
        return {}
    sections = state.docket.sections.items()
    return outlook.answers((heading, each) for heading, each in sections if access.sees_some(reader, heading))


def _turned(ledger: Ledger, release: str) -> dict[str, tuple[StageEvent, ...]]:
    """When stages opened and closed, by stage: the entries have it, which are read while no one waits."""
    with ledger.reading() as state:
        known = state.releases.get(release)
        names = known.terms if known is not None else ()
        places = {each: state.trail.of(TURN, stage_name(release, each), TURNS_MAX) for each in names}
    return {
        name: tuple(turn(entry) for seq in seqs for entry in ledger.entries(seq, seq + 1))
        for name, seqs in places.items()
    }


def turn(entry: Entry) -> StageEvent:
    """The opening or closing of a stage, as its time line has it."""
    if isinstance(entry.body, StageClosed):
        why = entry.body.reason or narration.lost(entry.body)
        return StageEvent(at_ms=entry.at_ms, what="closed", comes=False, text=why, entry=entry.seq)
    return StageEvent(at_ms=entry.at_ms, what="opened", comes=False, entry=entry.seq)


def _directives(state: State, release: Release) -> Iterator[ActiveDirective]:
    models = {model.id for model in release.plan.spec.models}
    for name in sorted(state.table.directives):
        found = state.directives[name]
        about = tuple(each for each in found.document.spec.models if each in models)
        if about:
            spec = found.document.spec
            yield ActiveDirective(
                directive=name, action=spec.action, models=about, covers=spec.covers, since_ms=found.at_ms
            )
