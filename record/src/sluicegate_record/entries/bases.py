"""Entries of a basis with a date: its parties are reminded, and its date is over."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, entry
from sluicegate_record.form import Note, form


@form
class OfBasis(Body):
    """A body about the basis of a stage, by its terms. `until` is its last day."""

    release: str
    stage: str
    terms: str
    until: str


@entry("basis.reminded")
class BasisReminded(OfBasis):
    """The date of a basis is near, and what follows then."""

    then: Annotated[str, Note("`lapse`, `stay`")]


@entry("basis.ended")
class BasisEnded(OfBasis):
    """The date of a basis is over: its rules lapse, or stay until new terms are agreed to.

    `case` is the review that decided it, or was not decided in time.
    """

    then: Annotated[str, Note("`lapse`, `stay`")]
    case: str | None = None
