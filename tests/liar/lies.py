"""Lies about an honest log: entries that say something else, are left out, come again, or stand elsewhere.

Rules:
- The liar has the log's key: it writes any entry, at any place, with any time that fits. It has no other key,
  so a signed statement can only be one that the log has.
- Each kind of lie is about one entry of the log. `together` tells several at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from sluicegate_record.entries import Entry, Unknown
from sluicegate_record.log.leaf import Entropy
from tests.forging import gate_value, openings, public_of, told
from tests.liar.otherwise import Other, Path, Values, fields_of, others, saying
from tests.worlds import DAY_MS

NARROWING = frozenset(
    {"case.determined", "credential.revoked", "directive.issued", "grant.ended", "grant.suspended"}
)
"""The types of entries that take access away."""
LANDMARKS = NARROWING | {"release.applied", "grant.amended", "grant.reinstated", "directive.lifted"}
"""The types after which the log goes on otherwise: there an old entry is said again."""
NAMES = ("grant", "credential", "case")
"""The fields whose value is a name of the log's choice, of what agencies sign about."""
_NAMED = ("case", "grant", "directive", "release", "stage", "terms")
_SIGNED = frozenset({"envelope", "question", "document"})
_SALT = bytes(range(32))


class Lie(NamedTuple):
    """A log that a liar made of an honest one, entry by entry with the honest size that each stands at.

    `touched` are the honest entries that are left out, changed, or at another place; `path` is the field that
    says something else, empty if it is the entry itself; `sizes` are those of the honest log to compare at.
    """

    kind: str
    type: str
    path: Path
    touched: frozenset[int]
    entries: Sequence[tuple[Entry, int]]
    sizes: frozenset[int]
    about: str

    def __str__(self) -> str:
        field = ".".join(map(str, self.path)) or "entry"
        return f"{self.type} {field} {self.kind}: {self.about}"

    @property
    def stops(self) -> bool:
        """Whether a gateway that knows only this version stops at an entry that it cannot read."""
        return any(isinstance(entry.body, Unknown) for entry, _ in self.entries)


def placed(entries: Iterable[tuple[Entry, int]]) -> list[tuple[Entry, int]]:
    """The entries at the places that they have now, none earlier than the one before it."""
    found, at_ms = [], 0
    for seq, (entry, size) in enumerate(entries):
        at_ms = max(at_ms, entry.at_ms)
        found.append((_moved(entry, seq, at_ms), size))
    return found


def _moved(entry: Entry, seq: int, at_ms: int) -> Entry:
    return entry if (entry.seq, entry.at_ms) == (seq, at_ms) else told(entry, {}, seq=seq, at_ms=at_ms)


class Liar:
    """Makes lies of one honest log. `elsewhere` are values that it may take from another."""

    def __init__(self, log: Sequence[Entry], elsewhere: Values) -> None:
        self.log = log
        self._values, self._elsewhere = Values(log), elsewhere
        self._landmarks = sorted({*(entry.size for entry in log if entry.type in LANDMARKS), len(log)})
        said = [(key, str(value)) for each in log for _, key, value in fields_of(each) if value]
        self._names = {name: sorted({value for key, value in said if key == name}) for name in NAMES}

    def otherwise(self, entry: Entry) -> Iterator[Lie]:
        """Each of its fields says something else."""
        for other in others(entry, self._values, self._elsewhere):
            made = self._honest()
            made[entry.seq] = (other.entry, entry.size)
            yield self._lie(other.kind, entry, made, entry.size, touched={entry.seq}, path=other.path)

    def at_another_time(self, entry: Entry) -> Iterator[Lie]:
        """It has the time of the entry before it, or comes a day later; what follows is no earlier."""
        before = self.log[max(entry.seq - 1, 0)].at_ms
        for at_ms in {before, entry.at_ms + DAY_MS} - {entry.at_ms}:
            made = self._honest()
            made[entry.seq] = (told(entry, {}, at_ms=at_ms), entry.size)
            yield self._lie(
                "at another time", entry, placed(made), entry.size, touched={entry.seq}, path=("at",)
            )

    def left_out(self, entry: Entry) -> Iterator[Lie]:
        """It is left out."""
        made = [each for each in self._honest() if each[0] is not entry]
        yield self._lie("left out", entry, placed(made), entry.size, touched={entry.seq})

    def again(self, entry: Entry) -> Iterator[Lie]:
        """It comes again as it is, at once and at each landmark after it."""
        for size in sorted({entry.size, *(each for each in self._landmarks if each > entry.size)}):
            yield self._inserted("again", entry, [entry], size)

    def again_otherwise(self, entry: Entry) -> Iterator[Lie]:
        """It comes again at the end, with each of its fields saying something else."""
        for other in others(entry, self._values, self._elsewhere, count=1):
            kind = f"again, {other.kind}"
            yield self._inserted(kind, entry, [other.entry], len(self.log), path=other.path)

    def signed_elsewhere(self, entry: Entry) -> Iterator[Lie]:
        """In its place stands what was signed in another entry of its type: under its name, or as its own."""
        said = public_of(entry)
        for other in self.log if "envelope" in said else ():
            if other.type != entry.type or other is entry:
                continue
            theirs = public_of(other)
            signed = {name: theirs[name] for name in ("envelope", "digest") if name in theirs}
            named = {name: said[name] for name in _NAMED if name in said}
            for public in ({**said, **signed}, {**theirs, **named}):
                made = self._honest()
                made[entry.seq] = (saying(entry, public), entry.size)
                yield self._lie("signed elsewhere", entry, made, entry.size, touched={entry.seq})

    def later(self, entry: Entry) -> Iterator[Lie]:
        """It comes later: after its neighbour, or at a landmark."""
        for size in sorted({entry.size + 1, *(each for each in self._landmarks if each > entry.size)}):
            if size <= len(self.log):
                made = [each for each in self._honest() if each[0] is not entry]
                made.insert(size - 1, (entry, size))
                yield self._lie("later", entry, placed(made), size, touched={entry.seq})

    def with_more(self, entry: Entry) -> Iterator[Lie]:
        """It and what follows it come again at the end: all, or only what widens, under new names."""
        for end in range(entry.seq + 2, len(self.log) + 1):
            stretch = self.log[entry.seq : end]
            yield self._inserted("with more", entry, stretch, len(self.log))
            wide = [each for each in stretch if each.type not in NARROWING or _is_granted(each)]
            yield self._inserted("with more, renamed", entry, _renamed(wide), len(self.log))

    def swapped(self, entry: Entry) -> Iterator[Lie]:
        """Up to it, two grants, keys or cases have each other's name, except where it was signed."""
        if entry.type != "case.opened" and entry.size not in self._landmarks:
            return
        for name in NAMES:
            for one, other in itertools.combinations(self._names[name], 2):
                yield self._swapped(entry, ("public", name), {one: other, other: one})

    def _swapped(self, entry: Entry, path: Path, names: Mapping[str, str]) -> Lie:
        made, touched = self._honest(), set[int]()
        for each in self.log:
            changed = _saying(each, names)
            if changed is not each:
                touched.add(each.seq)
                if each.seq < entry.seq:
                    made[each.seq] = (changed, each.size)
        return self._lie("swapped", entry, made, entry.size, touched=touched, path=path)

    def together(self, random: Random) -> Iterator[Lie]:
        """Two or three lies in one log, without end."""
        while True:
            yield self._together(random)

    def _together(self, random: Random) -> Lie:
        made, touched, since, said = self._honest(), set[int](), 1, []
        for _ in range(random.choice((2, 2, 3))):
            act = random.choice(("leave out", "again", "again", "later", "otherwise", "again otherwise"))
            at = random.randrange(1, len(made))
            entry, size = made[at]
            said.append(f"{act} {entry.type} at {at}")
            if act in {"otherwise", "again otherwise"}:
                other: Other = random.choice(list(others(entry, self._values, self._elsewhere, count=1)))
                entry, said[-1] = other.entry, f"{said[-1]} {other.path} {other.kind}"
            if act not in {"again", "again otherwise"}:
                touched.add(size - 1)
                del made[at]
            if act == "otherwise":
                made.insert(at, (entry, size))
            elif act != "leave out":
                to = random.randrange(at - 1, len(made))
                since = max(since, made[to][1])
                made.insert(to + 1, (entry, made[to][1]))
            since = max(since, size)
        return self._lie("together", self.log[0], placed(made), since, touched=touched, about="; ".join(said))

    def _honest(self) -> list[tuple[Entry, int]]:
        return [(entry, entry.size) for entry in self.log]

    def _inserted(
        self, kind: str, entry: Entry, stretch: Sequence[Entry], size: int, *, path: Path = ()
    ) -> Lie:
        made = self._honest()
        made[size:size] = [(each, size) for each in stretch]
        return self._lie(kind, entry, placed(made), size, path=path)

    def _lie(
        self,
        kind: str,
        entry: Entry,
        made: Sequence[tuple[Entry, int]],
        since: int,
        *,
        touched: Iterable[int] = (),
        path: Path = (),
        about: str = "",
    ) -> Lie:
        said = about or f"entry {entry.seq}, compared from size {since}"
        return Lie(kind, entry.type, path, frozenset(touched), made, self._sizes(since), said)

    def _sizes(self, since: int) -> frozenset[int]:
        """Where to compare: at once, at some landmarks that follow, and at the end."""
        later = [each for each in self._landmarks if each > since]
        return frozenset({since, len(self.log), *later[:2], *later[2::5]})


KINDS: dict[str, Callable[[Liar, Entry], Iterator[Lie]]] = {
    kind.__name__: kind
    for kind in (
        Liar.otherwise,
        Liar.at_another_time,
        Liar.left_out,
        Liar.again,
        Liar.again_otherwise,
        Liar.signed_elsewhere,
        Liar.later,
        Liar.with_more,
        Liar.swapped,
    )
}


def _is_granted(entry: Entry) -> bool:
    return str(public_of(entry).get("outcome", "")).startswith("approved")


def _saying(entry: Entry, names: Mapping[str, str]) -> Entry:
    """An entry with other names, but where they were signed."""
    public = _renaming(public_of(entry), names)
    gate = {name: _renaming(gate_value(entry, name), names) for name in entry.gate}
    changed = {name: value for name, value in gate.items() if value != gate_value(entry, name)}
    if public == public_of(entry) and not changed:
        return entry
    return told(entry, public, openings(changed, Entropy(_SALT)))


def _renaming(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list):
        return [_renaming(each, names) for each in value]
    if isinstance(value, Mapping):
        return {key: each if key in _SIGNED else _renaming(each, names) for key, each in value.items()}
    return value


def _renamed(entries: Sequence[Entry]) -> list[Entry]:
    """Entries whose grants and keys have names that are not taken."""
    taken = {
        str(public_of(entry)[key])
        for entry in entries
        for key, type_ in (("grant", "grant.approved"), ("credential", "credential.issued"))
        if entry.type == type_
    }
    return [_saying(entry, {name: f"{name}x" for name in taken}) for entry in entries]
