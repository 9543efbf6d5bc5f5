"""Promises: made, kept, changed and broken by their parties, and broken by time.

Rules:
- A promise is about a release, a stage, a case or a directive on the record, or about nothing there.
- Only its party says what happens to it, and signs that. A promise that is not kept when its last day is over
  is broken by time.
- A target date of a stage is a promise, too: plans make, change and give it up, and the opening keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.promises import FormerPromise, PromiseReceipt, PromiseView
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import signer_here
from sluicegate.core.lifecycle.releases import stage_unknown
from sluicegate.core.lifecycle.state import State
from sluicegate.core.lifecycle.steps import case_unknown
from sluicegate_record.entities.promise import BROKEN, KEPT, OPEN, Promise
from sluicegate_record.entries import Draft
from sluicegate_record.entries.promises import (
    OfPromise,
    PromiseBroken,
    PromiseChanged,
    PromiseKept,
    PromiseMade,
)
from sluicegate_record.form import replace
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.about import About
from sluicegate_record.statements.promises import BREAKS, KEEPS, MAKES, Promising, name_of
from sluicegate_record.terms import dates, kinds


@dataclass(frozen=True, slots=True)
class RecordPromise(SignedCommand):
    """Put a party's signed word on a promise of its own on the record."""


def record_promise(
    state: State, command: RecordPromise, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RecordPromise`. The newest word on a promise again changes nothing."""
    said, digest = Promising.read(command.envelope), command.envelope.digest
    key = signer_here(state, command.envelope, said.party, said.log)
    if isinstance(key, Refusal):
        return key
    known = state.record.promises.get(said.promise or name_of(digest))
    if known is not None and known.digest == digest:
        return Acceptance([], _receipt(known.id, known.party, known.state, known.due_ms))
    refusal = _not_to_make(state, said, known, now_ms) if said.says == MAKES else _unfit(said, known, now_ms)
    if refusal is not None:
        return refusal
    body = _entered(said, known, key.owner, command.envelope)
    due_ms = said.due_ms if known is None or said.due_ms is not None else known.due_ms
    state_ = {KEEPS: KEPT, BREAKS: BROKEN}.get(said.says, OPEN)
    return Acceptance([Draft(body.promise, body)], _receipt(body.promise, body.party, state_, due_ms or 0))


def _entered(said: Promising, known: Promise | None, owner: str, envelope: Envelope) -> OfPromise:
    """The entry of a word. Requires: what `Promising.check` says of its fields."""
    name = name_of(envelope.digest) if known is None else known.id
    text, due_ms = said.text or "", said.due_ms or 0
    if known is None:
        made = PromiseMade(
            promise=name, party=said.party, text=text, due_ms=due_ms, default=said.default, about=said.about
        )
        return replace(made, owner=owner, digest=envelope.digest, envelope=envelope)
    body: OfPromise = PromiseKept(promise=name, party=said.party, text=said.text)
    if said.says == BREAKS:
        body = _broken(known, "act", said.reason)
    elif said.says != KEEPS:
        body = PromiseChanged(
            promise=name,
            party=said.party,
            reason=said.reason or "",
            due_ms=due_ms,
            text=text,
            default=said.default,
        )
    return replace(body, owner=owner, digest=envelope.digest, envelope=envelope)


def _not_to_make(state: State, said: Promising, known: Promise | None, now_ms: int) -> Refusal | None:
    if known is not None:
        text = "this promise was made before, and its party has said more of it since"
        return Refusal("conflict", "promise_made", text, "sign another one")
    return _about_nothing(state, said.about) or _over(said, now_ms)


def _unfit(said: Promising, known: Promise | None, now_ms: int) -> Refusal | None:
    """Why a word on a promise does not fit how the promise stands; None if it does."""
    if known is None:
        return promise_unknown(said.promise or "")
    if known.party != said.party:
        text = f"the promise is one of {known.party!r}, and only {known.party!r} says what happens to it"
        return Refusal("forbidden", "promise_of_another", text)
    if known.is_target:
        text = "the promise is a target date: the stage keeps it when it opens, and a plan changes it"
        return Refusal(
            "conflict",
            "promise_of_plan",
            text,
            "change 'target' in the plan, and then 'sluicegate apply FILE'",
        )
    is_open = known.may_be_kept if said.says == KEEPS else known.state == OPEN
    if not is_open:
        return _not_open(known)
    if said.previous != known.digest:
        text = "the statement does not follow the newest one of its party on this promise"
        return Refusal("conflict", "promise_stale", text, "sign it again")
    return None if said.due_ms is None else _over(said, now_ms)


def broken_by_time(state: State, promise: str) -> list[Draft]:
    """What is written when the last day of a promise is over."""
    found = state.record.promises[promise]
    return [Draft(found.id, _broken(found, "time", None))]


def _broken(found: Promise, how: str, reason: str | None) -> PromiseBroken:
    return PromiseBroken(promise=found.id, party=found.party, how=how, reason=reason)


def _receipt(promise: str, party: str, state: str, due_ms: int) -> PromiseReceipt:
    return PromiseReceipt(promise=promise, party=party, state=state, due_ms=due_ms)


def promise_unknown(name: str) -> Refusal:
    """The refusal for a promise that is not on the record."""
    return Refusal(
        "unknown", "promise_unknown", f"no promise {name[:80]!r}", "'sluicegate promise list' shows them"
    )


def _not_open(found: Promise) -> Refusal:
    remedy = (
        "a broken promise can be kept late: 'sluicegate promise keep PROMISE --key KEY'"
        if found.state == BROKEN
        else ""
    )
    return Refusal("conflict", "promise_not_open", f"the promise is {found.state}", remedy)


def _over(said: Promising, now_ms: int) -> Refusal | None:
    due_ms = said.due_ms or 0
    if due_ms > now_ms:
        return None
    day = dates.day_before(due_ms)
    return Refusal("conflict", "promise_over", f"the day {day!r} is over", "promise a day to come")


def _about_nothing(state: State, about: About) -> Refusal | None:
    """Why a promise cannot be about something; None if it can."""
    if about.case is not None:
        return _not_to_decide(state, about.case)
    if about.directive is not None and about.directive not in state.directives:
        return Refusal("unknown", "directive_unknown", f"no directive {about.directive[:80]!r}")
    return None if about.release is None else _not_to_open(state, about.release, about.stage)


def _not_to_decide(state: State, name: str) -> Refusal | None:
    case = state.cases.get(name)
    if case is None:
        return case_unknown(name)
    if case.state != kinds.DETERMINED:
        return None
    return Refusal("conflict", "case_determined", f"the case is already determined: {case.outcome}")


def _not_to_open(state: State, name: str, stage: str | None) -> Refusal | None:
    release = state.releases.get(name)
    if release is None or (stage is not None and stage not in release.terms):
        return stage_unknown(name, stage or "")
    if stage is not None and release.terms[stage] in state.table.open_terms:
        said = f"the stage {stage!r} is open already"
        return Refusal("conflict", "stage_open", said, "leave the stage out: then only you keep the promise")
    return None


# What is shown


def release_of(state: State, found: Promise) -> str | None:
    """The release that a promise is about, itself or through its case; None if it is about none."""
    if found.about.case is not None:
        return state.cases[found.about.case].question.release or None
    return found.about.release


def view(found: Promise) -> PromiseView:
    """A promise, as it is shown."""
    return PromiseView(
        promise=found.id,
        party=found.party,
        text=found.text,
        by=dates.day_before(found.due_ms),
        due_ms=found.due_ms,
        default=found.default,
        about=found.about,
        state=found.state,
        late=found.state == KEPT and found.broken_ms is not None,
        how=found.how,
        said=found.said,
        made_at_ms=found.at_ms,
        ended_at_ms=found.ended_ms,
        seq=found.seq,
        signed_by=found.owner,
        is_target=found.is_target,
        changes=tuple(
            FormerPromise(
                text=each.text,
                by=dates.day_before(each.due_ms),
                reason=each.reason,
                at_ms=each.at_ms,
                seq=each.seq,
            )
            for each in found.changes
        ),
    )
