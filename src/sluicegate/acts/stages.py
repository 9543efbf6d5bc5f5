"""What a stage requires before it opens, as it is shown."""

from __future__ import annotations

from typing import Annotated, Literal

from sluicegate.acts.act import ActAnswer
from sluicegate_record.form import Note, Time, form


@form
class RequirementView(ActAnswer):
    """One requirement of a stage: `met`; `comes` at a moment, if nothing more happens; or `missing`."""

    requirement: Annotated[str, Note("As the plan says it.")]
    words: str
    state: Literal["met", "comes", "missing"]
    since_ms: Annotated[Time | None, Note("Since when it holds, or since when it waits, if that is known.")]
    at_ms: Annotated[Time | None, Note("When it comes.")] = None
    clears: Annotated[tuple[str, ...], Note("Who can clear it; nobody, if only time can.")] = ()
    when_lost: Annotated[str, Note("What follows if it no longer holds.")] = "halt"
