"""The law of time: a rule for an entry of any type that carries what someone signed."""

from __future__ import annotations

from collections.abc import Iterator

from sluicegate_record.entries import Body, cases, releases, seen
from sluicegate_record.law.rule import At, LawRule, require
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements import statement


def is_entered_in_time(at: At, body: Body) -> None:
    """A statement that says when it was signed is on the record within 30 days, and not before that."""
    for envelope in envelopes(body):
        require(statement.is_timely(envelope, at.at_ms), statement.UNTIMELY)


def envelopes(body: Body) -> Iterator[Envelope]:
    """What an entry carries that was signed and is not on the record yet."""
    if isinstance(body, cases.CaseOpened) and body.opening is not None:
        yield body.opening.envelope
    is_repeated = isinstance(body, releases.StageOpened) and body.case is not None
    found = None if is_repeated else seen(getattr(body, "envelope", None))
    if found is not None:
        yield found


RULES: tuple[LawRule, ...] = (is_entered_in_time,)
