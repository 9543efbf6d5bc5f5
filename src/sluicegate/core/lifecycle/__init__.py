"""The life of releases, cases, grants, credentials, persons and directives: `decide(state, command, now)`.

Rules:
- Pure: the same state, command, time and entropy give the same entries.
- A refusal changes nothing. An acceptance is a list of drafts; the writer gives them their place.
- Each family of commands has a module. A command is a dataclass, and one function beside it has its rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sluicegate.core.lifecycle import (
    accounts,
    applications,
    attestations,
    clearances,
    closures,
    credentials,
    deployments,
    designations,
    directives,
    drills,
    epochs,
    evidence,
    findings,
    fleet,
    grants,
    imports,
    keys,
    licences,
    logkeys,
    observations,
    persons,
    points,
    positions,
    promises,
    providers,
    ramps,
    recalls,
    record,
    referrals,
    releases,
    ticks,
)
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal, SignedCommand, SignedTogether
from sluicegate.core.lifecycle.state import Ahead, State
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements import statement

__all__ = [
    "Acceptance",
    "Ahead",
    "Command",
    "Refusal",
    "State",
    "decide",
    "envelopes_of",
    "key_sets",
    "narrows",
    "signed_ms",
]

Decider = Callable[[State, Any, int, Entropy], Acceptance | Refusal]
_DECIDERS: dict[type[Command], Decider] = {
    keys.StartLog: keys.start_log,
    keys.RecordKey: keys.record_key,
    releases.ApplyPlan: releases.apply_plan,
    releases.OpenStage: releases.open_stage,
    releases.CloseStage: releases.close_stage,
    recalls.RecallRelease: recalls.recall_release,
    recalls.RestoreRelease: recalls.restore_release,
    clearances.RecordClearance: clearances.record_clearance,
    designations.RecordDesignation: designations.record_designation,
    designations.Reconsider: designations.reconsider,
    evidence.RecordEvidence: evidence.record_evidence,
    findings.RecordFinding: findings.record_finding,
    deployments.AttestDeployment: deployments.attest_deployment,
    deployments.EndDeployment: deployments.end_deployment,
    observations.RecordObservation: observations.record_observation,
    evidence.WithdrawEvidence: evidence.withdraw_evidence,
    accounts.OpenAccount: accounts.open_account,
    accounts.CloseAccount: accounts.close_account,
    applications.Nominate: applications.nominate,
    applications.SubmitApplication: applications.submit_application,
    applications.Amend: applications.amend,
    applications.Answer: applications.answer,
    applications.Accept: applications.accept,
    applications.Withdraw: applications.withdraw,
    applications.Return: applications.return_case,
    applications.Reply: applications.reply,
    applications.OpenAppeal: applications.open_appeal,
    positions.Receive: positions.receive,
    positions.RecordPosition: positions.record_position,
    positions.TranscribePosition: positions.transcribe_position,
    positions.Screen: positions.screen,
    referrals.Refer: referrals.refer,
    positions.Proceed: positions.proceed,
    grants.ProveGrant: grants.prove_grant,
    grants.NoteDifference: grants.note_difference,
    grants.SuspendGrant: grants.suspend_grant,
    grants.ResumeGrant: grants.resume_grant,
    grants.SurrenderGrant: grants.surrender_grant,
    grants.ChooseFallback: grants.choose_fallback,
    grants.OpenRemoval: grants.open_removal,
    credentials.IssueCredential: credentials.issue_credential,
    credentials.RevokeCredential: credentials.revoke_credential,
    credentials.RotateCredential: credentials.rotate_credential,
    imports.TakeKeys: imports.take_keys,
    imports.CompleteImport: imports.complete_import,
    imports.DiscardImport: imports.discard_import,
    persons.RegisterMembers: persons.register_members,
    persons.RemoveMembers: persons.remove_members,
    persons.ClaimStatus: persons.claim_status,
    persons.HandInAssertion: persons.hand_in_assertion,
    persons.RevokeClaim: persons.revoke_claim,
    providers.RegisterProvider: providers.register_provider,
    providers.RotateKeys: providers.rotate_keys,
    providers.RemoveProvider: providers.remove_provider,
    attestations.PinSignatory: attestations.pin_signatory,
    attestations.RetireSignatory: attestations.retire_signatory,
    attestations.AttestCredential: attestations.attest_credential,
    attestations.DeclareIdentifiers: attestations.declare_identifiers,
    attestations.WithdrawAttestation: attestations.withdraw_attestation,
    directives.IssueDirective: directives.issue_directive,
    directives.Confirm: directives.confirm,
    directives.OpenLift: directives.open_lift,
    drills.EndDrill: drills.end_drill,
    drills.ReportDrill: drills.report_drill,
    directives.AddDefinition: directives.add_definition,
    fleet.NoteInForce: fleet.note_in_force,
    points.SetPoint: points.set_point,
    points.StatePoint: points.state_point,
    licences.RequestLicence: licences.request_licence,
    licences.EndLicence: licences.end_licence,
    promises.RecordPromise: promises.record_promise,
    ramps.MoveRamp: ramps.move_ramp,
    closures.CloseRelease: closures.close_release,
    epochs.BeginEpoch: epochs.begin_epoch,
    logkeys.ReplaceLogKey: logkeys.replace_log_key,
    record.AddNote: record.add_note,
    record.UseList: record.use_list,
    ticks.Tick: ticks.tick,
}


COMMANDS = frozenset(_DECIDERS)
"""Every command."""


def decide(state: State, command: Command, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide a command.

    Units:  now_ms milliseconds since 1970 UTC, never earlier than `state.at_ms`.
    Raises: InvalidInput: the command is malformed.
    """
    if not all(statement.is_timely(each, now_ms) for each in envelopes_of(command)):
        return Refusal("conflict", "signed_at_another_time", statement.UNTIMELY, "sign it again, now")
    return _DECIDERS[type(command)](state, command, now_ms, entropy)


def signed_ms(command: Command) -> int | None:
    """When a command says that it was signed, all of it; None if it does not. Raises: BadEnvelope."""
    signed = [statement.signed_ms(each) for each in envelopes_of(command)]
    return None if not signed or None in signed else max(each for each in signed if each is not None)


def key_sets(state: State, command: Command) -> list[Mapping[str, PublicKey]]:
    """The keys by which the signatures of a command may be checked when it is decided."""
    if isinstance(command, attestations.AttestCredential | attestations.DeclareIdentifiers):
        return [attestations.keys_for(state, command)]
    return list(state.record.pinned().sets) if envelopes_of(command) else []


def envelopes_of(command: Command) -> tuple[Envelope, ...]:
    """The envelopes that a command carries, if it does."""
    if isinstance(command, SignedTogether):
        return command.envelopes
    signed = command.envelope if isinstance(command, SignedCommand | directives.OpenLift) else None
    return () if signed is None else (signed,)


def narrows(command: Command, state: State | None = None) -> bool:
    """Whether a command that directs provably narrows access: whatever is on the record, or after a state.

    A drill does not; a directive in place of another does if it stops all that the other stopped.
    Raises: InvalidInput: the command is malformed.
    """
    if isinstance(command, ramps.MoveRamp):
        return ramps.narrows(command)
    if isinstance(command, keys.RecordKey):
        return keys.narrows(command)
    return isinstance(command, directives.IssueDirective) and directives.narrows(command, state)
