"""Going on after a loss: two officers say where the log goes on, and which heads are abandoned."""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.act import Done
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import other_log, owners_for
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.key import OWNERS_TOGETHER
from sluicegate_record.entries import Draft
from sluicegate_record.entries.epochs import EpochBegan
from sluicegate_record.form import form
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.epochs import Epoch, TreeHead


@form
class EpochReceipt(Done):
    """The epoch that has begun."""

    restored: TreeHead
    abandoned: tuple[TreeHead, ...]


@dataclass(frozen=True, slots=True)
class BeginEpoch(SignedCommand):
    """Go on after a loss, as two officers have signed. It is the first command after the restore."""


def begin_epoch(state: State, command: BeginEpoch, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `BeginEpoch`. Requires: who has the tree has compared the root of what was restored."""
    said = Epoch.read(command.envelope)
    if said.log != state.log:
        return other_log()
    owners = owners_for(state, command.envelope, state.developer)
    if isinstance(owners, Refusal):
        return owners
    if len(owners) < OWNERS_TOGETHER:
        text = f"signed by {', '.join(owners)}; an epoch needs {OWNERS_TOGETHER} officers"
        return Refusal(
            "unverified",
            "second_officer",
            text,
            "let another officer sign it: 'sluicegate backup sign FILE --key KEY -o FILE'",
        )
    if said.restored.size != state.size:
        text = f"it begins after {said.restored.size} entries, and the log has {state.size}"
        return Refusal("conflict", "epoch_elsewhere", text, "restore the backup again, or sign for this log")
    if not state.record.abandoned.isdisjoint(said.abandoned):
        text = "an earlier epoch has abandoned one of its heads"
        return Refusal("conflict", "epoch_again", text, "sign a new one, for what was lost now")
    body = EpochBegan(
        restored=said.restored,
        abandoned=said.abandoned,
        reason=said.reason,
        officers=owners,
        digest=command.envelope.digest,
        envelope=command.envelope,
    )
    receipt = EpochReceipt(restored=said.restored, abandoned=said.abandoned)
    return Acceptance([Draft("log", body)], receipt)
