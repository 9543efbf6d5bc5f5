"""Entries of the public log in words, found by what anyone may read of them.

Rules:
- Only leaves are read: no opening of a commitment comes in here, so nothing that is not public can go out.
- One search goes through a bounded part of the log; its answer says through which.
"""

from __future__ import annotations

from collections.abc import Iterator

from sluicegate.acts import record as acts
from sluicegate.acts.record import (
    SEARCHED_MAX,
    EntryArgument,
    EntryList,
    EntrySearch,
    HistoryArgument,
    RecordedEntry,
    ReleaseHistory,
)
from sluicegate.core.explanations.narration import recorded
from sluicegate.core.lifecycle import Refusal, State, trail
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.release import Release

HISTORY_MAX = 200
TOGETHER = 200
"""How many leaves a search looks at together."""


@does(acts.SEARCH)
def search(context: Context[EntryList], asked: EntrySearch) -> EntryList:
    """The entries that have a text and a type, newest first."""
    ledger = context.ledger
    size = ledger.size()
    end = size if asked.before is None else min(asked.before, size)
    start = max(0, end - SEARCHED_MAX)
    found: list[RecordedEntry] = []
    from_ = start
    for leaf in _having(ledger, start, end, asked):
        shown = recorded(leaf)
        if shown.type.startswith(asked.type or ""):
            found.append(shown)
            if len(found) == asked.limit:
                from_ = shown.index
                break
    return EntryList(size=size, entries=tuple(found), searched_from=from_, next=from_ or None)


def _having(ledger: Ledger, start: int, end: int, asked: EntrySearch) -> Iterator[bytes]:
    """The leaves that have a text and may be of a type, newest first: nearly all others are not read.

    Many are looked at together. No leaf has a line break, and each letter is folded by itself.
    """
    wanted, begun = (asked.text or "").casefold(), f'"type":"{asked.type or ""}'.encode()
    for last in range(end, start, -TOGETHER):
        leaves = ledger.store.log.leaves(max(start, last - TOGETHER), last)
        if wanted in b"\n".join(leaves).decode().casefold():
            for leaf in reversed(leaves):
                if begun in leaf and wanted in leaf.decode().casefold():
                    yield leaf


@does(acts.SHOW)
def show(context: Context[RecordedEntry], asked: EntryArgument) -> RecordedEntry | Refusal:
    """One entry."""
    size = context.ledger.size()
    if not 0 <= asked.index < size:
        return Refusal("unknown", "entry_unknown", f"no entry {asked.index} in a log of {size} entries")
    return recorded(context.ledger.store.log.leaves(asked.index, asked.index + 1)[0])


@does(acts.HISTORY)
def history(context: Context[ReleaseHistory], asked: HistoryArgument) -> ReleaseHistory | Refusal:
    """What is on the record about a release that anyone may know of, newest first."""
    ledger = context.ledger
    with ledger.reading() as state:
        release = state.releases.get(asked.release)
        if release is None or not access.known(context.principal, state, ledger.directs)(release):
            return release_unknown(asked.release)
        places, size = _places(state, release)[:HISTORY_MAX], state.size
    log = ledger.store.log
    return ReleaseHistory(
        size=size, entries=tuple(recorded(log.leaves(place, place + 1)[0]) for place in places)
    )


def _places(state: State, release: Release) -> list[int]:
    """Where the entries about a release, its stages and its deployments are, newest first."""
    name, find = release.name, state.trail.of
    places = {*find(trail.RELEASE, name, HISTORY_MAX), *find(trail.DEPLOYMENT, name, HISTORY_MAX)}
    for stage in release.plan.stages:
        places |= {*find(trail.STAGE, trail.stage_name(name, stage), HISTORY_MAX)}
    models = {model.id for model in release.plan.spec.models}
    for directive in state.directives.values():
        if models.intersection(directive.document.spec.models):
            places |= {*find(trail.DIRECTIVE, directive.name, HISTORY_MAX)}
    return sorted(places, reverse=True)
