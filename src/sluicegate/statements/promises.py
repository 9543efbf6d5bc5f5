"""What a party signs of what it promises: that it makes, keeps, changes or breaks a promise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from sluicegate.acts import promises
from sluicegate.acts.fields import Day, Identifier, text
from sluicegate.acts.promises import PromiseArgument
from sluicegate.errors import InvalidInput
from sluicegate.statements import words
from sluicegate.statements.kind import (
    Making,
    StatementKind,
    UnsignedStatement,
    Wording,
    about,
    filled,
    options,
    present,
    public,
    shown_by,
)
from sluicegate_record.form import Json, Note, form
from sluicegate_record.log import times
from sluicegate_record.statements.promises import BREAKS, CHANGES, KEEPS, MAKES, PROMISE_MAX, Promising
from sluicegate_record.terms import dates
from sluicegate_record.terms.text import REASON_MAX, quoted


@form
class PromiseWord(PromiseArgument):
    """What you promise, or say of a promise: a new one is about at most one thing."""

    says: Annotated[str, Note(f"{MAKES} | {KEEPS} | {CHANGES} | {BREAKS}")]
    text: Annotated[
        Annotated[str, text(0, PROMISE_MAX)] | None,
        Note("What will be done, or how it was kept. It is public."),
    ] = None
    by: Annotated[Day | None, Note("The last day by UTC, such as 2026-09-01.")] = None
    default: Annotated[
        Annotated[str, text(0, PROMISE_MAX)] | None, Note("What follows if it is not kept. It is public.")
    ] = None
    reason: Annotated[
        Annotated[str, text(0, REASON_MAX)] | None, Note("Why you change or break it. It is public.")
    ] = None
    release: Annotated[Identifier | None, Note("The release that it is about.")] = None
    stage: Annotated[Identifier | None, Note("The stage of it: its opening keeps the promise.")] = None
    case: Annotated[Identifier | None, Note("The case: its decision keeps the promise.")] = None
    directive: Annotated[
        Identifier | None, Note("The directive: a note of its reasons keeps the promise.")
    ] = None


def _promise(making: Making) -> UnsignedStatement:
    said = making.said
    before = {"text": None, "due": None, "default": None} if said.says != CHANGES else {}
    given = present(
        says=said.says, text=said.text, due=_due(said.by), default=said.default, reason=said.reason
    )
    of = about(said)
    return filled(Promising, making.found.to_json(), before, given, {"about": of} if of else {})


def _due(by: str | None) -> Json:
    """When a day is over, as entries write it. Raises: InvalidInput: no day."""
    if not by:
        return None
    try:
        return times.format_time(dates.end_ms(by))
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{by!r} is no day, expected one such as 2026-09-01") from error


_PROMISES = {MAKES: "makes a promise", KEEPS: "has kept", CHANGES: "changes", BREAKS: "will not keep"}


def _promises(said: Promising, _: Wording) -> Iterator[str]:
    which = "" if said.promise is None else f" the promise {said.promise}"
    yield f"{said.party} {_PROMISES[said.says]}{which}."
    if said.text is not None:
        yield f"It is public: {quoted(said.text)}"
    if said.due_ms is not None:
        yield f"Until {dates.day_before(said.due_ms)}, when that day is over by UTC."
    if said.default is not None:
        yield f"If it is not kept, this follows: {quoted(said.default)}"
    yield from public(said.reason)
    named = {("party",), ("says",), ("promise",), ("text",), ("due",), ("default",), ("reason",)}
    yield from words.fields(said.to_json(), named)


PROMISE = StatementKind(
    name="promise",
    title="Make, keep, change or break a promise",
    kind=Promising,
    asks=PromiseWord,
    look=shown_by(promises.TO_SIGN),
    make=_promise,
    words=_promises,
    act=promises.RECORD,
    after=lambda _: "/acts/promise.list",
    command=lambda said: {
        MAKES: f"sluicegate promise make TEXT --by DAY{options(said.about.to_json())} --key officer.pem",
        KEEPS: f"sluicegate promise keep {said.promise} --key officer.pem",
        CHANGES: f"sluicegate promise change {said.promise} --reason WHY --by DAY --key officer.pem",
        BREAKS: f"sluicegate promise break {said.promise} --reason WHY --key officer.pem",
    }[said.says],
)
