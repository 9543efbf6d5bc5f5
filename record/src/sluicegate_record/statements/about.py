"""What a note is about."""

from __future__ import annotations

from sluicegate_record.form import Exact, form


@form
class About(Exact):
    """What a note is about: a stage of a release, a case, or a directive."""

    release: str | None = None
    stage: str | None = None
    case: str | None = None
    directive: str | None = None
