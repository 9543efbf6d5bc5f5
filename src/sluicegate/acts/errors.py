"""What an act answers that goes wrong: one form for every error."""

from __future__ import annotations

from sluicegate.acts.act import ActAnswer
from sluicegate_record.form import form


@form
class ErrorPlace(ActAnswer):
    """Where in a document something is wrong; line and column count from 1."""

    file: str
    line: int
    column: int
    expected: str
    found: str


@form
class ErrorDetail(ActAnswer):
    """What went wrong: a stable code, a sentence, what to do, and where."""

    code: str
    message: str
    remedy: str
    at: tuple[ErrorPlace, ...]


@form
class ErrorAnswer(ActAnswer):
    """The one form of every error."""

    error: ErrorDetail
