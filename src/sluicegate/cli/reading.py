"""`ledger show`, `ledger log`, `ledger diff`: the public record in plain words.

Rules:
- What is read is what everyone may read. What an entry hides is counted.
- Nothing is verified here: that is what 'ledger verify' is for. Only what is asked for is read.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts.act import ActAnswer
from sluicegate.acts.record import RecordedEntry
from sluicegate.cli.files import read_bytes
from sluicegate.cli.listing import BEFORE, again
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.cli.watching import Shown, Watch, watch
from sluicegate.client import profiles
from sluicegate.core.explanations.narration import recorded
from sluicegate.errors import InvalidInput, NotCanonical, VerificationFailed
from sluicegate_record import copy
from sluicegate_record.form import form
from sluicegate_record.log import checkpoint, tiles, times
from sluicegate_record.terms.phrases import plain
from sluicegate_record.terms.text import counted

Where = Annotated[
    str, typer.Option("--from", help="A control plane's URL, or an exported folder; by default yours.")
]


@form
class Read(ActAnswer):
    """Entries of a log of `size`, as `ledger log` and `ledger diff` answer them."""

    size: int
    entries: tuple[RecordedEntry, ...]


class ReadLog:
    """A log whose files are read when they are needed."""

    def __init__(self, where: str) -> None:
        """Raises: InvalidInput: there is no log. Unreachable."""
        self._fetch = copy.files_of(where or profiles.access().url)
        self._bundles: dict[int, list[bytes]] = {}
        self.size = _size(self._fetch("checkpoint", checkpoint.MAX_NOTE_BYTES))

    def leaf(self, seq: int) -> bytes:
        """Raises: InvalidInput: no such entry. VerificationFailed: a file is damaged."""
        if not 0 <= seq < self.size:
            raise InvalidInput(f"no entry {seq}", remedy=f"the log has {self.size}, from 0 on")
        index, place = divmod(seq, tiles.TILE_WIDTH)
        if index not in self._bundles:
            self._bundles[index] = copy.bundle(self._fetch, self.size, index)
        return self._bundles[index][place]

    def entry(self, seq: int) -> RecordedEntry:
        """Raises: as `leaf`."""
        try:
            found = recorded(self.leaf(seq))
        except NotCanonical as error:
            raise VerificationFailed(f"entry {seq} is damaged: {error.message}") from error
        if found.index != seq:
            raise VerificationFailed(f"entry {found.index} is in the place of entry {seq}")
        return found


def _size(note: bytes) -> int:
    lines = note.split(b"\n")
    if len(lines) < 3 or not lines[1].isdigit() or len(lines[1]) > 18:
        raise InvalidInput("its checkpoint is not one of a log")
    return int(lines[1])


def show(
    number: Annotated[int, word("The entry, from 0 on.", min=0)],
    where: Where = "",
    as_json: Json = False,
) -> None:
    """Show an entry of the public record in plain words, with all that it says to everyone."""
    read = ReadLog(where)
    entry = read.entry(number)
    leaf = json.loads(read.leaf(number))
    lines = [
        f"entry {entry.index} of {read.size}: {entry.words}",
        f"  {times.format_time(entry.at_ms)}, {entry.type}, by {entry.by}",
        *(f"  {name}: {plain(value)}" for name, value in sorted(entry.public.items())),
        *(
            f"  {counted(len(leaf[part]), 'field')} {said}"
            for part, said in _HIDDEN.items()
            if leaf.get(part)
        ),
    ]
    emit({"size": read.size, "text": entry.words, "entry": leaf}, as_json, "\n".join(lines))


_HIDDEN = {"gate": "for gateways only", "sealed": "for those only that it concerns"}
"""Who gets what a part of a leaf commits to."""


def log(
    before: Annotated[int | None, value(BEFORE, "Only what is older.", min=0)] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many.", min=1, max=500)] = 50,
    about: Annotated[
        str, typer.Option("--about", help="Only what has this in its words, such as an id or a party.")
    ] = "",
    where: Where = "",
    follow: Watch = False,
    as_json: Json = False,
) -> None:
    """List the public record in plain words, newest first."""

    def ask() -> Shown:
        read = ReadLog(where)
        found = _newest(read, before, limit, about)
        rows = [[each.index, times.format_time(each.at_ms), each.words] for each in found]
        shown = table(
            f"{counted(read.size, 'entry', 'entries')}", ("entry", "at", "says"), rows, "No such entry."
        )
        if len(found) == limit and found[-1].index:
            shown += f"\n  more: {again(sys.argv[1:], str(found[-1].index))}"
        return Shown(read.size, Read(size=read.size, entries=tuple(found)), shown)

    if follow:
        watch(ask, as_json)
    found = ask()
    emit(found.answer.to_json(), as_json, found.text)


def _newest(read: ReadLog, before: int | None, limit: int, about: str) -> list[RecordedEntry]:
    end = read.size if before is None else min(before, read.size)
    return list(
        islice((each for each in map(read.entry, reversed(range(end))) if about in each.words), limit)
    )


def diff(
    old: Annotated[str, typer.Argument(help="A size of the log, or a file with a checkpoint.", metavar="A")],
    new: Annotated[str, word("A later one; without it, now.", metavar="B")] = "",
    where: Where = "",
    as_json: Json = False,
) -> None:
    """Show what came onto the public record between two sizes of it, by what it is about."""
    read = ReadLog(where)
    first = _size_of(old, read)
    last = _size_of(new, read) if new else read.size
    if first > last:
        raise InvalidInput(f"{old} is later than {new}", remedy="name the earlier one first")
    found = [read.entry(seq) for seq in range(first, last)]
    groups: dict[str, list[str]] = {}
    for each in found:
        line = f"  {each.index:>6}  {times.format_time(each.at_ms)}  {each.words}"
        groups.setdefault(each.about, []).append(line)
    lines = [f"from {first} to {counted(last, 'entry', 'entries')}: {_count(found)}"]
    lines += [line for about, said in groups.items() for line in (about, *said)]
    answer = Read(size=read.size, entries=tuple(found))
    emit({**answer.to_json(), "from": first, "to": last}, as_json, "\n".join(lines))


def _size_of(given: str, read: ReadLog) -> int:
    """A size as it is typed, or that of a checkpoint in a file. Raises: InvalidInput: neither; too large."""
    if given.isascii() and given.isdigit() and len(given) <= 18:
        size = int(given)
    else:
        size = _size(read_bytes(Path(given)))
    if size > read.size:
        raise InvalidInput(f"the log has {counted(read.size, 'entry', 'entries')}, not {size}")
    return size


def _count(found: Iterable[RecordedEntry]) -> str:
    """How many entries of each type, the most frequent first."""
    counts = Counter(each.type for each in found).most_common()
    return ", ".join(f"{count} {name}" for name, count in counts) or "nothing"
