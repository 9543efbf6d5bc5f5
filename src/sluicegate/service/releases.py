"""Plans and stages: preview, apply, status, open."""

from __future__ import annotations

from typing import Any

from sluicegate.acts import releases as acts
from sluicegate.acts.act import APPLICANT, Nothing
from sluicegate.acts.documents import DocumentText, SignedStatement
from sluicegate.acts.releases import (
    AffectedCounts,
    AppealTerms,
    JsonSchema,
    OpeningToSign,
    PlanPreview,
    PlanReceipt,
    ReleaseStatus,
    StageArgument,
    StageReceipt,
    StageStatus,
    Status,
)
from sluicegate.core.lifecycle import Refusal, State, releases, signers
from sluicegate.core.lifecycle.docket import Heading
from sluicegate.core.terms import plan
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate_record.entities.release import Release
from sluicegate_record.log import times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.plan import REPLY, Plan, Stage

COUNT_SHOWN_FROM = 5


@does(acts.PREVIEW)
def preview_plan(context: Context[PlanPreview], _: DocumentText) -> PlanPreview | Refusal:
    """What a plan would change if it were applied, and who would be affected; nothing is done.

    Raises: InvalidDocument.
    """
    command = _command(context)
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
            terms_digests=terms,
            terms_to_agree=tuple(sorted(to_agree)),
            tightened=result.tightened,
            loosened=result.loosened,
            changes=result.changes,
            affects=_affected(state, result.release),
            unheard=_unheard(state, command.plan),
        )


def _unheard(state: State, given: Plan) -> dict[str, tuple[str, ...]]:
    """Why appeals may wait for ever, by the stages of a plan where they may."""
    found = {
        name: tuple(signers.unheard_appeals(state.record, given, stage))
        for name, stage in given.stages.items()
    }
    return {name: why for name, why in found.items() if why}


@does(acts.APPLY)
def apply_plan(context: Context[PlanReceipt], _: DocumentText) -> PlanReceipt | Refusal:
    """Put a plan in force. Raises: InvalidDocument, with every error's place."""
    return context.execute(_command(context))


def _command(context: Context[Any]) -> releases.ApplyPlan:
    return releases.ApplyPlan(Plan.from_json(context.document()))


@does(acts.STATUS)
def status(context: Context[Status], _: Nothing) -> Status:
    """Every release its reader may know of, with its stages: criteria, terms, opening, seats."""
    ledger, reader = context.ledger, context.principal
    with ledger.reading() as state:
        now_ms = ledger.now_ms()
        known = filter(access.known(reader, state, ledger.directs), state.releases.values())
        return Status(
            size=state.size,
            releases=tuple(_release(state, release, reader, now_ms) for release in known),
            directives_in_force=tuple(sorted(state.table.directives)),
        )


@does(acts.OPENING)
def opening(context: Context[OpeningToSign], asked: StageArgument) -> OpeningToSign | Refusal:
    """What an officer signs to open a stage."""
    with context.ledger.reading() as state:
        found = state.releases.get(asked.release)
        if found is None or asked.stage not in found.terms:
            return releases.stage_unknown(asked.release, asked.stage)
        terms = found.terms[asked.stage]
        return OpeningToSign(log=state.log, release=asked.release, stage=asked.stage, terms=terms)


@does(acts.OPEN)
def open_stage(context: Context[StageReceipt], asked: SignedStatement) -> StageReceipt | Refusal:
    """Open a stage by a signed opening."""
    return context.execute(releases.OpenStage(Envelope.from_json(asked.envelope)))


@does(acts.SCHEMA)
def schema(_: Context[JsonSchema], __: Nothing) -> JsonSchema:
    """The JSON Schema of plans."""
    return JsonSchema.from_json(plan.schema())


def _release(state: State, release: Release, reader: Principal, now_ms: int) -> ReleaseStatus:
    spec = release.plan.spec
    return ReleaseStatus(
        release=release.name,
        title=release.plan.metadata.title,
        models=tuple(model.id for model in spec.models),
        surfaces=spec.surfaces,
        announced=spec.announced,
        directs={name: tuple(sorted(spec.directed_by(name))) for name in sorted(spec.agencies)},
        stages=tuple(_stage(state, release, stage, reader, now_ms) for stage in spec.stages),
    )


def _stage(state: State, release: Release, stage: Stage, reader: Principal, now_ms: int) -> StageStatus:
    name, admission = stage.name, stage.admission
    terms = release.terms[name]
    asked = state.record.asked.get(terms)
    terms_case = state.cases[asked[-1]] if asked else None
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
    )


def _seated(principal: Principal, seated: int) -> int | None:
    """How many seats are taken. To applicants a count below 5 could tell of one organization."""
    return seated if principal.role != APPLICANT or seated >= COUNT_SHOWN_FROM else None


def _is_past(until: str | None, now_ms: int) -> bool:
    """Whether the day until which a basis was stated is over: its rules stay in force until new terms."""
    return until is not None and times.format_time(now_ms)[:10] > until


def _affected(state: State, release: str) -> AffectedCounts:
    grants = [state.grants[name] for name in state.granted.of("release", release)]
    live = [grant for grant in grants if grant.is_live]

    def is_asked(heading: Heading) -> bool:
        return heading.is_open and (heading.kind, heading.release) == (kinds.ADMISSION, release)

    return AffectedCounts(
        organizations=len({grant.organization for grant in live}),
        grants=len(live),
        open_applications=state.docket.count(is_asked),
    )
