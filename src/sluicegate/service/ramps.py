"""Ramps: where one stands, who a move takes access from, and the move."""

from __future__ import annotations

from sluicegate.acts import ramps as acts
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.ramps import RampArgument, RampReceipt, RampToSign
from sluicegate.core.access.coverage import Held
from sluicegate.core.access.membership import Membership, membership
from sluicegate.core.access.table import Table
from sluicegate.core.lifecycle import Refusal, ramps
from sluicegate.core.lifecycle.ramps import MoveRamp
from sluicegate.service.context import Context, does
from sluicegate.service.counting import settled
from sluicegate_record.form import replace
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms.audience import PLACES


@does(acts.TO_SIGN)
def to_sign(context: Context[RampToSign], asked: RampArgument) -> RampToSign | Refusal:
    """What an officer signs to move a ramp, and who loses access if it goes back."""
    ledger, now_ms = context.ledger, context.ledger.now_ms()
    with ledger.reading() as state:
        course = ramps.ramp_of(state.record, asked.release, asked.stage)
        if isinstance(course, Refusal):
            return course
        no_share = None if asked.to is None else ramps.no_earlier(state.record, course, asked.to, now_ms)
        if no_share is not None:
            return no_share
        stands = ramps.shown(state.record, asked.release, asked.stage, now_ms)
        answer = RampToSign(
            log=state.log,
            release=asked.release,
            stage=asked.stage,
            share=100 if stands is None else stands.share,
            paused=stands is not None and stands.paused,
            previous=course.digest,
        )
    if asked.to is None:
        return answer
    left = asked.to * PLACES // 100

    def counted(table: Table, held: Held) -> Membership:
        return membership(table, asked.release, left, now_ms, held)

    found = settled(ledger, counted)
    return replace(answer, organizations=found.now, losing=found.losing, kept=found.kept)


@does(acts.MOVE)
def move(context: Context[RampReceipt], asked: SignedStatement) -> RampReceipt | Refusal:
    """Move a ramp by a signed word. Raises: BadEnvelope."""
    return context.execute(MoveRamp(Envelope.from_json(asked.envelope)))
