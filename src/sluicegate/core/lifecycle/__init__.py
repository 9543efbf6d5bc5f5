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
    applications,
    attestations,
    credentials,
    directives,
    fleet,
    grants,
    keys,
    persons,
    points,
    positions,
    providers,
    record,
    releases,
    ticks,
)
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal, SignedCommand
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
    "envelope_of",
    "key_sets",
    "narrows",
    "signed_ms",
]

Decider = Callable[[State, Any, int, Entropy], Acceptance | Refusal]
_DECIDERS: dict[type[Command], Decider] = {
    keys.StartLog: keys.start_log,
    releases.ApplyPlan: releases.apply_plan,
    releases.OpenStage: releases.open_stage,
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
    positions.Proceed: positions.proceed,
    grants.ProveGrant: grants.prove_grant,
    grants.SuspendGrant: grants.suspend_grant,
    grants.ResumeGrant: grants.resume_grant,
    grants.SurrenderGrant: grants.surrender_grant,
    grants.ChooseFallback: grants.choose_fallback,
    grants.OpenRemoval: grants.open_removal,
    credentials.IssueCredential: credentials.issue_credential,
    credentials.RevokeCredential: credentials.revoke_credential,
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
    attestations.WithdrawAttestation: attestations.withdraw_attestation,
    directives.IssueDirective: directives.issue_directive,
    directives.Confirm: directives.confirm,
    directives.OpenLift: directives.open_lift,
    directives.EndDrill: directives.end_drill,
    directives.ReportDrill: directives.report_drill,
    directives.AddDefinition: directives.add_definition,
    fleet.NoteInForce: fleet.note_in_force,
    points.SetPoint: points.set_point,
    points.StatePoint: points.state_point,
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
    signed = envelope_of(command)
    if signed is not None and not statement.is_timely(signed, now_ms):
        return Refusal("conflict", "signed_at_another_time", statement.UNTIMELY, "sign it again, now")
    return _DECIDERS[type(command)](state, command, now_ms, entropy)


def signed_ms(command: Command) -> int | None:
    """When a command says that it was signed; None if it does not. Raises: BadEnvelope."""
    signed = envelope_of(command)
    return None if signed is None else statement.signed_ms(signed)


def key_sets(state: State, command: Command) -> list[Mapping[str, PublicKey]]:
    """The keys by which the signatures of a command may be checked when it is decided."""
    if isinstance(command, attestations.AttestCredential):
        return [attestations.keys_for(state, command)]
    return [] if envelope_of(command) is None else list(state.record.pinned().sets)


def envelope_of(command: Command) -> Envelope | None:
    """The envelope that a command carries, if it does."""
    return command.envelope if isinstance(command, SignedCommand | directives.OpenLift) else None


def narrows(command: Command, state: State | None = None) -> bool:
    """Whether a command that directs provably narrows access: whatever is on the record, or after a state.

    A drill does not; a directive in place of another does if it stops all that the other stopped.
    Raises: InvalidInput: the command is malformed.
    """
    return isinstance(command, directives.IssueDirective) and directives.narrows(command, state)
