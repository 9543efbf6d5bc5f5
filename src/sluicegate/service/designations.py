"""Designations: what an agency signs, what would follow, its word on the record, its reconsideration."""

from __future__ import annotations

from sluicegate.acts import designations as acts
from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.designations import (
    DesignationArgument,
    DesignationReceipt,
    DesignationToSign,
    ReconsiderationCase,
    ReconsiderationRequest,
    SignedDesignation,
)
from sluicegate.core.lifecycle import Refusal, State, designations
from sluicegate.core.lifecycle.designations import Reconsider, RecordDesignation
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate_record.log.dsse import Envelope


@does(acts.TO_SIGN)
def to_sign(context: Context[DesignationToSign], asked: DesignationArgument) -> DesignationToSign | Refusal:
    """What an agency signs to designate a model, and what would follow."""
    ledger = context.ledger
    with ledger.reading() as state:
        release = state.releases.get(asked.release)
        if release is None or not access.known(context.principal, state, ledger.directs)(release):
            return release_unknown(asked.release)
        agency = _agency(context, state, asked)
        if isinstance(agency, Refusal):
            return agency
        return designations.to_sign(state, asked, agency, ledger.now_ms())


def _agency(context: Context[DesignationToSign], state: State, asked: DesignationArgument) -> str | Refusal:
    """The agency that would designate: the one that is named, the caller's, or the only one that may."""
    principal = context.principal
    if asked.agency is not None:
        return asked.agency
    if principal.role != DEVELOPER:
        return access.party_of(principal, state)
    stated = state.releases[asked.release].stated.spec.designations
    may = () if stated is None else stated.by
    if len(may) == 1:
        return may[0]
    text = f"agencies that may designate: {', '.join(may) or 'none, by the terms'}"
    return Refusal("conflict", "agency_missing", text, "say which one: --agency NAME")


@does(acts.RECORD)
def record(context: Context[DesignationReceipt], asked: SignedDesignation) -> DesignationReceipt | Refusal:
    """Put an agency's judgement on the record. Raises: BadEnvelope."""
    return context.execute(RecordDesignation(Envelope.from_json(asked.envelope), asked.opened))


@does(acts.RECONSIDER)
def reconsider(
    context: Context[ReconsiderationCase], asked: ReconsiderationRequest
) -> ReconsiderationCase | Refusal:
    """Ask that a designation be reconsidered."""
    return context.execute(Reconsider(asked.release, asked.designation, asked.text))
