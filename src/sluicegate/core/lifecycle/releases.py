"""Applying plans and opening stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sluicegate.acts.releases import PlanChange, PlanReceipt, StageReceipt
from sluicegate.core.lifecycle import eligibility
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import signer_for
from sluicegate.core.lifecycle.state import State
from sluicegate.core.terms import sizes
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import CaseDetermined, CaseOpened, OfficerOpening
from sluicegate_record.entries.releases import ReleaseApplied, StageOpened
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.question import Question
from sluicegate_record.statements.releases import StageOpening
from sluicegate_record.terms import kinds, tightness
from sluicegate_record.terms.plan import Plan


@dataclass(frozen=True, slots=True)
class ApplyPlan(Command):
    """Put a plan in force. `plan` is what `core.terms.plan.read` returned."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class OpenStage(SignedCommand):
    """Open a stage by an officer's signed opening."""


def apply_plan(state: State, command: ApplyPlan, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `ApplyPlan`: the plan, and a `terms` case for every stage whose terms are new."""
    given = command.plan
    refusal = _misfit(state, given)
    if refusal is not None:
        return refusal
    name = given.metadata.name
    before = state.releases.get(name)
    terms = given.terms
    tightened = dict(_tightened(before, given, terms))
    body = _applied(given, terms, tightened)
    superseded = [] if before is None else list(_superseded(state, before.after(body)))
    applied = [] if before is not None and before.plan == given else [Draft.of(name, body, entropy)]
    cases = list(_terms_cases(state, given, terms, tightened, entropy))
    result = PlanReceipt(
        release=name,
        terms_digests=terms,
        tightened=tuple(sorted(tightened)),
        loosened=loosened_fields(before, given, terms),
        changes=changes(before, given),
        cases=tuple(opened.stream for opened in cases),
        superseded=tuple(ended.stream for ended in superseded),
    )
    return Acceptance([*superseded, *applied, *cases], result)


def open_stage(state: State, command: OpenStage, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `OpenStage`: only an officer may, and only under terms that every agency has signed."""
    opening = StageOpening.read(command.envelope)
    key = signer_for(state, command.envelope, state.developer)
    if isinstance(key, Refusal):
        return key
    refusal = _not_to_open(state, opening)
    if refusal is not None:
        return refusal
    result = StageReceipt(release=opening.release, stage=opening.stage)
    if opening.terms in state.table.open_terms:
        return Acceptance([], result)
    given = state.releases[opening.release].plan
    if given.stages[opening.stage].agreed_by is not None:
        if len(canonical.dumps(command.envelope.to_json())) > sizes.OPENING_MAX:
            said = f"a signed opening of more than {sizes.OPENING_MAX:,} bytes"
            return Refusal("conflict", "opening_too_large", said, "sign what 'stage open' signs, and no more")
        return _asked_to_open(
            state, opening, OfficerOpening(officer=key.owner, envelope=command.envelope), entropy
        )
    body = StageOpened(
        log=opening.log,
        release=opening.release,
        stage=opening.stage,
        terms=opening.terms,
        officer=key.owner,
        envelope=command.envelope,
    )
    return Acceptance([Draft(opening.release, body)], result)


def _asked_to_open(
    state: State, opening: StageOpening, signed: OfficerOpening, entropy: Entropy
) -> Acceptance:
    """The case in which agencies agree to an opening. If one is open, it continues."""
    release = state.releases[opening.release]
    result = StageReceipt(release=release.name, stage=opening.stage)
    for known in state.docket.newest(lambda each: each.is_open and each.kind == kinds.OPENING):
        if known.question.terms == opening.terms:
            return Acceptance([], replace(result, case=known.id))
    case = entropy.name("case")
    question = Question(
        case=case,
        kind=kinds.OPENING,
        models=release.plan.model_digests,
        log=opening.log,
        release=opening.release,
        stage=opening.stage,
        terms=opening.terms,
    )
    body = replace(asking(question, release.plan), opening=signed)
    return Acceptance([Draft(case, body)], replace(result, case=case))


def asking(question: Question, plan: Plan, against: str = "") -> CaseOpened:
    """The body that opens a case about a stage; for an appeal, `against` is the kind of the appealed case."""
    stage = plan.stages[question.stage]
    return CaseOpened(
        case=question.case,
        kind=question.kind,
        release=question.release,
        stage=question.stage,
        surface=question.surface or None,
        question=question,
        rule=kinds.rule_of(question.kind, plan, stage, against),
        basis=stage.basis.kind,
    )


def _not_to_open(state: State, opening: StageOpening) -> Refusal | None:
    if opening.log != state.log:
        return other_log()
    release = state.releases.get(opening.release)
    if release is None or opening.stage not in release.terms:
        return stage_unknown(opening.release, opening.stage)
    if release.terms[opening.stage] != opening.terms:
        said = "the opening was signed for other terms than those in force"
        return Refusal("conflict", "terms_changed", said, "sign it again")
    return None if opening.terms in release.agreed else terms_not_agreed(opening.stage)


def other_log() -> Refusal:
    """The refusal for a statement that was signed for another log."""
    return Refusal(
        "unverified",
        "other_log",
        "the statement was signed for another log",
        "sign what this control plane gives you, if its log is the one you mean",
    )


def stage_unknown(release: str, stage: str) -> Refusal:
    """The refusal for a stage that does not exist, or that the asker may not know of."""
    wanted = f"{release[:64]}/{stage[:64]}"
    return Refusal("unknown", "stage_unknown", f"no stage {wanted!r}", "'status' lists releases and stages")


def terms_changed(stage: str) -> Refusal:
    """The refusal to continue a case whose terms are out of force."""
    return Refusal(
        "conflict",
        "terms_changed",
        f"the terms of stage {stage!r} have changed since this case was opened",
        "a new plan opened a new case; who applied may apply again",
    )


def terms_not_agreed(stage: str) -> Refusal:
    """The refusal to admit anyone before every agency has agreed to the stage's terms."""
    return Refusal(
        "conflict",
        "terms_not_agreed",
        f"the terms of stage {stage!r} are not agreed by every agency it names",
        "'case list' shows the terms case and who is awaited",
    )


def changes(before: Release | None, given: Plan) -> tuple[PlanChange, ...]:
    """What a plan changes, field by field: nothing only if it is the plan in force."""
    old = dict(_leaves(before.plan.to_json(), "")) if before else {}
    new = dict(_leaves(given.to_json(), ""))
    return tuple(
        PlanChange(field=field, before=old.get(field), after=new.get(field))
        for field in [*new, *(field for field in old if field not in new)]
        if old.get(field) != new.get(field)
    )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The fields of a value. What is empty is one, and so is the order in which a list names its members."""
    if value == {}:
        yield path, value
    elif isinstance(value, Mapping):
        for name, child in value.items():
            yield from _leaves(child, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        labels = [_label(child, i) for i, child in enumerate(value)]
        if labels != list(range(len(value))) or not value:
            yield path, labels
        for label, child in zip(labels, value, strict=True):
            yield from _leaves(child, f"{path}[{label}]")
    else:
        yield path, value


def _label(child: Any, i: int) -> Any:
    """What a member of a list is called: by its name, its id, or its place."""
    return child.get("name", child.get("id", i)) if isinstance(child, Mapping) else i


def _misfit(state: State, given: Plan) -> Refusal | None:
    """Why a well-formed plan does not fit this log; None if it does."""
    developer = given.metadata.developer
    if developer != state.developer:
        return Refusal(
            "conflict",
            "other_developer",
            f"the plan's developer is {developer!r}, this log is of {state.developer!r}",
        )
    for model in given.spec.models:
        offer = state.table.offers.get(model.id)
        if offer is not None and offer.release != given.metadata.name:
            return Refusal(
                "conflict",
                "model_taken",
                f"the model {model.id!r} belongs to the release {offer.release!r}",
            )
    hidden = _hidden_fallback(state, given)
    if hidden is not None:
        said = f"the fallback {hidden!r} of this public plan is a model of a release that is not announced"
        return Refusal("conflict", "model_unannounced", said, "name another, or announce that release first")
    for stage in given.spec.stages:
        for agency in sorted(stage.agencies):
            if agency not in state.parties:
                return Refusal(
                    "conflict",
                    "agency_unknown",
                    f"the agency {agency!r} of stage {stage.name!r} has no pinned key",
                    "add its first public key to the trust file and restart the control plane",
                )
    return None


def _hidden_fallback(state: State, given: Plan) -> str | None:
    """The fallback that a plan would name in public, if it is a model of a release that is not announced."""
    spec, name = given.spec, given.metadata.name
    before = state.releases.get(name)
    if not spec.announced or spec.on_refusal is None or (before is not None and before.plan == given):
        return None
    model = spec.on_refusal.fallback_model
    offer = state.table.offers.get(model)
    is_hidden = offer is not None and not offer.announced and offer.release != name
    return model if is_hidden else None


def _applied(given: Plan, terms: dict[str, str], tightened: dict[str, str]) -> ReleaseApplied:
    announced = given.spec.announced
    return ReleaseApplied(
        release=given.metadata.name,
        announced=announced,
        terms=terms,
        tightened=tightened,
        plan=given if announced else None,
        unannounced=None if announced else given,
    )


def _changed(
    before: Release | None, given: Plan, terms: Mapping[str, str]
) -> Iterator[tuple[str, str, list[str]]]:
    """The stages whose agreed terms change: name, old terms, the fields that are not provably as tight."""
    if before is None:
        return
    for name, stage in given.stages.items():
        old = before.terms.get(name)
        if old is not None and old != terms[name] and old in before.agreed:
            fields = tightness.loosened(given, stage, before.plan, before.plan.stages[name])
            yield name, old, fields


def _tightened(before: Release | None, given: Plan, terms: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The stages whose terms are provably tighter than agreed terms, with the agreed terms."""
    for name, old, fields in _changed(before, given, terms):
        if not fields:
            yield name, old


def loosened_fields(
    before: Release | None, given: Plan, terms: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Why stages need a new agreement: the fields that are not provably as tight, by stage."""
    return {name: tuple(fields) for name, _, fields in _changed(before, given, terms) if fields}


def _terms_cases(
    state: State, given: Plan, terms: dict[str, str], tightened: dict[str, str], entropy: Entropy
) -> Iterator[Draft]:
    """A case for every stage whose terms are not agreed, have no open case, and are not provably tighter."""
    release = given.metadata.name
    before = state.releases.get(release)
    agreed = before.agreed if before else frozenset()
    for name in given.stages:
        asked = map(state.cases.__getitem__, state.record.asked.get(terms[name], ()))
        is_open = any(case.state != kinds.DETERMINED for case in asked)
        if is_open or terms[name] in agreed or name in tightened:
            continue
        case = entropy.name("case")
        question = Question(
            log=state.log,
            case=case,
            kind=kinds.TERMS,
            release=release,
            stage=name,
            terms=terms[name],
            models=given.model_digests,
        )
        yield Draft(case, asking(question, given))


def _superseded(state: State, after: Release) -> Iterator[Draft]:
    """The entries that end every open case about terms that go out of force. Applicants may apply again."""
    for case in open_cases(state, after.name):
        lasts = eligibility.outlasts_plans(state.record, case)
        if not lasts and not eligibility.goes_on(state.record, after, case):
            yield Draft(case.id, CaseDetermined(case=case.id, outcome="superseded"))


def open_cases(state: State, release: str) -> list[Case]:
    """The cases about a release that are not determined, oldest first."""
    return sorted(state.docket.open_cases(release), key=lambda case: case.seq)
