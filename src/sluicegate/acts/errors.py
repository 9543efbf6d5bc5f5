"""What an act answers that goes wrong: one form for every error."""

from __future__ import annotations

from sluicegate.acts.act import ActAnswer
from sluicegate.errors import Place
from sluicegate_record.form import form


@form
class ErrorPlace(ActAnswer):
    """Where in a document something is wrong; line and column count from 1. `field` names it, if it can.

    In a value that is no document they are 0, and `file` is the field that has it.
    """

    file: str
    line: int
    column: int
    expected: str
    found: str
    field: str = ""


@form
class ErrorDetail(ActAnswer):
    """What went wrong: a stable code, a sentence, what to do, and where."""

    code: str
    message: str
    remedy: str
    at: tuple[ErrorPlace, ...]

    def places(self) -> list[Place]:
        """Where, as an error has it."""
        return [
            Place(each.file, each.line, each.column, each.expected, each.found, each.field)
            for each in self.at
        ]


@form
class ErrorAnswer(ActAnswer):
    """The one form of every error."""

    error: ErrorDetail
