"""Withdrawing a release and bringing it back: what an officer signs, who it reaches, and the acts."""

from __future__ import annotations

from typing import Any

from sluicegate.acts import recalls as acts
from sluicegate.acts.recalls import (
    RecalledStage,
    RecallReceipt,
    RecallToSign,
    ReleaseReach,
    RestorationReceipt,
    RestorationToSign,
    ReturningStage,
    SignedStatements,
)
from sluicegate.acts.releases import OpeningToSign, ReleaseArgument
from sluicegate.core.lifecycle import Refusal, State, recalls
from sluicegate.core.lifecycle.docket import Heading
from sluicegate.core.lifecycle.recalls import RecallRelease, RestoreRelease, StageReturn
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.service.context import Context, does
from sluicegate_record.entities.grant import Grant
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms import kinds


@does(acts.RECALLING)
def recalling(context: Context[RecallToSign], asked: ReleaseArgument) -> RecallToSign | Refusal:
    """What an officer signs to withdraw a release, and who it reaches."""
    name = asked.release
    with context.ledger.reading() as state:
        if name not in state.releases:
            return release_unknown(name)
        plan, live = state.releases[name].plan, live_grants(state, name)
        found = tuple(
            RecalledStage(
                stage=stage,
                open=bool(state.record.open_terms(name, stage)),
                grants=sum(each.stage == stage for each in live),
                in_plan=stage in plan.stages,
            )
            for stage in recalls.reached(state.record, name)
        )
        return RecallToSign(log=state.log, release=name, stages=found, reach=reach(context, state, name))


@does(acts.RECALL)
def recall(context: Context[RecallReceipt], asked: SignedStatements) -> RecallReceipt | Refusal:
    """Withdraw a release by a signed closing of each stage."""
    return context.execute(RecallRelease(tuple(map(Envelope.from_json, asked.envelopes))))


@does(acts.RESTORING)
def restoring(context: Context[RestorationToSign], asked: ReleaseArgument) -> RestorationToSign | Refusal:
    """What an officer signs to bring a release back, and what each stage waits for."""
    name, now_ms = asked.release, context.ledger.now_ms()
    with context.ledger.reading() as state:
        if name not in state.releases:
            return release_unknown(name)
        found = tuple(_returning(state, name, each) for each in recalls.returning(state, name, now_ms))
        return RestorationToSign(release=name, stages=found, reach=reach(context, state, name))


@does(acts.RESTORE)
def restore(context: Context[RestorationReceipt], asked: SignedStatements) -> RestorationReceipt | Refusal:
    """Bring a release back by a signed opening of each stage."""
    return context.execute(RestoreRelease(tuple(map(Envelope.from_json, asked.envelopes))))


def _returning(state: State, release: str, back: StageReturn) -> ReturningStage:
    stage = state.releases[release].plan.stages[back.stage]
    return ReturningStage(
        stage=back.stage,
        what=back.what,
        waits_for=back.waits_for,
        closed_ms=back.closed_ms,
        grants=sum(each.stage == back.stage for each in live_grants(state, release)),
        share=stage.ramp[0].share if stage.ramp else None,
        opening=None if back.what == "waits" else opening_to_sign(state, release, back.stage),
    )


def opening_to_sign(state: State, release: str, stage: str) -> OpeningToSign:
    """What an officer signs to open a stage. Requires: the plan has it."""
    known = state.record.shut_by(release, stage)
    return OpeningToSign(
        log=state.log,
        release=release,
        stage=stage,
        terms=state.releases[release].terms[stage],
        closing=None if known is None else known.digest,
    )


def live_grants(state: State, release: str) -> list[Grant]:
    """The grants of a release that have not ended, oldest first."""
    found = map(state.grants.__getitem__, state.granted.of("release", release))
    return [grant for grant in found if grant.is_live]


def open_applications(state: State, release: str) -> int:
    """How many applications for a release are open."""

    def is_asked(heading: Heading) -> bool:
        return heading.is_open and (heading.kind, heading.release) == (kinds.ADMISSION, release)

    return state.docket.count(is_asked)


def reach(context: Context[Any], state: State, release: str) -> ReleaseReach:
    """Who a release reaches now, and what is in flight."""
    spec, live = state.releases[release].plan.spec, live_grants(state, release)
    models = {model.id for model in spec.models}
    is_wide = any(stage.is_for_everyone for stage in spec.stages)
    accounts = [each.id for each in state.record.accounts.values() if each.is_open] if is_wide else []
    used = [each for each in context.services.usage.last_day(context.ledger.now_ms()) if each.model in models]
    return ReleaseReach(
        organizations=len({grant.organization for grant in live}),
        grants=len(live),
        accounts=len(accounts),
        keys=sum(state.keyring.valid[name] for name in (*(grant.id for grant in live), *accounts)),
        streams=sum(each.open for each in used),
        requests=sum(each.requests for each in used),
        open_applications=open_applications(state, release),
    )
