"""What a plan leads to if it is applied, stage by stage and in words; and what is to be agreed after that.

Rules:
- It is read off the drafts that applying the plan would append, and off the state. Nothing is decided again.
- Grants go on under the terms by which they are held. A stage under new terms admits no one until these are
  agreed and it is open again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sluicegate.acts.changes import PlanChange, PlanEffect, PlanOutline, StageOutline, TermsToAgree
from sluicegate.acts.releases import PlanReceipt
from sluicegate.core.lifecycle import digests
from sluicegate.core.lifecycle.state import State
from sluicegate.core.terms import requirement_phrases
from sluicegate.core.terms.nearest import nearest
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import CaseOpened
from sluicegate_record.law.successions import takes
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.plan import Plan, Stage
from sluicegate_record.terms.requirements import Adopted, Attested, EvaluationTime, Hold
from sluicegate_record.terms.text import counted

Opens = Literal["officer", "itself", "asked"]
_OPENED = {
    "officer": "an officer opens it{again}",
    "itself": "it opens{again} by itself once all that it requires holds",
    "asked": "agencies agree to its opening, when an officer asks them{again}",
}


def opens(stage: Stage) -> Opens:
    """Who opens a stage once its terms are agreed."""
    if stage.opens_when is None:
        return "officer"
    return "itself" if stage.agreed_by is None else "asked"


def to_agree(state: State, given: Plan, drafts: Sequence[Draft]) -> tuple[TermsToAgree, ...]:
    """The terms of a plan that agencies have to agree to, in cases of these drafts or in open ones."""
    return tuple(_to_agree(state, given, drafts))


def _to_agree(state: State, given: Plan, drafts: Sequence[Draft]) -> Iterator[TermsToAgree]:
    new = {each.body.question.terms: each.stream for each in drafts if isinstance(each.body, CaseOpened)}
    for name, terms in given.terms.items():
        stage = given.stages[name]
        if terms in new:
            awaiting = tuple(sorted(quorum.parties_of(kinds.rule_of(kinds.TERMS, given, stage))))
            yield TermsToAgree(stage=name, case=new[terms], awaiting=awaiting, opens=opens(stage))
            continue
        for case in map(state.cases.__getitem__, state.record.asked.get(terms, ())):
            if case.state != kinds.DETERMINED:
                awaiting = state.docket.heading(case.id).awaiting
                yield TermsToAgree(stage=name, case=case.id, awaiting=awaiting, opens=opens(stage))


def outline(given: Plan) -> PlanOutline:
    """A plan in short."""
    return PlanOutline(
        models=tuple(model.id for model in given.spec.models),
        surfaces=given.spec.surfaces,
        agencies=tuple(sorted(given.spec.agencies)),
        programmes=given.spec.programmes,
        evaluations=given.spec.evaluations,
        designations=given.spec.designations,
        scrutiny=given.spec.scrutiny,
        stages=tuple(_outlined(given, stage) for stage in given.spec.stages),
    )


def _outlined(given: Plan, stage: Stage) -> StageOutline:
    asked = () if stage.opens_when is None else stage.opens_when.leaves
    return StageOutline(
        stage=stage.name,
        audience=stage.audience.kind,
        programme=given.programme_of(stage),
        seats=stage.seats,
        mode=stage.admission.mode,
        rule=stage.admission.grant,
        requires=tuple(map(requirement_phrases.required, asked)),
        opens=opens(stage),
        listed=len(given.listed(stage)),
        conditions=stage.conditions,
        exposure=stage.exposure,
        ramp=stage.ramp,
        takes=tuple(stage.grants),
    )


@dataclass(frozen=True, slots=True)
class _Preview:
    """What the effects of a plan are read off.

    `live` counts the grants of each stage, `ended` its applications that end.
    """

    state: State
    before: Release | None
    given: Plan
    done: PlanReceipt
    live: Counter[str]
    ended: Counter[str]


def effects(state: State, given: Plan, done: PlanReceipt) -> Iterator[PlanEffect]:
    """What a plan leads to. `done` is what applying it would answer."""
    name = given.metadata.name
    granted = (state.grants[each] for each in state.granted.of("release", name))
    ending = (state.cases[each] for each in done.superseded)
    preview = _Preview(
        state,
        state.releases.get(name),
        given,
        done,
        Counter(each.stage for each in granted if each.is_live),
        Counter(each.question.stage for each in ending if each.kind == kinds.ADMISSION),
    )
    yield from _of_release(preview)
    for stage in given.spec.stages:
        yield from _of_stage(preview, stage)
    for stage in preview.before.plan.spec.stages if preview.before is not None else ():
        if stage.name not in given.stages:
            yield _removed(preview, stage)
    for stage_name in done.retargeted:
        yield PlanEffect(stage=stage_name, what="target", words=_TARGET)
    yield from _doubts(state, given)


_TARGET = "its target date was promised, so this plan needs a reason: 'sluicegate apply FILE --reason REASON'"


def _of_release(preview: _Preview) -> Iterator[PlanEffect]:
    before, spec = preview.before, preview.given.spec
    if before is None:
        return
    live, held = preview.live.total(), before.plan.spec
    models = [each.id for each in held.models if each.id not in {model.id for model in spec.models}]
    if models:
        lose = f"{counted(live, 'grant')} of this release {'loses' if live == 1 else 'lose'} them at once"
        said = f"no longer offered to anyone: {', '.join(models)}; {lose}"
        yield PlanEffect(stage=None, what="models", words=said, grants=live)
    surfaces = [each for each in held.surfaces if each not in spec.surfaces]
    if surfaces:
        said = f"no one applies for {', '.join(surfaces)} any more; grants there go on under their terms"
        yield PlanEffect(stage=None, what="surfaces", words=said, grants=live)
    if held.announced and not spec.announced:
        said = "to everyone who is not admitted, its models do not exist any more"
        yield PlanEffect(stage=None, what="hidden", words=said)


def _of_stage(preview: _Preview, stage: Stage) -> Iterator[PlanEffect]:
    name, before, done = stage.name, preview.before, preview.done
    new, old = done.terms_digests[name], None if before is None else before.own_terms.get(name)
    agree, live = tuple(sorted(preview.given.agencies_of(stage))), preview.live[name]
    agreeing = f"{_listed(agree)} {'agrees' if len(agree) == 1 else 'agree'} to its terms"
    if old is None:
        opened = _OPENED[opens(stage)].format(again="")
        words = f"a new stage: once {agreeing}, {opened}{_taken_over(preview, stage)}"
        yield PlanEffect(stage=name, what="new", words=words, agree=agree, becoming=_becoming(preview, stage))
    elif old != new and name in done.tightened:
        words = f"its terms are only stricter: no new agreement is needed{_rest(preview, name)}"
        ended = preview.ended[name]
        yield PlanEffect(stage=name, what="tightened", words=words, superseded=ended, grants=live)
    elif old != new:
        yield _reopened(preview, stage, agreeing)


def _reopened(preview: _Preview, stage: Stage, agreeing: str) -> PlanEffect:
    name, before, live = stage.name, preview.before, preview.live[stage.name]
    because = tuple(because_of(name, preview.done.loosened.get(name, ()), preview.done.changes))
    is_open = before is not None and before.terms[name] in preview.state.table.open_terms
    stays = is_open and stage.is_for_everyone and _serves_everyone(preview, name)
    opened = _OPENED[opens(stage)].format(again=" again" if is_open else "")
    then = f"the stage {'closes' if is_open else 'stays closed'} until {agreeing}, and {opened}"
    if stays:
        then = f"everyone goes on under the terms by which it is open, until {agreeing}, and {opened}"
    verb = "reopen" if len(because) > 1 else "reopens"
    return PlanEffect(
        stage=name,
        what="reopened",
        words=f"{_listed(because) or 'this plan'} {verb} the terms of {name}: {then}{_rest(preview, name)}"
        + _taken_over(preview, stage),
        because=because,
        agree=tuple(sorted(preview.given.agencies_of(stage))),
        closes=is_open and not stays,
        superseded=preview.ended[name],
        grants=live,
        becoming=_becoming(preview, stage),
    )


def _becoming(preview: _Preview, stage: Stage) -> int:
    """How many grants of earlier stages become part of a stage when it opens; of a list, at most."""
    given, state = preview.given, preview.state
    found = (state.grants[each] for each in state.granted.of("release", given.metadata.name))
    return sum(each.is_live and takes(given, stage, each) for each in found)


def _taken_over(preview: _Preview, stage: Stage) -> str:
    count = _becoming(preview, stage)
    from_ = _listed(tuple(stage.grants))
    become = "becomes" if count == 1 else "become"
    most = "at most " if stage.audience.is_listed else ""
    return f"; when it opens, {most}{counted(count, 'grant')} of {from_} {become} part of it" if count else ""


def _serves_everyone(preview: _Preview, stage: str) -> bool:
    """Whether a stage is open for everyone now."""
    row = preview.state.table.audiences.get(preview.given.metadata.name)
    return row is not None and row.asked.stage == stage


def _rest(preview: _Preview, stage: str) -> str:
    """What happens to the applications and grants of a stage."""
    ended, live = preview.ended[stage], preview.live[stage]
    said = ""
    if ended:
        said += f"; {counted(ended, 'open application')} {'ends' if ended == 1 else 'end'} as superseded"
    if live:
        said += (
            f"; {counted(live, 'grant')} {'goes on under its' if live == 1 else 'go on under their'} terms"
        )
    return said


def _removed(preview: _Preview, stage: Stage) -> PlanEffect:
    name, live = stage.name, preview.live[stage.name]
    words = f"the stage is not in this plan any more{_rest(preview, name)}"
    if _serves_everyone(preview, name):
        words += "; all who have only an account are refused at once"
    if live:
        taking = [each.name for each in preview.given.spec.stages if name in each.grants]
        words += f", until {_listed(taking)} opens" if taking else _WITHOUT_STAGE.format(name)
    return PlanEffect(stage=name, what="removed", words=words, superseded=preview.ended[name], grants=live)


_WITHOUT_STAGE = (
    ", each until its end, without a renewal. Another stage takes them over with "
    "'grants: {{{0}: {{become: …}}}}' there"
)


def because_of(stage: str, fields: Iterable[str], found: Sequence[PlanChange]) -> Iterator[str]:
    """What a change of fields of a stage's terms does, such as `raising seats`."""
    for field in fields:
        at = (f"spec.stages[{stage}].{field}", f"spec.{field}")
        yield f"{_verb([each for each in found if _is_within(each.field, at)])} {_NAMES.get(field, field)}"


_NAMES = {
    "opensWhen": "what it requires",
    "leaseMs": "the lease",
    "agencies": "the agencies that are heard",
}


def _is_within(field: str, at: Sequence[str]) -> bool:
    return any(field == each or field.startswith((f"{each}.", f"{each}[")) for each in at)


def _verb(found: Sequence[PlanChange]) -> str:
    if not found:
        return "changing"
    if all(each.before is None for each in found):
        return "adding"
    if all(each.after is None for each in found):
        return "leaving out"
    only = found[0]
    if len(found) == 1 and type(only.before) is int and type(only.after) is int:
        return "raising" if only.after > only.before else "lowering"
    return "changing"


def _doubts(state: State, given: Plan) -> Iterator[PlanEffect]:
    """Words of a plan that are well-formed and that this log does not know."""
    spec, own = given.spec, {model.id for model in given.spec.models}
    known = own | state.table.offers.keys()
    fallback = None if spec.on_refusal is None else spec.on_refusal.fallback_model
    if fallback is not None and fallback not in known:
        said = f"the fallback {fallback!r} is no model of a release here{_meant(fallback, known - own)}"
        yield PlanEffect(stage=None, what="doubt", words=f"{said}: it answers no one")
    for agency, models in spec.directs.items():
        for model in models:
            if model not in known:
                said = (
                    f"{agency} directs {model!r}, which is no model of a release here{_meant(model, known)}"
                )
                yield PlanEffect(stage=None, what="doubt", words=said)
    unstated = digests.unstated(state, given)
    if unstated:
        said = f"no statement says yet that these weights and safeguards serve {_listed(unstated)}: under "
        first = f"sluicegate deployment sign {given.metadata.name} --key KEY"
        words = f"{said}these terms no one is answered before '{first}'"
        yield PlanEffect(stage=None, what="doubt", words=words)
    for stage in spec.stages:
        for party in sorted(_unsigned(state, stage)):
            said = (
                f"{party} must sign before it opens, and has no pinned key: add its first public key to the "
            )
            yield PlanEffect(stage=stage.name, what="doubt", words=said + "trust file")


def _meant(word: str, known: Iterable[str]) -> str:
    near = nearest(word, known)
    return f" (did you mean {near!r}?)" if near else ""


def _unsigned(state: State, stage: Stage) -> set[str]:
    """The parties without a key, that must sign for what a stage requires."""
    found: set[str] = set()
    for each in () if stage.opens_when is None else stage.opens_when.leaves:
        if isinstance(each, Adopted | Attested | EvaluationTime):
            named = quorum.parties_of(each.by)
            if not quorum.satisfied(each.by, named & state.parties):
                found |= named - state.parties
        elif isinstance(each, Hold) and each.hold.by not in state.parties:
            found.add(each.hold.by)
    return found


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)
