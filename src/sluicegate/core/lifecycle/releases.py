"""Applying plans and opening stages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sluicegate.acts.releases import PlanReceipt, StageReceipt
from sluicegate.core.lifecycle import changes, consequences, eligibility, stages
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import other_log, signer_for, signer_here
from sluicegate.core.lifecycle.lists import LISTED, StageList
from sluicegate.core.lifecycle.state import State
from sluicegate.core.terms import sizes
from sluicegate.core.terms.nearest import nearest
from sluicegate_record.entities import target
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.happening import Trial
from sluicegate_record.entities.promise import OPEN, Promise
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import CaseDetermined, CaseOpened, OfficerOpening
from sluicegate_record.entries.releases import ReleaseApplied, StageClosed, StageOpened
from sluicegate_record.law.ramps import carried
from sluicegate_record.law.referrals import heard_before
from sluicegate_record.law.requirements import at_now, facts_of
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.question import Question
from sluicegate_record.statements.releases import StageClosing, StageOpening
from sluicegate_record.terms import dates, kinds, quorum, tightness
from sluicegate_record.terms.plan import Plan


@dataclass(frozen=True, slots=True)
class ApplyPlan(Command):
    """Put a plan in force. `plan` is what `core.terms.plan.read` returned, with its names sealed by
    `lists.seal`; `listed` are those that its stages name. `reason` says why target dates change. `base` is
    the plan that it is to replace, as `base_of` names it; None: the one that is in force, whatever it is.
    """

    plan: Plan
    reason: str | None = None
    listed: Mapping[str, StageList] = field(default_factory=dict)
    base: str | None = None


@dataclass(frozen=True, slots=True)
class CloseStage(SignedCommand):
    """Close a stage by an officer's signed closing."""


@dataclass(frozen=True, slots=True)
class OpenStage(SignedCommand):
    """Open a stage by an officer's signed opening."""


NEW = "new"


def base_of(release: Release | None) -> str:
    """Which plan of a release is in force: its digest; `new` before its first one."""
    return NEW if release is None else canonical.sha256_hex(canonical.dumps(release.stated.to_json()))


def apply_plan(state: State, command: ApplyPlan, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `ApplyPlan`: the plan, and a `terms` case for every stage whose terms are new."""
    given = command.plan
    refusal = _misfit(state, command) or _taken_from_none(state, given) or _closed(state, given)
    if refusal is not None:
        return refusal
    name = given.metadata.name
    before = state.releases.get(name)
    if command.base not in {None, base_of(before)}:
        said = f"another plan of {name} has been put in force since this one was shown"
        return Refusal("conflict", "plan_changed", said, "look at what it changes now, and apply it then")
    terms = given.terms
    tightened = dict(_tightened(before, given, terms))
    raised = state.record.raised(name, given)
    body = replace(_applied(given, terms, tightened, command.reason), raised=raised)
    moved = list(target.after(state.record, Trial(body, state.size, now_ms), body))
    refusal = _untargeted(state, moved, command.reason, now_ms)
    if refusal is not None:
        return refusal
    levels = state.record.levels(name, given)
    superseded = [] if before is None else list(ended_with(state, before.after(body).under(levels, raised)))
    applied = [] if before is not None and before.stated == given else [Draft.of(name, body, entropy)]
    cases = list(_terms_cases(state, replace(command, plan=given), terms, tightened, entropy))
    result = PlanReceipt(
        release=name,
        terms_digests=terms,
        tightened=tuple(sorted(tightened)),
        loosened=loosened_fields(before, given, terms),
        changes=changes.changes(None if before is None else before.stated, given),
        cases=tuple(opened.stream for opened in cases),
        superseded=tuple(ended.stream for ended in superseded),
        to_agree=consequences.to_agree(state, given, cases),
        retargeted=tuple(each.about.stage or "" for each in moved if each.id in state.record.promises),
    )
    return Acceptance([*superseded, *applied, *cases], result)


def open_stage(state: State, command: OpenStage, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `OpenStage`: only an officer may, and only under terms that every agency has signed."""
    opening = StageOpening.read(command.envelope)
    key = signer_for(state, command.envelope, state.developer)
    if isinstance(key, Refusal):
        return key
    refusal = _not_to_open(state, opening) or _hindered(state, opening, now_ms)
    if refusal is not None:
        return refusal
    result = StageReceipt(release=opening.release, stage=opening.stage)
    if opening.terms in state.table.open_terms:
        return Acceptance([], result)
    stage = state.releases[opening.release].plan.stages[opening.stage]
    facts = facts_of(state.record, opening.release, opening.stage, now_ms)
    if stage.opens_when is not None and (stage.agreed_by is not None or not facts.holds(stage)):
        # were nothing else missing, it would be open by now
        if stage.agreed_by is None or facts.agreement(stage.agreed_by) is not None:
            return stages.requirements_unmet(facts, stage)
        signed = OfficerOpening(officer=key.owner, envelope=command.envelope)
        return _asked_to_open(state, opening, signed, entropy)
    body = StageOpened(
        log=opening.log,
        release=opening.release,
        stage=opening.stage,
        terms=opening.terms,
        officer=key.owner,
        envelope=command.envelope,
        heard=heard_before(state.record, state.releases[opening.release], opening.stage),
        reopens=stages.reopened(state.record, opening.release, opening.stage),
        ramp=carried(at_now(state.record, now_ms), opening.release, opening.stage, opening.terms),
    )
    return Acceptance([Draft(opening.release, body)], result)


def close_stage(state: State, command: CloseStage, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `CloseStage`. Only an officer opens it again. The same statement again changes nothing."""
    closing = StageClosing.read(command.envelope)
    key = signer_here(state, command.envelope, state.developer, closing.log)
    if isinstance(key, Refusal):
        return key
    release = state.releases.get(closing.release)
    terms = () if release is None else state.record.open_terms(closing.release, closing.stage)
    if release is None or not (terms or closing.stage in release.terms):
        return stage_unknown(closing.release, closing.stage)
    result = StageReceipt(release=closing.release, stage=closing.stage)
    known = state.record.closing_of(closing.release, closing.stage)
    digest = command.envelope.digest
    if known is not None and known.digest == digest:
        return Acceptance([], result)
    if known is not None and digest in known.seen:
        said = "this closing was entered before, and the stage has been opened since"
        return Refusal("conflict", "closing_used", said, "sign it again")
    body = StageClosed(
        log=closing.log,
        release=closing.release,
        stage=closing.stage,
        terms=terms,
        reason=closing.reason,
        officer=key.owner,
        envelope=command.envelope,
        digest=digest,
    )
    return Acceptance([Draft(closing.release, body)], result)


def _asked_to_open(
    state: State, opening: StageOpening, signed: OfficerOpening, entropy: Entropy
) -> Acceptance | Refusal:
    """The case in which agencies agree to an opening. If one is open, it continues."""
    if len(canonical.dumps(signed.envelope.to_json())) > sizes.OPENING_MAX:
        said = f"a signed opening of more than {sizes.OPENING_MAX:,} bytes"
        return Refusal(
            "conflict", "opening_too_large", said, "sign what 'sluicegate stage open' signs, and no more"
        )
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
    known = state.record.shut_by(opening.release, opening.stage)
    if opening.closing != (None if known is None else known.digest):
        said = "the opening does not name the closing that it undoes"
        return Refusal("conflict", "stage_closed", said, "sign what 'sluicegate stage open' signs now")
    if opening.release in state.record.closures and opening.terms not in state.record.opened:
        return release_closed(opening.release)
    return None if opening.terms in release.agreed else terms_not_agreed(opening.stage)


def _hindered(state: State, opening: StageOpening, now_ms: int) -> Refusal | None:
    """Why an officer cannot open a stage now: a finding is open for which the plan halts or suspends."""
    stage = state.releases[opening.release].plan.stages[opening.stage]
    facts = facts_of(state.record, opening.release, opening.stage, now_ms)
    is_open = opening.terms in state.table.open_terms
    if is_open or stage.opens_when is not None or not facts.is_hindered:
        return None
    listed = ", ".join(facts.responses())
    said = f"stage {stage.name!r} does not open while a finding is open that the plan answers: {listed}"
    return Refusal(
        "conflict", "finding_open", said, "'sluicegate finding show FINDING' says who may retest it"
    )


def stage_unknown(release: str, stage: str) -> Refusal:
    """The refusal for a stage that does not exist, or that the asker may not know of."""
    wanted = f"{release[:64]}/{stage[:64]}"
    return Refusal(
        "unknown", "stage_unknown", f"no stage {wanted!r}", "'sluicegate status' lists releases and stages"
    )


def release_closed(name: str) -> Refusal:
    """The refusal of what no longer happens in a release that is closed."""
    said = f"the release {name[:80]!r} is closed"
    return Refusal(
        "conflict", "release_closed", said, "'sluicegate release report RELEASE' shows what it came to"
    )


def release_unknown(release: str, known: Iterable[str] = ()) -> Refusal:
    """The refusal for a release that does not exist, or that the asker may not know of.

    `known` are those of which it may know.
    """
    near = nearest(release, known)
    remedy = (f"did you mean {near!r}? " if near else "") + "'sluicegate status' lists releases"
    return Refusal("unknown", "release_unknown", f"no release {release[:64]!r}", remedy)


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
        "'sluicegate case list' shows the terms case and who is awaited",
    )


def _misfit(state: State, command: ApplyPlan) -> Refusal | None:
    """Why a well-formed plan does not fit this log; None if it does."""
    given = command.plan
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
        opened = command.listed.get(stage.name, StageList()).opened
        if stage.audience.is_listed and set(given.listed(stage)) != opened.keys():
            said = f"the names of stage {stage.name!r} are not sealed"
            return Refusal(
                "conflict", "names_in_clear", said, "apply the plan by 'sluicegate apply', with its lists"
            )
    named = {f"of stage {stage.name!r}": given.agencies_of(stage) for stage in given.spec.stages}
    designations = given.spec.designations
    if designations is not None:
        asked = () if designations.reconsider is None else quorum.parties_of(designations.reconsider)
        named["of 'designations'"] = frozenset((*designations.by, *asked))
    for where, agencies in named.items():
        for agency in sorted(agencies - state.parties):
            return Refusal(
                "conflict",
                "agency_unknown",
                f"the agency {agency!r} {where} has no pinned key",
                "add its first public key to the trust file and restart the control plane",
            )
    return None


def _taken_from_none(state: State, given: Plan) -> Refusal | None:
    """The refusal of a plan that takes over the grants of a stage that no plan of its release has or had."""
    for stage in given.spec.stages:
        for name in stage.grants.keys() - given.stages.keys():
            if not stages.was_planned(state.record, given.metadata.name, name):
                near = nearest(name, given.stages)
                meant = f" (did you mean {near!r}?)" if near else ""
                said = (
                    f"stage {stage.name!r} takes over the grants of {name[:64]!r}, no stage of this release"
                )
                return Refusal(
                    "conflict", "stage_unknown", said + meant, "'sluicegate status' shows its stages"
                )
    return None


def _hidden_fallback(state: State, given: Plan) -> str | None:
    """The fallback that a plan would name in public, if it is a model of a release that is not announced."""
    spec, name = given.spec, given.metadata.name
    before = state.releases.get(name)
    if not spec.announced or spec.on_refusal is None or (before is not None and before.stated == given):
        return None
    model = spec.on_refusal.fallback_model
    offer = state.table.offers.get(model)
    is_hidden = offer is not None and not offer.announced and offer.release != name
    return model if is_hidden else None


def _closed(state: State, given: Plan) -> Refusal | None:
    """The refusal of another plan for a release that is closed."""
    name = given.metadata.name
    is_same = name in state.releases and state.releases[name].stated == given
    return release_closed(name) if name in state.record.closures and not is_same else None


def _untargeted(state: State, moved: Sequence[Promise], reason: str | None, now_ms: int) -> Refusal | None:
    """Why the target dates of a plan cannot be promised; None if they can. `moved` is what they come to."""
    for promise in moved:
        stage = promise.about.stage
        if promise.state == OPEN and promise.due_ms <= now_ms:
            said = f"the target {dates.day_before(promise.due_ms)} of stage {stage!r} is over"
            return Refusal("conflict", "promise_over", said, "state a day to come, or leave 'target' out")
        if promise.id in state.record.promises and not (reason or "").strip():
            said = f"the target date of stage {stage!r} was promised, and changes: say why"
            return Refusal("conflict", "reason_needed", said, "apply the plan with --reason WHY")
    return None


def _applied(
    given: Plan, terms: dict[str, str], tightened: dict[str, str], reason: str | None
) -> ReleaseApplied:
    announced = given.spec.announced
    return ReleaseApplied(
        release=given.metadata.name,
        announced=announced,
        terms=terms,
        tightened=tightened,
        plan=given if announced else None,
        unannounced=None if announced else given,
        reason=reason,
    )


def _changed(
    before: Release | None, given: Plan, terms: Mapping[str, str]
) -> Iterator[tuple[str, str, list[str]]]:
    """The stages whose agreed terms change: name, old terms, the fields that are not provably as tight."""
    if before is None:
        return
    for name, stage in given.stages.items():
        old = before.own_terms.get(name)
        if old is not None and old != terms[name] and old in before.agreed:
            fields = tightness.loosened(given, stage, before.stated, before.stated.stages[name])
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
    state: State, command: ApplyPlan, terms: dict[str, str], tightened: dict[str, str], entropy: Entropy
) -> Iterator[Draft]:
    """A case for every stage whose terms are not agreed, have no open case, and are not provably tighter."""
    given = command.plan
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
        body = asking(question, given)
        found = command.listed.get(name)
        if found is not None:
            body = replace(body, named=found.named(), sealed_parts={LISTED: found.sealed(entropy)})
        yield Draft(case, body) if found is None else Draft.of(case, body, entropy)


def ended_with(state: State, after: Release) -> Iterator[Draft]:
    """The entries that end every open case about terms that go out of force. Applicants may apply again."""
    for case in open_cases(state, after.name):
        lasts = eligibility.outlasts_plans(state.record, case)
        if not lasts and not eligibility.goes_on(state.record, after, case):
            yield Draft(case.id, CaseDetermined(case=case.id, outcome="superseded"))


def open_cases(state: State, release: str) -> list[Case]:
    """The cases about a release that are not determined, oldest first."""
    return sorted(state.docket.open_cases(release), key=lambda case: case.seq)
