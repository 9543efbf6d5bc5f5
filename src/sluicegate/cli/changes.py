"""What a plan changes and leads to, as `plan` and `apply` show it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from sluicegate.acts.changes import ChangeGroup, PlanEffect, PlanOutline, StageOutline, TermsToAgree
from sluicegate.acts.releases import ExposureChange, PlanPreview, PlanReceipt
from sluicegate.cli import wording
from sluicegate.core.terms import requirement_phrases
from sluicegate_record.terms import phrases
from sluicegate_record.terms.audience import APPLICANTS, EVALUATORS, RampStep
from sluicegate_record.terms.plan import Scrutiny
from sluicegate_record.terms.programmes import STANDARD, Programme
from sluicegate_record.terms.text import counted

_OPENS = {
    "officer": "then an officer opens it, with 'sluicegate stage open RELEASE STAGE --key KEY'",
    "itself": "then it opens by itself once all that it requires holds",
    "asked": "then an officer asks agencies to agree to its opening, "
    "with 'sluicegate stage open RELEASE STAGE --key KEY'",
}


def preview(found: PlanPreview, file: Path) -> str:
    """What a plan would change, by what it is about, and what it would lead to."""
    doubts = [each for each in found.effects if each.what == "doubt"]
    told = [each for each in found.effects if each.what != "doubt"]
    if not found.changes:
        return "\n".join([f"{found.release}: no change", *map(_about, doubts)])
    if found.outline is not None:
        lines = [f"{found.release}: a new release", *_outlined(found.outline, told)]
    else:
        lines = [f"{found.release}: changes", *_changed(found.groups, told, found.exposure)]
    lines += map(_about, doubts)
    lines += [f"  stage {stage}: {why}" for stage, said in found.unheard.items() for why in said]
    lines += _judged(found)
    if found.outline is None:
        lines.append(f"  {_affected(found)}")
    reason = " --reason WHY" if found.retargeted else ""
    return "\n".join([*lines, f"  put it in force: sluicegate apply {quote(str(file))}{reason}"])


def _judged(found: PlanPreview) -> Iterator[str]:
    """Which scrutiny would hold, and which designations would lead to nothing."""
    if found.scrutiny:
        yield f"  designations hold: in force are the terms of scrutiny {', '.join(found.scrutiny)}"
    for each in found.undesignated:
        what = wording.of_class(each.class_, each.comparable_to)
        yield f"  {each.agency}'s designation of {each.model} as {what} would lead to nothing any more"


def _affected(found: PlanPreview) -> str:
    affected = found.affects
    return (
        f"it concerns {counted(affected.organizations, 'organization')}, "
        f"{counted(affected.grants, 'grant')} (each keeps its terms), and "
        f"{counted(affected.open_applications, 'open application')}"
    )


def _changed(
    groups: Sequence[ChangeGroup], told: Sequence[PlanEffect], exposed: Sequence[ExposureChange]
) -> Iterator[str]:
    """The changes of the release, then those of each stage; what they lead to is below them."""
    named = [*(each.stage for each in groups), *(each.stage for each in told)]
    stages = [None, *dict.fromkeys(stage for stage in named if stage is not None)]
    added = {each.stage for each in told if each.what in {"new", "removed"}}
    for stage in stages:
        own = [each for each in groups if each.stage == stage]
        effects = [each for each in told if each.stage == stage]
        if own or effects:
            yield "  the release" if stage is None else f"  stage {stage}"
        for each in own if stage not in added else ():
            yield from (f"    {line}" for line in _group(each))
        yield from (f"    => {_exposure(each)}" for each in exposed if each.stage == stage)
        yield from (f"    => {each.words}" for each in effects)


def _exposure(change: ExposureChange) -> str:
    """What a stage lets in now beside what it is meant to from now on."""
    after = "no number" if change.after is None else wording.measure(change.measure, change.after)
    return f"it lets in {change.now:,} now, of {after}"


def _group(group: ChangeGroup) -> Iterator[str]:
    """Each change of a group, by the name of the group and what is below it."""
    for each in group.changes:
        below = _below(each.field, group.stage)
        name = below if below.startswith(group.part) else f"{group.part}: {below}"
        yield f"{name}: {_shown(each.before)} -> {_shown(each.after)}"


def _below(field: str, stage: str | None) -> str:
    prefix = "spec." if stage is None else f"spec.stages[{stage}]."
    return field.removeprefix(prefix)


def _outlined(outline: PlanOutline, told: Sequence[PlanEffect]) -> Iterator[str]:
    """A new release in short, and how each stage opens."""
    yield f"  models: {', '.join(outline.models)}"
    yield f"  surfaces: {', '.join(outline.surfaces)}"
    yield f"  agencies: {', '.join(outline.agencies)}"
    yield from (f"  {line}" for line in _judging(outline))
    for concern, programmes in outline.programmes.items():
        named = [_programme(name, each) for name, each in programmes.items() if name != STANDARD]
        yield f"  programmes of {concern}: {', '.join(named) or 'only the standard one'}"
    for stage in outline.stages:
        yield f"  stage {stage.stage}: {_stage(stage)}"
        yield from (f"    requires {each}" for each in stage.requires)
        yield from (f"    {line}" for line in _terms(stage))
        yield from (f"    => {each.words}" for each in told if each.stage == stage.stage)


def _judging(outline: PlanOutline) -> Iterator[str]:
    """What is tested, and who may designate a model, and what follows."""
    for name, each in outline.evaluations.items():
        bounds = {"at least": each.at_least, "at most": each.at_most}
        bound = " and ".join(f"{word} {most}" for word, most in bounds.items() if most is not None)
        by = phrases.rule(each.from_)
        yield f"evaluation {name}: {each.task}, {each.metric} {bound or 'of any value'}, by {by}"
    if outline.designations is None:
        return
    yield f"designations by {' or '.join(outline.designations.by)}"
    for name, class_ in outline.designations.classes.items():
        level = outline.scrutiny.get(class_.scrutiny)
        adds = "" if level is None else f": {'; '.join(_added(level))}"
        yield f"  {name} leads to the scrutiny {class_.scrutiny}{adds}"


def _added(level: Scrutiny) -> Iterator[str]:
    """What a scrutiny level changes in every stage."""
    if level.add_agencies:
        yield f"{' and '.join(level.add_agencies)} must agree, too"
    if level.seats is not None:
        yield f"at most {counted(level.seats, 'seat')}"
    if level.clock is not None:
        yield f"an agency has {counted(level.clock.within, level.clock.unit.removesuffix('s'))}"
    if level.requires is not None:
        yield f"a stage requires {', '.join(map(requirement_phrases.required, level.requires.leaves))}, too"


def _programme(name: str, stated: Programme) -> str:
    asks = f" (asks {wording.asked(stated.asks)})" if stated.asks else ""
    return f"{name}{asks}"


def _terms(stage: StageOutline) -> Iterator[str]:
    """What a stage lets in, under what, and whose grants go on there."""
    conditions = stage.conditions.to_json().items()
    yield from (f"condition {name}: {wording.stated(value)}" for name, value in conditions)
    for name, most in stage.exposure.measures.items():
        yield f"lets in at most {wording.measure(name, most)}"
    if stage.ramp:
        steps = [f"{each.share} per cent" + _lasting(each) for each in stage.ramp]
        yield f"ramp: {', then '.join(steps)}"
    if stage.takes:
        yield f"the grants of {' and '.join(stage.takes)} go on as part of it"


def _lasting(step: RampStep) -> str:
    return "" if step.for_ is None else f" for {phrases.duration(step.for_)}"


def _stage(stage: StageOutline) -> str:
    if stage.programme is not None:
        return f"for the grants that have the programme {stage.programme}"
    if stage.listed:
        named = "evaluator" if stage.audience == EVALUATORS else "listed organization"
        return f"for {counted(stage.listed, named)}, admitted by those who agree to the terms"
    if stage.audience != APPLICANTS:
        return f"for {stage.audience}"
    seats = "any number of organizations" if stage.seats is None else counted(stage.seats, "organization")
    unless = ", unless one objects in time" if stage.mode == "notify" else ""
    return f"{seats}, admitted by {phrases.rule(stage.rule)}{unless}"


def _about(effect: PlanEffect) -> str:
    stage = "" if effect.stage is None else f"stage {effect.stage}: "
    return f"  look again: {stage}{effect.words}"


def applied(done: PlanReceipt) -> str:
    """What a plan has changed, and all that is to be done next: each command runs as it is printed."""
    lines = [f"applied {done.release}: {counted(len(done.changes), 'change')}"]
    lines += [f"  terms of {stage}: {digest}" for stage, digest in done.terms_digests.items()]
    if done.superseded:
        lines.append(
            f"  {counted(len(done.superseded), 'open case')} ended as superseded: who applied may again"
        )
    for each in done.to_agree:
        lines += _to_agree(done.release, each)
    return "\n".join([*lines, "next: how far each stage is", f"  sluicegate status {done.release}"])


def _to_agree(release: str, each: TermsToAgree) -> Iterator[str]:
    who = " and ".join(each.awaiting) or "no one any more"
    yield f"next: the terms of {release}/{each.stage} wait for {who}: each agency reads and signs the case"
    for agency in each.awaiting or ("",):
        file = f"{each.case}.{agency}.json" if len(each.awaiting) > 1 else f"{each.case}.json"
        yield f"  sluicegate review export {each.case} -o {file}"
    yield f"  {_OPENS[each.opens]}"


def _shown(value: Any) -> str:
    return "(nothing)" if value is None else json.dumps(value, ensure_ascii=False)
