"""The documents in what an act is asked with: plans, directives and organization files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sluicegate.acts.act import Arguments
from sluicegate.acts.applications import Amendment, NominationText, Submission
from sluicegate.acts.directives import DirectiveText
from sluicegate.acts.documents import DocumentText
from sluicegate.acts.drafts import DraftEdit
from sluicegate.acts.errors import ErrorDetail, ErrorPlace
from sluicegate.core.directives import directive
from sluicegate.core.people import application
from sluicegate.core.terms import document, plan
from sluicegate.core.terms.document import YamlDocument
from sluicegate.errors import InvalidDocument, Place, SluicegateError
from sluicegate_record.form import Exact, Json, form


@form
class Reading(Exact):
    """What the text of a document was read as: its value in JSON, or what is wrong with it."""

    value: Json = None
    fault: ErrorDetail | None = None

    def required(self) -> Any:
        """The value. Raises: InvalidDocument."""
        if self.fault is not None:
            raise raised(self.fault, InvalidDocument)
        return self.value


def _plan(given: YamlDocument) -> Json:
    return plan.read(given).to_json()


_Kind = tuple[str, Callable[[YamlDocument], Json]]
_KINDS: dict[type[Arguments], _Kind] = {
    Submission: ("organization", application.read),
    NominationText: ("organization", application.read),
    Amendment: ("organization", application.read),
    DraftEdit: ("organization", application.read),
    DocumentText: ("text", _plan),
    DirectiveText: ("text", directive.read),
}
"""Which field is the text of a document, and what reads it."""


def has_one(asked: type[Arguments]) -> bool:
    """Whether an act that is asked so may have a document."""
    return asked in _KINDS


def read(asked: Arguments) -> Reading | None:
    """The document in what an act is asked with; None without one."""
    if type(asked) not in _KINDS:
        return None
    name, reader = _KINDS[type(asked)]
    text, file = getattr(asked, name), asked.file  # type: ignore[attr-defined]  # each of them has it
    if text is None:
        return None
    try:
        return Reading(value=reader(document.read(text, file)))
    except InvalidDocument as error:
        return Reading(fault=detail(error))


def detail(error: SluicegateError) -> ErrorDetail:
    """An error as it crosses to another process, and to a client."""
    places = tuple(
        ErrorPlace(
            file=each.file, line=each.line, column=each.column, expected=each.expected, found=each.found
        )
        for each in error.at
    )
    return ErrorDetail(code=error.code, message=error.message, remedy=error.remedy, at=places)


def raised(found: ErrorDetail, kind: type[SluicegateError]) -> SluicegateError:
    """The error of a kind that another process has found."""
    places = [Place(each.file, each.line, each.column, each.expected, each.found) for each in found.at]
    return kind(found.message, code=found.code, remedy=found.remedy, at=places)
