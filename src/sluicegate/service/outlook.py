"""One release on one screen, for those who may know of it."""

from __future__ import annotations

from collections.abc import Iterator

from sluicegate.acts import outlook as acts
from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.outlook import ActiveDirective, ReleaseOutlook
from sluicegate.acts.releases import ReleaseArgument
from sluicegate.core.explanations import narration
from sluicegate.core.lifecycle import Refusal, State, evidence, outlook
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate.service.promises import standing
from sluicegate.service.releases import status_of
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.release import Release
from sluicegate_record.entries.releases import StageClosed
from sluicegate_record.terms import kinds

CASES_MAX = 50


@does(acts.SHOW)
def show(context: Context[ReleaseOutlook], asked: ReleaseArgument) -> ReleaseOutlook | Refusal:
    """A release: each stage, what runs, and what probably comes next.

    An agency sees the cases that ask it, an applicant its own. The forecast rests on the cases that its
    reader sees; an applicant's on none.
    """
    ledger, reader = context.ledger, context.principal
    why = _reasons(ledger, asked.release)
    with ledger.reading() as state:
        release = state.releases.get(asked.release)
        if release is None or not access.known(reader, state, ledger.directs)(release):
            return release_unknown(asked.release)
        now_ms = ledger.now_ms()
        cases = _open_cases(state, release, reader)
        forecast = outlook.forecast(state, release, _answers(state, reader), now_ms)
        stages = release.plan.spec.stages
        return ReleaseOutlook(
            size=state.size,
            at_ms=now_ms,
            status=status_of(context, state, release, now_ms),
            timeline=tuple(outlook.course(state, release, each, forecast, why) for each in stages),
            open_cases=len(cases),
            cases=tuple(outlook.clocked(state, cases)[:CASES_MAX]),
            directives=tuple(_directives(state, release)),
            promises=standing(ledger, state, reader, release.name),
            forecast=forecast,
            evidence=tuple(evidence.weighed(state, release)),
            plan=release.plan if reader.role == DEVELOPER else None,
        )


def _open_cases(state: State, release: Release, reader: Principal) -> list[Case]:
    """The open cases of a release that a reader sees; one from outside sees its own at most."""
    if not access.is_outside(reader):
        return [each for each in state.docket.open_cases(release.name) if access.sees(reader, each)]
    own = (state.cases[name] for name in state.cases_of.get(reader.id, ()))
    here = (each for each in own if each.question.release == release.name and access.sees(reader, each))
    return [each for each in here if each.state != kinds.DETERMINED]


def _answers(state: State, reader: Principal) -> outlook.Answers:
    """How long agencies took in the cases of all releases that a reader sees."""
    if access.is_outside(reader):
        return {}
    sections = state.docket.sections.items()
    return outlook.answers((heading, each) for heading, each in sections if access.sees_some(reader, heading))


def _reasons(ledger: Ledger, release: str) -> dict[str, str]:
    """Why stages closed last, by stage: the entries have it, which are read while no one waits."""
    with ledger.reading() as state:
        known = state.releases.get(release)
        closed = {name: state.record.closing_of(release, name) for name in known.terms} if known else {}
    found = {}
    for name, closing in closed.items():
        for entry in ledger.entries(closing.seq, closing.seq + 1) if closing is not None else ():
            if isinstance(entry.body, StageClosed):
                found[name] = entry.body.reason or narration.lost(entry.body)
    return found


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
