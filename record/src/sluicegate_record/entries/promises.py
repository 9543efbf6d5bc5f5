"""Entries of promises: made, kept, changed, broken.

Its party signs each word on a promise. Earlier builds did not ask for that: then `envelope` is not there, and
the log says who made the promise, by the token of who did.
"""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, entry
from sluicegate_record.form import Note, Time, form
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.about import About
from sluicegate_record.statements.promises import NO_SUBJECT


@form
class OfPromise(Body):
    """A body about a promise, by the party that made it. `owner` signed it for that party."""

    promise: str
    party: str
    owner: str | None = None
    digest: Annotated[str | None, Note("of what was signed")] = None
    envelope: Annotated[Envelope | None, Note("if its party signed")] = None


@entry("promise.made")
class PromiseMade(OfPromise):
    """A party says what it will do, and until when. `default` is what follows if it does not."""

    text: str
    due_ms: Time
    default: str | None = None
    about: Annotated[About, Note("a stage, a case or a directive")] = NO_SUBJECT


@entry("promise.kept")
class PromiseKept(OfPromise):
    """Its party says that it has kept a promise. A stage that opens keeps one about it without an entry."""

    text: str | None = None


@entry("promise.changed")
class PromiseChanged(OfPromise):
    """Its party changes a promise that is open: another time, other words, and why."""

    reason: str
    due_ms: Time
    text: str
    default: str | None = None


@entry("promise.broken")
class PromiseBroken(OfPromise):
    """A promise is broken: its time is over, or its party says that it will not keep it, and why."""

    how: Annotated[str, Note("`time`, `act`")]
    reason: str | None = None
