"""The entry with which a log goes on after a loss."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, entry
from sluicegate_record.form import Note
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.epochs import TreeHead


@entry("epoch.began")
class EpochBegan(Body):
    """Entries after this place were lost, and the log goes on from here, as two officers have signed.

    It is the first entry after `restored`. What the lost entries narrowed holds on with everyone who saw it.
    """

    restored: Annotated[TreeHead, Note("the entries before this one")]
    abandoned: Annotated[tuple[TreeHead, ...], Note("heads of what was lost that someone has seen")]
    reason: str
    officers: tuple[str, ...]
    digest: str
    envelope: Envelope
