"""Who held which model, from when to when: folded again from the log, as far as each reader may see.

Rules:
- The developer's staff see all of it, an applicant its own. An agency sees each stretch of a release that it
  may know of; the organization and the purpose only where it may see the case that gave the grant.
- Everyone sees how many organizations an announced release lets in, if they are five or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sluicegate.acts import early_access as acts
from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.early_access import (
    AccessStretch,
    CountedRelease,
    EarlyAccess,
    EarlyAccessCounts,
    EarlyAccessFilter,
    How,
    StageCount,
)
from sluicegate.core.access.tenures import HELD, Stretch, Tenures
from sluicegate.core.lifecycle import Refusal, State, exposure
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.core.times import time_ms
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.holdings import FilePlace, files_at, place_of
from sluicegate.service.releases import COUNT_SHOWN_FROM
from sluicegate_record.terms.audience import EVALUATORS

STRETCHES_MAX = 20_000
"""How many stretches an answer has."""


@does(acts.LIST)
def listed(context: Context[EarlyAccess], asked: EarlyAccessFilter) -> EarlyAccess | Refusal:
    """Who held a model. Raises: InvalidInput: no time. Overloaded."""
    ledger = context.ledger
    since_ms, until_ms = (None if each is None else time_ms(each) for each in (asked.since, asked.until))
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise InvalidInput(f"from {asked.since!r} to {asked.until!r}: an end after its beginning is expected")
    tenures = _tenures(context, asked.of)
    if isinstance(tenures, Refusal):
        return tenures
    with ledger.reading() as state:
        places, size = state.trail.of_access(state.table.held), state.size
    replays, now_ms = context.services.replays, ledger.now_ms()
    stretches = replays.over_time(ledger.store.log, places, context.principal, tenures, now_ms)
    if isinstance(stretches, Refusal):
        return stretches
    found = [each for each in stretches if _lasted(each, since_ms, until_ms)]
    shown = _shown(context, tenures.release, found)
    held = {each.place.organization for each, _ in shown if each.standing.what == HELD}
    views = [view for _, view in shown]
    return EarlyAccess(
        size=size,
        at_ms=now_ms,
        organizations=len(held),
        stretches=tuple(views[:STRETCHES_MAX]),
        cut=len(views) > STRETCHES_MAX,
    )


@does(acts.COUNTS)
def counts(context: Context[EarlyAccessCounts], asked: CountedRelease) -> EarlyAccessCounts | Refusal:
    """How many organizations a release lets in, for everyone."""
    with context.ledger.reading() as state:
        release = state.releases.get(asked.release)
        if release is None or not release.plan.spec.announced:
            return release_unknown(asked.release)
        found = {
            name: exposure.organizations(state, release.name, body)
            for name, body in release.plan.stages.items()
        }
        return EarlyAccessCounts(
            size=state.size,
            release=release.name,
            stages=tuple(
                StageCount(stage=name, organizations=many if many >= COUNT_SHOWN_FROM else None)
                for name, many in found.items()
            ),
        )


def _tenures(context: Context[Any], of: str) -> Tenures | Refusal:
    """What is to be folded: a release, or the one that has or had a model; only one that the reader may know.

    One that offers the model now goes before one that did.
    """
    with context.ledger.reading() as state:
        knows = access.known(context.principal, state, context.ledger.directs)
        known = {name for name, release in state.releases.items() if knows(release)}
        if of in known:
            return Tenures(of)
        offer = state.table.offers.get(of)
        if offer is not None and offer.release in known:
            return Tenures(offer.release, of)
        for release in sorted(known):
            if any(of in _models(state, terms) for terms in state.releases[release].terms.values()):
                return Tenures(release, of)
        return release_unknown(of)


def _models(state: State, terms: str) -> frozenset[str]:
    return frozenset(model.id for model in state.record.terms[terms].plan.spec.models)


def _lasted(each: Stretch, since_ms: int | None, until_ms: int | None) -> bool:
    """Whether a stretch lasted in a time."""
    is_after = since_ms is None or each.until_ms is None or since_ms < each.until_ms
    return is_after and (until_ms is None or each.from_ms < until_ms)


@dataclass(frozen=True, slots=True)
class _Holder:
    """A grant or account, as far as a reader may see it. `place` is where its file is."""

    how: How
    case: str | None
    place: FilePlace | None = None


def _shown(
    context: Context[Any], release: str, found: Sequence[Stretch]
) -> list[tuple[Stretch, AccessStretch]]:
    """The stretches that the reader may see, each as it may see it."""
    ledger, reader = context.ledger, context.principal
    with ledger.reading() as state:
        names = {each.standing.under for each in found}
        holders = {name: _holder(state, reader, name) for name in names}
        stages = {each.standing.terms: state.record.terms[each.standing.terms] for each in found}
    places = {name: each.place for name, each in holders.items() if each.place is not None}
    files = files_at(ledger, places)
    shown = []
    for each in found:
        holder, stood = holders[each.standing.under], each.standing
        if access.is_outside(reader) and holder.place is None:
            continue
        file, body = files.get(stood.under, {}), stages[stood.terms].body
        view = AccessStretch(
            organization=file.get("name"),
            staff=file.get("kind") == "staff" if file else None,
            how="everyone" if body.is_for_everyone else holder.how,
            release=release,
            stage=stood.stage,
            surface=each.place.surface,
            model=each.place.model,
            state=stood.what,
            in_part=stood.in_part,
            directives=stood.directives,
            from_ms=each.from_ms,
            until_ms=each.until_ms,
            under=stood.under,
            case=holder.case,
            terms=stood.terms,
            basis=body.basis,
            purpose=file.get("intendedUse"),
        )
        shown.append((each, view))
    return shown


def _holder(state: State, reader: Principal, name: str) -> _Holder:
    """A grant or account, with the place of its file if the reader may see that."""
    grant = state.grants.get(name)
    if grant is None:
        account = state.record.accounts[name]
        is_theirs = reader.role == DEVELOPER or account.issuer == reader.id
        return _Holder("everyone", None, FilePlace(state.accounts.seqs[name]) if is_theirs else None)
    how: How = "application"
    if grant.listed is not None:  # by the terms that gave it, also where it has gone on since
        first = state.record.terms[state.cases[grant.case].question.terms].body
        how = "evaluators" if first.audience.kind == EVALUATORS else "list"
    if not access.sees_grant(reader, state, grant):
        return _Holder(how, grant.case)
    return _Holder(how, grant.case, place_of(state, grant))
