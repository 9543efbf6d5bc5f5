"""Deployments: what the developer says serves a release, what rests on it, and its end.

Rules:
- What is said of a release is for those who may know of it. For others it does not exist.
- How many grants there are is for the staff and for agencies.
"""

from __future__ import annotations

from sluicegate.acts import deployments as acts
from sluicegate.acts.deployments import (
    DeploymentArgument,
    DeploymentEnd,
    DeploymentReceipt,
    ReleaseDeployment,
)
from sluicegate.acts.documents import SignedStatement
from sluicegate.core.lifecycle import Refusal, digests
from sluicegate.core.lifecycle.deployments import AttestDeployment, EndDeployment
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate_record.log.dsse import Envelope


@does(acts.SHOW)
def show(context: Context[ReleaseDeployment], asked: DeploymentArgument) -> ReleaseDeployment | Refusal:
    """What the developer says serves a release, and what rests on which digests."""
    ledger, now_ms = context.ledger, context.ledger.now_ms()
    with ledger.reading() as state:
        release = state.releases.get(asked.release)
        if release is None or not access.known(context.principal, state, ledger.directs)(release):
            return release_unknown(asked.release)
        found, asks = state.record.deployments.get(release.name), release.plan.spec.deployments
        counts = not access.is_outside(context.principal)
        return ReleaseDeployment(
            size=state.size,
            log=state.log,
            release=release.name,
            developer=state.developer,
            at_most=None if asks is None else asks.at_most,
            statement=None if found is None else digests.view(state, found, now_ms),
            digests=tuple(digests.resting(state, release, now_ms, counts=counts)),
            planned=digests.planned(release),
        )


@does(acts.ATTEST)
def attest(context: Context[DeploymentReceipt], asked: SignedStatement) -> DeploymentReceipt | Refusal:
    """Put a signed statement on the record. Raises: BadEnvelope."""
    return context.execute(AttestDeployment(Envelope.from_json(asked.envelope)))


@does(acts.END)
def end(context: Context[DeploymentReceipt], asked: DeploymentEnd) -> DeploymentReceipt | Refusal:
    """Take the newest statement about a release back."""
    return context.execute(EndDeployment(asked.release, asked.reason))
