"""Observations: what a party signs of a request it makes, take it, list what surfaces answered.

Rules:
- The signature says who observed; the token only says who carried it.
- An observation is for the parties that may know of its release. For others it does not exist.
"""

from __future__ import annotations

from sluicegate.acts import observations as acts
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.observations import (
    ObservationFilter,
    ObservationReceipt,
    Observations,
    ObservationToSign,
    ProbeArgument,
)
from sluicegate.core.lifecycle import Refusal, observations
from sluicegate.core.lifecycle.observations import RecordObservation
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.observations import ObservationStatement


@does(acts.TO_SIGN)
def to_sign(context: Context[ObservationToSign], asked: ProbeArgument) -> ObservationToSign | Refusal:
    """What the caller's party signs about a request that it makes now."""
    with context.ledger.reading() as state:
        release = state.releases.get(asked.release)
        if release is None or not access.known(context.principal, state, context.ledger.directs)(release):
            return release_unknown(asked.release)
        observer = access.party_of(context.principal, state)
        return observations.to_sign(state, observer, asked.probe, context.ledger.now_ms())


@does(acts.RECORD)
def record(context: Context[ObservationReceipt], asked: SignedStatement) -> ObservationReceipt | Refusal:
    """Put what a surface answered on the record, if it is news. Raises: BadEnvelope."""
    envelope = Envelope.from_json(asked.envelope)
    said = ObservationStatement.read(envelope)
    with context.ledger.reading() as state:
        release = state.releases.get(said.probe.release)
        knows = access.known(context.principal, state, context.ledger.directs)
        if release is not None and not knows(release):
            return release_unknown(release.name)
    return context.execute(RecordObservation(envelope))


@does(acts.LIST)
def listed(context: Context[Observations], wanted: ObservationFilter) -> Observations:
    """The newest observation of each probe, of releases that the reader may know of."""
    with context.ledger.reading() as state:
        knows = access.known(context.principal, state, context.ledger.directs)
        found = (
            each
            for each in state.record.observations.values()
            if wanted.release in {None, each.probe.release}
            and wanted.shows in {None, each.verdict}
            and knows(state.releases[each.probe.release])
        )
        rows = tuple(map(observations.view, observations.sorted_for_reading(found)))
        return Observations(size=state.size, observations=rows)
