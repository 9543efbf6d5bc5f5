"""Replacing the log's own key: the key before signs the next one, or two officers do."""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.act import Done
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import other_log
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.key import OWNERS_TOGETHER
from sluicegate_record.entries import Draft
from sluicegate_record.entries.releases import LogKeyReplaced
from sluicegate_record.form import form
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.handovers import Handover, is_signed_by_log


@form
class LogKeyReceipt(Done):
    """The key that signs the log now, and the officers who signed that, if the key before did not."""

    key: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReplaceLogKey(SignedCommand):
    """Let another key sign the log. `head` is the signed head of the log as it is, by the key before."""

    head: str


def replace_log_key(
    state: State, command: ReplaceLogKey, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `ReplaceLogKey`. Requires: the ledger signs with the new key."""
    said, keys = Handover.read(command.envelope), state.record.log_keys
    if said.log != state.log:
        return other_log()
    if said.replaces != keys.current.vkey or keys.knows(said.key):
        text = f"it replaces {said.replaces} by {said.key}, and {keys.current.vkey} signs this log"
        return Refusal("conflict", "log_key_moved", text, "sign again: 'sluicegate keys rotate-log'")
    officers: tuple[str, ...] = ()
    if not is_signed_by_log(command.envelope, said.key):
        text = "the new key of the log did not sign"
        return Refusal("unverified", "signature_invalid", text, "sign again: 'sluicegate keys rotate-log'")
    if not is_signed_by_log(command.envelope, said.replaces):
        officers = tuple(sorted(state.record.pinned().owners(command.envelope, state.developer)))
        if len(officers) < OWNERS_TOGETHER:
            text = f"{len(officers)} of {OWNERS_TOGETHER} officers signed, and the key before did not"
            return Refusal(
                "unverified",
                "second_officer",
                text,
                "officers sign it: 'sluicegate keys countersign FILE --key KEY -o FILE'",
            )
    body = LogKeyReplaced(
        replaces=said.replaces,
        key=said.key,
        reason=said.reason,
        head=command.head,
        officers=officers,
        digest=command.envelope.digest,
        envelope=command.envelope,
    )
    return Acceptance([Draft("log", body)], LogKeyReceipt(key=said.key, by=officers))
