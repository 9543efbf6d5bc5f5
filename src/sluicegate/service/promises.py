"""Promises: take what parties sign about theirs, and list them.

Rules:
- The signature says whose promise it is: that of the developer, an agency or an evaluator.
- A promise about a release that its reader may not know of, or about a case that it may not see, does not
  exist for it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from sluicegate.acts import promises as acts
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.promises import (
    PromiseArgument,
    PromiseFilter,
    PromiseList,
    PromiseReceipt,
    PromiseToSign,
    PromiseView,
)
from sluicegate.core.lifecycle import Refusal, State, promises
from sluicegate.core.lifecycle.promises import RecordPromise
from sluicegate.core.lifecycle.releases import stage_unknown
from sluicegate.core.lifecycle.steps import case_unknown
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate.service.paging import newest, page
from sluicegate_record.entities.promise import OPEN, STATES, Promise
from sluicegate_record.form import replace
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.about import About
from sluicegate_record.statements.promises import Promising

STATUS_MAX = 50
"""How many promises the status shows, at most."""


@does(acts.TO_SIGN)
def to_sign(context: Context[PromiseToSign], asked: PromiseArgument) -> PromiseToSign | Refusal:
    """What the caller's party signs when it makes a promise, or says what happens to one of its own."""
    with context.ledger.reading() as state:
        made = PromiseToSign(log=state.log, party=access.party_of(context.principal, state))
        if asked.promise is None:
            return made
        found = state.record.promises.get(asked.promise)
        if found is None or not shown_to(context.ledger, state, context.principal)(found):
            return promises.promise_unknown(asked.promise)
        stands = replace(made, text=found.text, due_ms=found.due_ms, default=found.default)
        return replace(stands, promise=found.id, previous=found.digest)


@does(acts.RECORD)
def record(context: Context[PromiseReceipt], asked: SignedStatement) -> PromiseReceipt | Refusal:
    """Put a party's signed word on a promise on the record. Raises: BadEnvelope."""
    envelope = Envelope.from_json(asked.envelope)
    with context.ledger.reading() as state:
        hidden = _hidden(context, state, Promising.read(envelope).about)
    return context.execute(RecordPromise(envelope)) if hidden is None else hidden


@does(acts.LIST)
def listed(context: Context[PromiseList], wanted: PromiseFilter) -> PromiseList | Refusal:
    """The promises that the reader may know of, newest first. Raises: InvalidInput: a wrong state."""
    if wanted.state not in {None, *STATES}:
        raise InvalidInput(f"no state {wanted.state!r}, expected one of {', '.join(STATES)}")
    ledger = context.ledger
    with ledger.reading() as state:
        known = state.record.promises
        if wanted.before is not None and wanted.before not in known:
            return promises.promise_unknown(wanted.before)
        may_know = shown_to(ledger, state, context.principal)
        found = (
            each
            for _, each in newest(known, wanted.before)
            if wanted.party in {None, each.party}
            and wanted.state in {None, each.state}
            and wanted.release in {None, promises.release_of(state, each)}
            and may_know(each)
        )
        shown, is_cut = page(found, wanted.limit)
        views = tuple(map(promises.view, shown))
        return PromiseList(size=state.size, promises=views, next=shown[-1].id if is_cut else None)


def standing(
    ledger: Ledger, state: State, reader: Principal, release: str | None = None
) -> tuple[PromiseView, ...]:
    """The promises that a status shows, newest first: those that are open, and those that were broken.

    With a release, only those about it.
    """
    may_know = shown_to(ledger, state, reader)
    found = (
        each
        for _, each in newest(state.record.promises)
        if (each.state == OPEN or each.broken_ms is not None)
        and may_know(each)
        and release in {None, promises.release_of(state, each)}
    )
    return tuple(map(promises.view, islice(found, STATUS_MAX)))


def shown_to(ledger: Ledger, state: State, reader: Principal) -> Callable[[Promise], bool]:
    """Which promises a reader may know of."""
    knows = access.known(reader, state, ledger.directs)

    def shown(found: Promise) -> bool:
        if found.about.case is not None:
            return access.sees(reader, state.cases[found.about.case])
        name = found.about.release
        return name is None or knows(state.releases[name])

    return shown


def _hidden(context: Context[PromiseReceipt], state: State, about: About) -> Refusal | None:
    """The refusal for a case or a release that its reader may not know of, if it is there."""
    case, release = state.cases.get(about.case or ""), state.releases.get(about.release or "")
    if case is not None and not access.sees(context.principal, case):
        return case_unknown(case.id)
    knows = access.known(context.principal, state, context.ledger.directs)
    if release is not None and not knows(release):
        return stage_unknown(release.name, about.stage or "")
    return None
