"""What took a stage back: a closing, or a requirement that no longer holds."""

from __future__ import annotations

from sluicegate_record.form import Form, Time, form


@form
class Closing(Form):
    """The newest closing of a stage. `digest` is that of the officer's statement, until an opening undoes it.

    `seen` are the statements of all closings of the stage: one counts once. `terms` were open until then.
    """

    seq: int
    at_ms: Time
    terms: tuple[str, ...]
    digest: str | None = None
    seen: tuple[str, ...] = ()


@form
class Lack(Form):
    """What an open stage lacks, since when, and what follows; nothing if `lost` is empty."""

    since_ms: Time
    lost: tuple[str, ...]
    then: str


def key_of(release: str, stage: str) -> str:
    """The name under which the newest closing of a stage is kept."""
    return f"{release}/{stage}"


SOUND = Lack(since_ms=0, lost=(), then="")
"""A stage lacks nothing."""
