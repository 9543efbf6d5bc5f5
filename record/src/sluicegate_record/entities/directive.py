"""A directive or a drill on the record: its document, the lifted parts, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sluicegate_record.directives.document import Document
from sluicegate_record.directives.scope import LiftedPart, Scope
from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries import directives
from sluicegate_record.entries.body import Body
from sluicegate_record.form import Form, Time, form, replace
from sluicegate_record.log.dsse import Envelope

LIFTED, REPLACED, EXPIRED = "lifted", "replaced", "expired"


@form
class Ending(Form):
    """How a directive ended: `lifted`, `replaced` or `expired`, and by which entry."""

    how: str
    at_ms: Time
    seq: int


@form
class Former(Form):
    """A directive that this one replaced: its document from the entry `seq`, valid until the entry `by`."""

    directive: str
    seq: int
    document: Document
    by: int
    at_ms: Time


@form
class Directive(Form):
    """A directive on the record, or a drill.

    `lifts` are the cases that ask to lift it, oldest first; `parts` the lifted parts; `history` the
    directives that it replaced. `in_force_ms` is when it came into force everywhere, by the entry
    `in_force_seq`; None until an entry says so. `report` is the signed report of a drill.
    """

    name: str
    issuer: str
    document: Document
    seq: int
    at_ms: Time
    confirmed: bool = False
    ended: Ending | None = None
    lifts: tuple[str, ...] = ()
    parts: tuple[LiftedPart, ...] = ()
    history: tuple[Former, ...] = ()
    in_force_ms: Time | None = None
    in_force_seq: int | None = None
    report: Envelope | None = None

    @property
    def size(self) -> int:
        """The log size that includes its newest document."""
        return self.seq + 1

    @property
    def holds_ms(self) -> int:
        """From when it stops every request that it covers, after its grace: milliseconds since 1970 UTC."""
        effective_ms = self.document.spec.effective_ms
        return (self.at_ms if effective_ms is None else effective_ms) + self.document.spec.drain_ms

    @property
    def is_drill(self) -> bool:
        """Whether it is a drill: no gateway refuses a request because of it."""
        return self.document.is_drill

    @property
    def is_word(self) -> bool:
        """Whether it rests only on the officers: they transcribed it, and its issuer has not confirmed it."""
        return self.document.is_transcribed and not self.confirmed

    @property
    def lift(self) -> str | None:
        """The newest case that asks to lift it."""
        return self.lifts[-1] if self.lifts else None

    def leaves_nothing(self, scope: Scope) -> bool:
        """Whether it has ended once this part is lifted."""
        return _is_spent(self.document, [*(part.scope for part in self.parts), scope])

    def after(self, entry: Happening) -> Directive:
        """The directive after an entry. An entry about another directive changes nothing."""
        move = _MOVES.get(type(entry.body))
        return self if move is None else move(self, entry, entry.body)


def issued(entry: Happening, body: directives.DirectiveIssued, replaced: Directive | None) -> Directive:
    """The directive that an entry puts in force. It may replace another one."""
    history: tuple[Former, ...] = ()
    if replaced is not None:
        former = Former(
            directive=replaced.name,
            seq=replaced.seq,
            document=replaced.document,
            by=entry.seq,
            at_ms=entry.at_ms,
        )
        history = (*replaced.history, former)
    return Directive(
        name=body.directive,
        issuer=body.issuer,
        document=body.document,
        seq=entry.seq,
        at_ms=entry.at_ms,
        history=history,
    )


def _is_spent(document: Document, scopes: list[Scope]) -> bool:
    """Whether the parts lifted for everyone, on all surfaces, are together the whole directive."""
    whole = [scope.models for scope in scopes if _is_for_everyone(scope)]
    if any(models is None for models in whole):
        return True
    lifted = {model for models in whole for model in models or ()}
    return bool(whole) and lifted.issuperset(document.spec.models)


def _is_for_everyone(scope: Scope) -> bool:
    """Whether a part is lifted for everyone, on all surfaces. A part that this build cannot read is not."""
    narrowed = (scope.surfaces, scope.annexes, scope.organizations)
    return all(part is None for part in narrowed) and not scope.unknown


def _lifted(found: Directive, entry: Happening, body: directives.DirectiveLifted) -> Directive:
    if body.scope is None:
        return _over(found, LIFTED, entry)
    part = LiftedPart(case=body.case or "", scope=body.scope, at_ms=entry.at_ms, seq=entry.seq)
    after = replace(found, parts=(*found.parts, part))
    return _over(after, LIFTED, entry) if found.leaves_nothing(body.scope) else after


def _over(found: Directive, how: str, entry: Happening) -> Directive:
    return replace(found, ended=Ending(how=how, at_ms=entry.at_ms, seq=entry.seq))


def _expired(found: Directive, entry: Happening, body: directives.DirectiveExpired) -> Directive:
    return _over(found, EXPIRED, entry)


def _replaced(found: Directive, entry: Happening, body: directives.DirectiveIssued) -> Directive:
    return _over(found, REPLACED, entry)


def _confirmed(found: Directive, entry: Happening, body: directives.DirectiveConfirmed) -> Directive:
    return replace(found, confirmed=True)


def _reported(found: Directive, entry: Happening, body: directives.DrillReported) -> Directive:
    return replace(found, report=body.envelope)


def _in_force(found: Directive, entry: Happening, body: directives.DirectiveInForce) -> Directive:
    if found.size != body.size or found.in_force_ms is not None:
        return found
    return replace(found, in_force_ms=body.at_ms, in_force_seq=entry.seq)


_MOVES: dict[type[Body], Callable[[Directive, Happening, Any], Directive]] = {
    directives.DirectiveIssued: _replaced,
    directives.DirectiveLifted: _lifted,
    directives.DirectiveExpired: _expired,
    directives.DirectiveConfirmed: _confirmed,
    directives.DrillReported: _reported,
    directives.DirectiveInForce: _in_force,
}
