"""A promise: what a party said it would do, by when, and what happened to it.

Rules:
- It is open until it is kept or broken. What it is about may keep it: a stage that opens, a case that is
  decided, reasons of a directive that its party puts on the record.
- A case that ends without a decision makes a promise about it void: there is nothing left to decide.
- A broken promise can still be kept, late. It stays broken on the record, too.
- A target date of a stage is a promise that plans alone make, change and give up (`target.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any, Literal

from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries import Body, cases, promises, releases
from sluicegate_record.form import Form, Time, form, replace
from sluicegate_record.statements.about import About
from sluicegate_record.terms import kinds

PromiseState = Literal["open", "kept", "broken", "void"]
OPEN: Literal["open"] = "open"
KEPT: Literal["kept"] = "kept"
BROKEN: Literal["broken"] = "broken"
VOID: Literal["void"] = "void"
STATES: tuple[PromiseState, ...] = (OPEN, KEPT, BROKEN, VOID)
REASONS = "reasons"
"""The kind of the note that keeps a promise about a directive."""


@form
class PromiseChange(Form):
    """How a promise was before it was changed, and why it was."""

    text: str
    due_ms: Time
    reason: str
    at_ms: Time
    seq: int
    default: str | None = None


@form
class Promise(Form):
    """A promise. `ended_ms` is when it was kept, or became broken or void; `said` what its party said then.

    `broken_ms` is when it was broken, also of one that was kept late; `how` says by what: `time` or `act`.
    `owner` made it for its party, if that was signed; `digest` is that of the party's newest signed word.
    """

    id: str
    party: str
    text: str
    due_ms: Time
    seq: int
    at_ms: Time
    about: About
    default: str | None = None
    state: PromiseState = OPEN
    ended_ms: Time | None = None
    broken_ms: Time | None = None
    how: str | None = None
    said: str | None = None
    changes: tuple[PromiseChange, ...] = field(default=())
    owner: str | None = None
    digest: str | None = None
    is_target: bool = False

    @property
    def may_be_kept(self) -> bool:
        """Whether it can still be kept, in time or late."""
        return self.state in {OPEN, BROKEN}

    def after(self, entry: Happening) -> Promise:
        """The promise after an entry that is about it, or about what it is about."""
        move = _MOVES.get(type(entry.body))
        return self if move is None else move(self, entry, entry.body)


def made(entry: Happening, body: promises.PromiseMade) -> Promise:
    """The promise that an entry makes."""
    return Promise(
        id=body.promise,
        party=body.party,
        text=body.text,
        due_ms=body.due_ms,
        seq=entry.seq,
        at_ms=entry.at_ms,
        about=body.about,
        default=body.default,
        owner=body.owner,
        digest=body.digest,
    )


def place_of(about: About) -> str:
    """What a promise is about, so that it is found from there; empty if it is about nothing on the record."""
    return " ".join(f"{name} {value}" for name, value in about.to_json().items())


def subject_of(body: Body) -> About | None:
    """What an entry can keep a promise about; None for any other entry."""
    if isinstance(body, releases.StageOpened):
        return About(release=body.release, stage=body.stage)
    if isinstance(body, cases.CaseDetermined):
        return About(case=body.case)
    return body.about if isinstance(body, releases.RecordAdded) else None


def _kept(found: Promise, entry: Happening, body: Body) -> Promise:
    said = body.text if isinstance(body, promises.PromiseKept) else None
    return replace(found, state=KEPT, ended_ms=entry.at_ms, said=said) if found.may_be_kept else found


def _said(found: Promise, entry: Happening, body: promises.PromiseKept) -> Promise:
    return replace(_kept(found, entry, body), digest=body.digest or found.digest)


def _decided(found: Promise, entry: Happening, body: cases.CaseDetermined) -> Promise:
    if body.outcome in kinds.GRANTED | {"denied"}:
        return _kept(found, entry, body)
    return replace(found, state=VOID, ended_ms=entry.at_ms) if found.state == OPEN else found


def _explained(found: Promise, entry: Happening, body: releases.RecordAdded) -> Promise:
    is_its = body.kind == REASONS and body.party == found.party and body.about.directive is not None
    return _kept(found, entry, body) if is_its else found


def _changed(found: Promise, entry: Happening, body: promises.PromiseChanged) -> Promise:
    before = PromiseChange(
        text=found.text,
        due_ms=found.due_ms,
        default=found.default,
        reason=body.reason,
        at_ms=entry.at_ms,
        seq=entry.seq,
    )
    now = replace(found, text=body.text, due_ms=body.due_ms, default=body.default)
    return replace(now, changes=(*found.changes, before), digest=body.digest or found.digest)


def _broken(found: Promise, entry: Happening, body: promises.PromiseBroken) -> Promise:
    at_ms, digest = entry.at_ms, body.digest or found.digest
    broken = replace(found, state=BROKEN, ended_ms=at_ms, broken_ms=at_ms, how=body.how)
    return replace(broken, said=body.reason, digest=digest)


_MOVES: dict[type[Body], Callable[[Promise, Happening, Any], Promise]] = {
    promises.PromiseKept: _said,
    promises.PromiseChanged: _changed,
    promises.PromiseBroken: _broken,
    releases.StageOpened: _kept,
    cases.CaseDetermined: _decided,
    releases.RecordAdded: _explained,
}
