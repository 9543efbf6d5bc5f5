"""The end of a release: when it was closed, and its report."""

from __future__ import annotations

from sluicegate_record.entries.closures import ReleaseReport
from sluicegate_record.form import Form, Time, form


@form
class Closure(Form):
    """A release that is closed. `digest` is that of the officer's statement."""

    release: str
    seq: int
    at_ms: Time
    report: ReleaseReport
    officer: str
    digest: str
