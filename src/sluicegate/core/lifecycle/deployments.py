"""Deployments: what the developer says serves a release, and what rests on which weights and safeguards.

Rules:
- A statement may say what no plan has. Then it is on the record, and requests under other terms are refused.
- Who takes a statement back need not sign: it only narrows.
"""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.deployments import DeploymentReceipt
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import signer_here
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entries import Draft
from sluicegate_record.entries.deployments import DeploymentAttested, DeploymentEnded
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.deployments import DeploymentStatement


@dataclass(frozen=True, slots=True)
class AttestDeployment(SignedCommand):
    """Put the developer's signed statement of what serves a release on the record."""


@dataclass(frozen=True, slots=True)
class EndDeployment(Command):
    """Take the newest statement about a release back."""

    release: str
    reason: str


def attest_deployment(
    state: State, command: AttestDeployment, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `AttestDeployment`. The newest statement again changes nothing."""
    said, digest = DeploymentStatement.read(command.envelope), command.envelope.digest
    key = signer_here(state, command.envelope, state.developer, said.log)
    if isinstance(key, Refusal):
        return key
    if said.release not in state.releases:
        return release_unknown(said.release)
    last = state.record.deployments.get(said.release)
    receipt = DeploymentReceipt(deployment=digest, release=said.release, until_ms=said.until_ms)
    if last is not None and last.id == digest and last.ended_ms is None:
        return Acceptance([], receipt)
    if said.previous != (None if last is None else last.id):
        text = "the statement does not follow the newest one about this release"
        return Refusal(
            "conflict",
            "deployment_moved",
            text,
            "sign it again: 'sluicegate deployment sign RELEASE --key KEY'",
        )
    if said.until_ms <= now_ms:
        return Refusal("conflict", "deployment_over", "the statement's time is over", "sign it again")
    body = DeploymentAttested(
        log=said.log,
        release=said.release,
        serves=said.serves,
        signed_at_ms=said.signed_at_ms or now_ms,
        until_ms=said.until_ms,
        officer=key.owner,
        digest=digest,
        envelope=command.envelope,
    )
    return Acceptance([Draft(said.release, body)], receipt)


def end_deployment(
    state: State, command: EndDeployment, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `EndDeployment`."""
    last = state.record.deployments.get(command.release)
    if last is None or last.ended_ms is not None or now_ms >= last.until_ms:
        text = f"no statement about {command.release!r} holds"
        return Refusal(
            "conflict", "deployment_none", text, "'sluicegate deployment show RELEASE' shows the newest one"
        )
    body = DeploymentEnded(release=command.release, deployment=last.id, reason=command.reason)
    receipt = DeploymentReceipt(
        deployment=last.id, release=command.release, until_ms=last.until_ms, holds=False
    )
    return Acceptance([Draft(command.release, body)], receipt)
