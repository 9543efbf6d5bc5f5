"""Entries of ramps: how an officer moves the share of a stage that is open for everyone."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, entry
from sluicegate_record.form import Note, within
from sluicegate_record.log.dsse import Envelope


@entry("stage.ramped")
class StageRamped(Body):
    """An officer pauses a ramp, lets it go on, or takes it back to an earlier share.

    From here on the shares follow from the moment of this entry: `over_ms` of the ramp's time is over then.
    """

    log: str
    release: str
    stage: str
    says: Annotated[str, Note("`pauses`, `continues`, `returns`")]
    share: Annotated[int | None, Note("per cent, if it returns")] = None
    over_ms: Annotated[int, within(0)]
    reason: str
    officer: str
    digest: str
    envelope: Envelope
