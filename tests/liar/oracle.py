"""What a gateway with a trust file gives after a lie, held against what it gives after the honest log.

Rules:
- Access is asked of `decide` alone: for each grant as if the liar had issued one more key under it, as it
  may, and for each organization as if nothing but directives could refuse it.
- A lie may give no more than the honest log does at the same place; or than it does if the entries that the
  liar changed, left out or moved are left out of it. Whoever writes the log can always leave out a narrowing
  (docs/adr/0010). So an entry that is said again, or that comes from elsewhere, may give nothing at all.
- If a signed statement stands nowhere in the lie any more, the honest log is the one without it.
- A gateway that stops folding gives nothing: its lease ends.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import NamedTuple

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.access.programmes import NO_ROWS
from sluicegate.core.access.rows import CredentialRow, GrantRow, Offer
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.errors import VerificationFailed
from sluicegate_record.entries import Entry
from tests.forging import public_of
from tests.liar.histories import MODELS, QUIET, honest, trusting
from tests.liar.lies import NARROWING, Lie, placed
from tests.worlds import API, CODEX, DAY_MS

ORGANIZATIONS = (*(f"org-{number}" for number in range(1, 7)), "org-none")
TIMES_MS = (1_000, 10 * DAY_MS)
"""How long after the newest entry a request comes."""
KEY = b"liar's key"
OPEN = "terms that are open"


class Question(NamedTuple):
    """A request: under whose grant, or as if any were given (`granted`); of what, and when."""

    organization: str
    model: str
    surface: str
    after_ms: int
    granted: bool


Access = Mapping[Question, Allow]
"""What is allowed; a question that is not there is refused."""


class Seen(NamedTuple):
    """What a table gives, the keys that it refuses as revoked, and those that it does not."""

    access: Access
    revoked: frozenset[bytes]
    live: frozenset[bytes]


STOPPED = Seen({}, frozenset(), frozenset())


def seen(table: Table, at_ms: int, newest_ms: int = 0) -> Seen:
    """What a table gives at a time, to requests that do not come before its newest entry."""
    revoked = frozenset(digest for digest, row in table.credentials.items() if row.state.revoked)
    found = {asked: answer for asked, answer in _access(table, at_ms) if at_ms + asked.after_ms >= newest_ms}
    return Seen(found, revoked, frozenset(table.credentials.keys() - revoked))


def _access(table: Table, at_ms: int) -> Iterator[tuple[Question, Allow]]:
    for row in list(table.grants.values()):
        for model in table.offers:
            for after_ms in TIMES_MS:
                found = _decided(table, row, model, at_ms + after_ms)
                if found is not None:
                    yield Question(row.organization, model, row.surface, after_ms, granted=False), found
    for organization in ORGANIZATIONS:
        for surface in (API, CODEX):
            for model in (*MODELS, QUIET):
                yield from _directed(table, _anything(organization, surface), model, at_ms)


def _directed(table: Table, row: GrantRow, model: str, at_ms: int) -> Iterator[tuple[Question, Allow]]:
    """What directives leave of a grant of everything."""
    offers, table.offers = table.offers, {model: Offer(row.release, announced=True, fallback=None)}
    table.open_terms.add(OPEN)
    for after_ms in TIMES_MS:
        found = _decided(table, row, model, at_ms + after_ms)
        if found is not None:
            yield Question(row.organization, model, row.surface, after_ms, granted=True), found
    table.open_terms.remove(OPEN)
    table.offers = offers


def _anything(organization: str, surface: str) -> GrantRow:
    models = dict.fromkeys((*MODELS, QUIET), "demo")
    return GrantRow("anything", organization, "anything", "", surface, OPEN, models, 0, None, None)


def _decided(table: Table, row: GrantRow, model: str, now_ms: int) -> Allow | None:
    table.credentials[KEY] = CredentialRow("liar's", row)
    found = decision.decide(Ask(KEY, model, row.surface), table, Instant(now_ms, now_ms))
    del table.credentials[KEY]
    return found if isinstance(found, Allow) else None


def after(name: str, entries: Sequence[tuple[Entry, int]], sizes: frozenset[int]) -> dict[int, Seen]:
    """What a trusting gateway gives whenever the log has come as far as the honest log of these sizes, at the
    time that it was then.
    """
    same = _same(name, entries)
    found = {each: _honestly(name, each) for each in sizes if each < same or same == len(honest(name))}
    return found | _after(name, _copied(_honest(name, same)), same, entries[same:], sizes - found.keys())


def _after(
    name: str, table: Table, came: int, entries: Iterable[tuple[Entry, int]], sizes: AbstractSet[int]
) -> dict[int, Seen]:
    found, at_ms = dict[int, Seen](), 0
    for entry, size in entries:
        if size > came:
            found |= {each: seen(table, _at_ms(name, each), at_ms) for each in sizes if came <= each < size}
            came = size
        try:
            table.apply(entry)
        except VerificationFailed:
            return found | dict.fromkeys(sizes - found.keys(), STOPPED)
        at_ms = entry.at_ms
    return found | {each: seen(table, _at_ms(name, each), at_ms) for each in sizes - found.keys()}


def _same(name: str, entries: Sequence[tuple[Entry, int]]) -> int:
    """How many entries are those of the honest log, from its beginning."""
    pairs = zip(entries, honest(name), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0][0] is pair[1], pairs))


@cache
def _honest(name: str, size: int) -> VouchedTable:
    """The table of the honest log at a size, which nobody changes."""
    table = trusting()
    for entry in honest(name)[:size]:
        table.apply(entry)
    return table


@cache
def _honestly(name: str, size: int) -> Seen:
    return seen(_honest(name, size), _at_ms(name, size))


def _copied(table: VouchedTable) -> VouchedTable:
    """A table that goes on by itself; it shares what never changes, and its record is a layer."""
    directives = (*table.directives.values(), *table.drills.values())
    kept = (
        *(table._trust, table._keys, NO_ROWS),
        *table.terms.values(),
        *table.offers.values(),
        *table.listings.values(),
        *table.organizations.values(),
        *table.found.values(),
        *(each.restricts for each in directives),
    )
    memo: dict[int, object] = {id(each): each for each in kept}
    memo[id(table.record)] = table.record.overlay()
    return copy.deepcopy(table, memo)


def _at_ms(name: str, size: int) -> int:
    return honest(name)[max(size, 1) - 1].at_ms


def wider(one: Allow | None, other: Allow | None) -> bool:
    """Whether the first answer gives more than the other."""
    if one is None:
        return False
    if other is None or one.upstream != other.upstream:
        return True
    return _more(one.until_ms, other.until_ms) or _more(one.requests_per_minute, other.requests_per_minute)


def _more(one: int | None, other: int | None) -> bool:
    return other is not None and (one is None or one > other)


@cache
def _base(name: str, without: frozenset[int], sizes: frozenset[int]) -> dict[int, Seen]:
    """What the honest log gives without some of its entries."""
    entries = [(entry, entry.size) for entry in honest(name) if entry.seq not in without]
    return after(name, placed(entries), sizes)


def holes(name: str, lie: Lie) -> Iterator[str]:
    """What a lie gives that no signature gives."""
    log, is_omission = honest(name), lie.kind == "left out" and not lie.path
    unsigned = frozenset() if is_omission else frozenset(_unsigned(log, lie))
    narrowed = frozenset(_narrowings(log, lie.touched))
    without = [unsigned, narrowed | unsigned, lie.touched] if narrowed or not is_omission else [unsigned]
    for size, found in after(name, lie.entries, lie.sizes).items():
        for question, answer in found.access.items():
            bases = (_base(name, each, lie.sizes)[size] for each in without)  # mostly the first is enough
            if all(wider(answer, each.access.get(question)) for each in bases):
                yield f"{question} at {size}: {answer}"
        for key in found.live:
            if all(key in _base(name, each, lie.sizes)[size].revoked for each in without):
                yield f"a key that was revoked, at {size}"


def _unsigned(log: Sequence[Entry], lie: Lie) -> Iterator[int]:
    """The entries that the liar took out, whose signed statement stands nowhere any more."""
    taken = [log[seq] for seq in lie.touched if "envelope" in public_of(log[seq])]
    if taken:
        kept = [public_of(entry).get("envelope") for entry, _ in lie.entries]
        yield from (entry.seq for entry in taken if public_of(entry)["envelope"] not in kept)


PLAN = "release.applied"
"""A plan takes terms out of force: whoever leaves it out leaves out a narrowing."""


def _narrowings(log: Sequence[Entry], touched: frozenset[int]) -> Iterator[int]:
    """The narrowings among these entries, and those that follow from these entries."""
    streams = {log[seq].stream for seq in touched}
    for entry in log:
        follows = entry.type in {"grant.amended", "grant.ended"} and entry.stream in streams
        if follows or (entry.type in NARROWING | {PLAN} and entry.seq in touched):
            yield entry.seq


def checked(name: str, lies: Iterable[Lie]) -> list[tuple[Lie, str]]:
    """The lies that give more than signatures do, each with the first thing that it gives."""
    found: list[tuple[Lie, str]] = []
    for lie in lies:
        first = None if lie.stops else next(holes(name, lie), None)
        if first is not None:
            found.append((lie, first))
    return found


def believed(name: str, lie: Lie) -> bool:
    """Whether a gateway without a trust file gives more after a lie than after the honest log."""
    honestly = _base(name, frozenset(_unsigned(honest(name), lie)), lie.sizes)
    found = {} if lie.stops else _after(name, Table(), 0, lie.entries, lie.sizes)
    return any(
        wider(answer, honestly[size].access.get(question))
        for size, each in found.items()
        for question, answer in each.access.items()
    )
