"""Commands of earlier builds, which this one does not take any more: what they wrote has to be read for ever.

Promises were not signed: the log said whose they were, by the token of who made them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sluicegate.acts.promises import PromiseReceipt
from sluicegate.core.lifecycle import Acceptance, Command, Refusal, State
from sluicegate_record.entities.promise import BROKEN, KEPT, OPEN, Promise
from sluicegate_record.entries import Draft
from sluicegate_record.entries.promises import (
    OfPromise,
    PromiseBroken,
    PromiseChanged,
    PromiseKept,
    PromiseMade,
)
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.about import About
from sluicegate_record.statements.promises import NO_SUBJECT
from sluicegate_record.terms import dates


@dataclass(frozen=True, slots=True)
class MakePromise(Command):
    """Make a promise for a party. `by` is its last day."""

    party: str
    text: str
    by: str
    default: str | None = None
    about: About = NO_SUBJECT


@dataclass(frozen=True, slots=True)
class KeepPromise(Command):
    """Say for its party that a promise is kept."""

    party: str
    promise: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ChangePromise(Command):
    """Promise the same by another day."""

    party: str
    promise: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class BreakPromise(Command):
    """Say for its party that a promise will not be kept."""

    party: str
    promise: str
    reason: str


def _make(state: State, command: MakePromise, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    due_ms = dates.end_ms(command.by)
    if due_ms <= now_ms:
        return Refusal("conflict", "promise_over", "over")
    body = PromiseMade(
        promise=entropy.name("promise"),
        party=command.party,
        text=command.text,
        due_ms=due_ms,
        default=command.default,
        about=command.about,
    )
    return _accepted(body, OPEN, due_ms)


def _keep(state: State, command: KeepPromise, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    found = _own(state, command)
    if isinstance(found, Refusal):
        return found
    return _accepted(PromiseKept(promise=found.id, party=found.party, text=command.text), KEPT, found.due_ms)


def _change(state: State, command: ChangePromise, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    found, due_ms = _own(state, command), dates.end_ms(command.by)
    if isinstance(found, Refusal):
        return found
    body = PromiseChanged(
        promise=found.id,
        party=found.party,
        reason=command.reason,
        due_ms=due_ms,
        text=found.text,
        default=found.default,
    )
    return _accepted(body, OPEN, due_ms)


def _break(state: State, command: BreakPromise, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    found = _own(state, command)
    if isinstance(found, Refusal):
        return found
    if found.state != OPEN:
        return Refusal("conflict", "promise_not_open", "ended")
    body = PromiseBroken(promise=found.id, party=found.party, how="act", reason=command.reason)
    return _accepted(body, BROKEN, found.due_ms)


def _own(state: State, command: KeepPromise | ChangePromise | BreakPromise) -> Promise | Refusal:
    found = state.record.promises.get(command.promise)
    if found is None:
        return Refusal("unknown", "promise_unknown", "none")
    return found if found.party == command.party else Refusal("forbidden", "promise_of_another", "not yours")


def _accepted(body: OfPromise, state: str, due_ms: int) -> Acceptance:
    receipt = PromiseReceipt(promise=body.promise, party=body.party, state=state, due_ms=due_ms)
    return Acceptance([Draft(body.promise, body)], receipt)


DECIDES: dict[type[Command], Callable[[State, Any, int, Entropy], Acceptance | Refusal]] = {
    MakePromise: _make,
    KeepPromise: _keep,
    ChangePromise: _change,
    BreakPromise: _break,
}
"""How an earlier build decided each of them, as far as the history needs it."""
