"""Plans and stages: preview, apply, status, open."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

from sluicegate.acts import releases as acts
from sluicegate.acts.act import Nothing
from sluicegate.acts.designations import DesignationView
from sluicegate.acts.documents import ListedPlan, SignedStatement
from sluicegate.acts.releases import (
    AffectedCounts,
    AppealTerms,
    ExposureChange,
    ExposureView,
    JsonSchema,
    LastClosing,
    OpeningToSign,
    PlanPreview,
    PlanReceipt,
    PlanText,
    ReleaseEnd,
    ReleaseStatus,
    StageArgument,
    StageReceipt,
    StageStatus,
    Status,
)
from sluicegate.core.lifecycle import (
    Refusal,
    State,
    bases,
    changes,
    closures,
    consequences,
    designations,
    digests,
    exposure,
    findings,
    lists,
    observations,
    ramps,
    referrals,
    releases,
    signers,
    stages,
    successions,
)
from sluicegate.core.terms import plan
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access, promises
from sluicegate.service.context import Context, does
from sluicegate.service.recalls import live_grants, open_applications, opening_to_sign
from sluicegate_record import entries
from sluicegate_record.entities.release import Release
from sluicegate_record.entries.releases import StageClosed
from sluicegate_record.log import times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.exposure import UNSTATED
from sluicegate_record.terms.plan import REPLY, Plan, Stage
from sluicegate_record.terms.text import is_plain

COUNT_SHOWN_FROM = 5
FINDINGS_MAX = 50
"""How many open findings a status shows of a release, at most."""


@does(acts.PREVIEW)
def preview_plan(context: Context[PlanPreview], _: ListedPlan) -> PlanPreview | Refusal:
    """What a plan would change if it were applied, and who would be affected; nothing is done.

    Raises: InvalidDocument.
    """
    command = _command(context, "shown before")
    considered = context.ledger.consider(command)
    if isinstance(considered, Refusal):
        return considered
    result = considered.result
    assert isinstance(result, PlanReceipt)
    terms = result.terms_digests
    with context.ledger.reading() as state:
        before = state.releases.get(result.release)
        agreed = before.agreed if before is not None else ()
        to_agree = (stage for stage in terms if stage not in result.tightened and terms[stage] not in agreed)
        return PlanPreview(
            release=result.release,
            new=before is None,
            base=releases.base_of(before),
            terms_digests=terms,
            terms_to_agree=tuple(sorted(to_agree)),
            tightened=result.tightened,
            loosened=result.loosened,
            changes=result.changes,
            affects=_affected(state, result.release),
            unheard=_unheard(state, command.plan),
            groups=changes.groups(result.changes),
            effects=tuple(consequences.effects(state, command.plan, result)),
            outline=consequences.outline(command.plan) if before is None else None,
            exposure=tuple(_exposed_anew(context, state, before, command.plan)),
            retargeted=result.retargeted,
            scrutiny=state.record.levels(result.release, command.plan),
            undesignated=() if before is None else tuple(_undesignated(state, before, command.plan)),
        )


def _exposed_anew(
    context: Context[Any], state: State, before: Release | None, given: Plan
) -> Iterator[ExposureChange]:
    """The measures of exposure that a plan changes, each with what the stage lets in now."""
    old = {} if before is None else before.plan.stages
    for name in {**given.stages, **old}:
        stated = old.get(name), given.stages.get(name)
        was, will = ({} if each is None else each.exposure.measures for each in stated)
        body = stated[0] or stated[1]
        assert body is not None
        for measure in [*will, *(each for each in was if each not in will)]:
            if was.get(measure) != will.get(measure):
                yield ExposureChange(
                    stage=name,
                    measure=measure,
                    now=_let_in(context, state, given.metadata.name, body)[measure],
                    before=was.get(measure),
                    after=will.get(measure),
                )


def _undesignated(state: State, before: Release, given: Plan) -> Iterator[DesignationView]:
    """The designations that lead to a level by the plan in force, and would to none by another one."""
    for known in state.record.designations.values():
        if known.release == before.name and known.counts(before.stated) and not known.counts(given):
            yield designations.view(before.stated, known)


def _unheard(state: State, given: Plan) -> dict[str, tuple[str, ...]]:
    """Why cases and appeals may wait for ever, by the stages of a plan where they may."""
    found = {
        name: (
            *signers.undecidable(state.record, given, stage),
            *signers.unheard_appeals(state.record, given, stage),
        )
        for name, stage in given.stages.items()
    }
    return {name: why for name, why in found.items() if why}


@does(acts.APPLY)
def apply_plan(context: Context[PlanReceipt], asked: PlanText) -> PlanReceipt | Refusal:
    """Put a plan in force. Raises: InvalidDocument, with every error's place. InvalidInput: no plain text."""
    if asked.reason is not None and not is_plain(asked.reason):
        raise InvalidInput("a reason without control or invisible characters expected")
    return context.execute(_command(context, asked.reason, asked.base))


def _command(context: Context[Any], reason: str | None, base: str | None = None) -> releases.ApplyPlan:
    ledger, given = context.ledger, Plan.from_json(context.document())
    opened = partial(ledger.listed, given.metadata.name)
    plan_, listed = lists.seal(given, opened, ledger.tags)
    return releases.ApplyPlan(plan_, reason, listed, base)


@does(acts.STATUS)
def status(context: Context[Status], _: Nothing) -> Status:
    """Every release its reader may know of, with its stages: criteria, terms, opening, seats."""
    ledger, reader = context.ledger, context.principal
    with ledger.reading() as state:
        now_ms = ledger.now_ms()
        known = filter(access.known(reader, state, ledger.directs), state.releases.values())
        return Status(
            size=state.size,
            releases=tuple(status_of(context, state, release, now_ms) for release in known),
            directives_in_force=tuple(sorted(state.table.directives)),
            promises=promises.standing(ledger, state, reader),
        )


@does(acts.OPENING)
def opening(context: Context[OpeningToSign], asked: StageArgument) -> OpeningToSign | Refusal:
    """What an officer signs to open a stage."""
    with context.ledger.reading() as state:
        found = state.releases.get(asked.release)
        if found is None or asked.stage not in found.terms:
            return releases.stage_unknown(asked.release, asked.stage)
        return opening_to_sign(state, asked.release, asked.stage)


@does(acts.CLOSING)
def closing(context: Context[LastClosing], asked: StageArgument) -> LastClosing | Refusal:
    """The newest closing of a stage."""
    with context.ledger.reading() as state:
        if asked.release not in state.releases:
            return releases.release_unknown(asked.release)
        known = state.record.closing_of(asked.release, asked.stage)
    if known is None:
        return LastClosing()
    body = entries.read(context.ledger.store.log.leaves(known.seq, known.seq + 1)[0]).body
    assert isinstance(body, StageClosed)
    return LastClosing(
        closed_ms=known.at_ms, officer=body.officer, signed=known.seen[-1] if known.seen else None
    )


@does(acts.OPEN)
def open_stage(context: Context[StageReceipt], asked: SignedStatement) -> StageReceipt | Refusal:
    """Open a stage by a signed opening."""
    return context.execute(releases.OpenStage(Envelope.from_json(asked.envelope)))


@does(acts.CLOSE)
def close_stage(context: Context[StageReceipt], asked: SignedStatement) -> StageReceipt | Refusal:
    """Close a stage by a signed closing."""
    return context.execute(releases.CloseStage(Envelope.from_json(asked.envelope)))


@does(acts.SCHEMA)
def schema(_: Context[JsonSchema], __: Nothing) -> JsonSchema:
    """The JSON Schema of plans."""
    return JsonSchema.from_json(plan.schema())


def status_of(context: Context[Any], state: State, release: Release, now_ms: int) -> ReleaseStatus:
    """A release with its stages, as who asks may see it."""
    spec = release.plan.spec
    found = islice(findings.open_in(state.record, release.name), FINDINGS_MAX)
    against = (
        () if access.is_outside(context.principal) else observations.against(state, release.name, now_ms)
    )
    return ReleaseStatus(
        release=release.name,
        title=release.plan.metadata.title,
        models=tuple(model.id for model in spec.models),
        surfaces=spec.surfaces,
        announced=spec.announced,
        directs={name: tuple(sorted(spec.directed_by(name))) for name in sorted(spec.agencies)},
        stages=tuple(_stage(context, state, release, stage, now_ms) for stage in spec.stages),
        closed=_end(state, release.name),
        scrutiny=state.record.levels(release.name, release.stated),
        designations=tuple(designations.views(state, release)),
        programmes=spec.programmes,
        findings=tuple(findings.summary(state, each) for each in found),
        deployment=digests.stated(state, release, now_ms),
        contradicted=tuple(map(observations.view, islice(against, FINDINGS_MAX))),
        names={name: each.name for name, each in sorted(spec.agencies.items())},
    )


def _end(state: State, name: str) -> ReleaseEnd | None:
    """When a release was closed, and what parties have said of its report."""
    found = state.record.closures.get(name)
    if found is None:
        return None
    said = tuple(closures.said_of(state.record, found))
    return ReleaseEnd(closed_ms=found.at_ms, report=found.report.digest, said=said)


def _stage(context: Context[Any], state: State, release: Release, stage: Stage, now_ms: int) -> StageStatus:
    name, admission, reader = stage.name, stage.admission, context.principal
    terms = release.terms[name]
    asked = state.record.asked.get(release.own_terms[name])
    terms_case = state.cases[asked[-1]] if asked else None
    ramp = ramps.shown(state.record, release.name, name, now_ms)
    return StageStatus(
        stage=name,
        terms=terms,
        terms_agreed=terms in release.agreed,
        terms_case=terms_case.id if terms_case else None,
        awaiting=state.docket.heading(terms_case.id).awaiting if terms_case else (),
        open=terms in state.table.open_terms,
        basis=stage.basis,
        basis_lapsed=_is_past(stage.basis.until, now_ms),
        mode=admission.mode,
        rule=admission.grant,
        removed_by=kinds.rule_of(kinds.REMOVAL, release.plan, stage),
        opens_when=stage.opens_when,
        clock=admission.clock,
        reply=REPLY if admission.reply is None else admission.reply,
        appeal=AppealTerms(
            decide=kinds.rule_of(kinds.APPEAL, release.plan, stage, kinds.ADMISSION),
            within=admission.appeal_within,
        ),
        agencies=tuple(sorted(quorum.parties_of(admission.grant))),
        seats=stage.seats,
        seated=_seated(reader, len(state.seated(release.name, name))),
        waitlisted=_seated(reader, len(state.waitlists.get((release.name, name), ()))),
        eligibility=stage.eligibility,
        conditions=stage.conditions,
        requirements=tuple(stages.shown(state.record, release.name, name, now_ms)),
        exposure=_exposure(context, state, release.name, stage),
        audience=stage.audience.kind,
        programme=release.plan.programme_of(stage),
        listed=len(release.plan.listed(stage)) if stage.audience.is_listed else None,
        share=None if ramp is None else ramp.share,
        ramp=ramp,
        becoming=_seated(reader, successions.organizations(state, release.name, name))
        if stage.grants
        else None,
        opens_ms=stages.opens_ms(state.record, release.name, name, now_ms),
        basis_after=bases.view(state, release, stage),
        heard=referrals.view(state, release, stage),
    )


def _exposure(context: Context[Any], state: State, release: str, stage: Stage) -> ExposureView | None:
    """What a stage lets into the world, where its plan states it."""
    if stage.exposure == UNSTATED:
        return None
    now = _let_in(context, state, release, stage)
    shown = {name: _seated(context.principal, count) for name, count in now.items()}
    return ExposureView(
        stated=stage.exposure,
        organizations=shown["organizations"],
        people=shown["people"],
        requests_today=shown["requestsPerDay"],
    )


def _let_in(context: Context[Any], state: State, release: str, stage: Stage) -> dict[str, int]:
    """What a stage lets into the world now, by the words of the plan language."""
    return {
        "organizations": exposure.organizations(state, release, stage),
        "people": exposure.people(state, release, stage),
        "requestsPerDay": context.services.days.today((release, stage.name), context.ledger.now_ms()),
    }


def _seated(principal: Principal, seated: int) -> int | None:
    """How many seats are taken. To applicants a count below 5 could tell of one organization."""
    return None if access.is_outside(principal) and seated < COUNT_SHOWN_FROM else seated


def _is_past(until: str | None, now_ms: int) -> bool:
    """Whether the day until which a basis was stated is over: its rules stay in force until new terms."""
    return until is not None and times.format_time(now_ms)[:10] > until


def _affected(state: State, release: str) -> AffectedCounts:
    live = live_grants(state, release)
    return AffectedCounts(
        organizations=len({grant.organization for grant in live}),
        grants=len(live),
        open_applications=open_applications(state, release),
    )
