"""The documents in what an act is asked with: plans, directives, organization files and lists of keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sluicegate.acts.accounts import NewAccount
from sluicegate.acts.act import Arguments
from sluicegate.acts.applications import Amendment, NominationText, Submission
from sluicegate.acts.directives import DirectiveText
from sluicegate.acts.documents import ListedPlan
from sluicegate.acts.drafts import DraftEdit
from sluicegate.acts.errors import ErrorDetail, ErrorPlace
from sluicegate.acts.imports import KeyPart
from sluicegate.acts.releases import PlanText
from sluicegate.core.access import keylist
from sluicegate.core.directives import directive
from sluicegate.core.people import application, lists
from sluicegate.core.terms import document, plan
from sluicegate.core.terms.document import YamlDocument
from sluicegate.errors import InvalidDocument, SluicegateError
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


def _plan(asked: ListedPlan) -> Reading:
    return _reading(lambda: _read_plan(asked))


def _read_plan(asked: ListedPlan) -> Json:
    for file, names in asked.lists.items():
        lists.check(names, file)
    return plan.read(document.read(asked.text, asked.file), asked.lists).to_json()


def _yaml(field: str, reader: Callable[[YamlDocument], Json]) -> Callable[[Any], Reading | None]:
    """What reads the field of an act that is the text of a document, if it is given."""

    def read(asked: Any) -> Reading | None:
        text = getattr(asked, field)
        return None if text is None else _reading(lambda: reader(document.read(text, asked.file)))

    return read


def _keys(asked: KeyPart) -> Reading:
    return _reading(lambda: keylist.read(asked.text, asked.file, asked.line).to_json())


def _reading(value: Callable[[], Json]) -> Reading:
    try:
        return Reading(value=value())
    except InvalidDocument as error:
        return Reading(fault=detail(error))


_KINDS: dict[type[Arguments], Callable[[Any], Reading | None]] = {
    Submission: _yaml("organization", application.read),
    NewAccount: _yaml("organization", application.read),
    NominationText: _yaml("organization", application.read),
    Amendment: _yaml("organization", application.read),
    DraftEdit: _yaml("organization", application.read),
    ListedPlan: _plan,
    PlanText: _plan,
    DirectiveText: _yaml("text", directive.read),
    KeyPart: _keys,
}
"""What reads the document of each act that has one."""


def has_one(asked: type[Arguments]) -> bool:
    """Whether an act that is asked so may have a document."""
    return asked in _KINDS


def read(asked: Arguments) -> Reading | None:
    """The document in what an act is asked with; None without one."""
    reader = _KINDS.get(type(asked))
    return None if reader is None else reader(asked)


def detail(error: SluicegateError) -> ErrorDetail:
    """An error as it crosses to another process, and to a client."""
    places = tuple(ErrorPlace(**asdict(each)) for each in error.at)
    return ErrorDetail(code=error.code, message=error.message, remedy=error.remedy, at=places)


def raised(found: ErrorDetail, kind: type[SluicegateError]) -> SluicegateError:
    """The error of a kind that another process has found."""
    return kind(found.message, code=found.code, remedy=found.remedy, at=found.places())
