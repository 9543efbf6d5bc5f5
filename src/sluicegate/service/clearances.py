"""Clearances: what parties sign about the requirements of stages."""

from __future__ import annotations

from sluicegate.acts import clearances as acts
from sluicegate.acts.clearances import ClearanceArgument, ClearanceReceipt, ClearanceToSign
from sluicegate.acts.documents import SignedStatement
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.clearances import RecordClearance, newest
from sluicegate.core.lifecycle.releases import stage_unknown
from sluicegate.errors import InvalidInput
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.terms.clearances import CLEARANCES


@does(acts.TO_SIGN)
def to_sign(context: Context[ClearanceToSign], asked: ClearanceArgument) -> ClearanceToSign | Refusal:
    """What the caller's party signs. Raises: InvalidInput: no such word."""
    if asked.says not in CLEARANCES:
        raise InvalidInput(f"one of {', '.join(CLEARANCES)} expected, found {asked.says[:40]!r}")
    principal = context.principal
    with context.ledger.reading() as state:
        release = state.releases.get(asked.release)
        if release is None or not access.known(principal, state, context.ledger.directs)(release):
            return stage_unknown(asked.release, asked.about)
        party = access.party_of(principal, state)
        said = Clearance(
            log=state.log, release=asked.release, party=party, says=asked.says, about=asked.about
        )
        known = newest(state.record, said)
        return ClearanceToSign(
            log=state.log,
            release=asked.release,
            party=party,
            says=asked.says,
            about=asked.about,
            previous=None if known is None else known.digest,
        )


@does(acts.RECORD)
def record(context: Context[ClearanceReceipt], asked: SignedStatement) -> ClearanceReceipt | Refusal:
    """Put a party's word on the record. Raises: BadEnvelope."""
    return context.execute(RecordClearance(Envelope.from_json(asked.envelope)))
