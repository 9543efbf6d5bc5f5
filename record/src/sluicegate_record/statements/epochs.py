"""What two officers sign when a log goes on from an older copy: where, and which heads are abandoned."""

from __future__ import annotations

from typing import ClassVar

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Form, Hex, Json, form
from sluicegate_record.log import merkle
from sluicegate_record.statements.statement import Statement, check_text

HEADS_MAX = 1_000


@form
class TreeHead(Form):
    """A head of a log. Units: `size` counts entries, `root` is 32 raw bytes."""

    size: int
    root: Hex


@form
class Epoch(Statement):
    """A log was lost after `restored`, and goes on from there.

    `abandoned` has every head of what was lost that a gateway or an auditor has seen, each once, in order.
    """

    TYPE: ClassVar = "urn:sluicegate:epoch:v1"

    log: str
    restored: TreeHead
    abandoned: tuple[TreeHead, ...]
    reason: str

    @property
    def subject(self) -> tuple[str, Json]:
        """The log, by the whole statement."""
        return f"epoch/{self.restored.size}", self.to_json()

    def check(self) -> None:
        """Check the heads, and that it says when it was signed. Raises: BadEnvelope."""
        check_text(self.reason, "a reason")
        if self.signed_at_ms is None:
            raise BadEnvelope("an epoch without the time at which it was signed")
        for head in (self.restored, *self.abandoned):
            if head.size < 1 or len(head.root) != merkle.HASH_BYTES:
                raise BadEnvelope("a head with 1 or more entries and a root of 32 bytes expected")
        heads = [(head.size, head.root) for head in self.abandoned]
        if not 0 < len(heads) <= HEADS_MAX or heads != sorted(set(heads)):
            raise BadEnvelope(f"1 to {HEADS_MAX} abandoned heads expected, each once, in order")
        if heads[0][0] <= self.restored.size:
            raise BadEnvelope("abandoned heads expected that are after the restored one")
