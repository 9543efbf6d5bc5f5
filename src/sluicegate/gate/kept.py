"""What a gateway keeps of the log: the newest head that it trusted, and the newest entries.

Rules:
- Entries are on the disk before a head that holds them. So what was seen can be shown, and given back.
- Each line is an entry as the feed sent it, with its gate part. A line that stands again further on takes the
  place of the first, and of all lines between them: there the log was begun again.
- At most two files of `FILE_BYTES_MAX` are kept, the newest.
- The entries that officers have abandoned stay in a file of their own: what they narrow still holds here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluicegate.core.access import feed
from sluicegate.errors import SluicegateError, VerificationFailed
from sluicegate_record.entries import Entry
from sluicegate_record.log import canonical, checkpoint, merkle

FILE_BYTES_MAX = 64 * 1024 * 1024
_LINE_BYTES_MAX = feed.ANSWER_BYTES_MAX


@dataclass(frozen=True, slots=True)
class TrustedHead:
    """A head that a gateway trusted. Units: `root` 32 raw bytes."""

    size: int = 0
    root: bytes = merkle.EMPTY_ROOT


class Memory:
    """Where a gateway keeps what it has seen, so that a later run accepts nothing older. One run owns it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._path = folder / "seen.json"
        self._newest, self._older = folder / "entries.jsonl", folder / "entries.old.jsonl"
        self._next: int | None = None
        """The place after the last entry that is kept; None before the files were read."""

    def load(self) -> TrustedHead:
        """The head that an earlier run trusted.

        Raises: VerificationFailed: the file is there but cannot be read; do not delete it: that would mean to
                trust any head again.
        """
        if not self._path.exists():
            return TrustedHead()
        try:
            found: Any = canonical.loads(self._path.read_bytes())
            return _seen(found["size"], bytes.fromhex(found["root"]))
        except (SluicegateError, OSError, KeyError, TypeError, ValueError) as error:
            raise VerificationFailed(
                f"{self._path} cannot be read: {error}",
                remedy="restore it, or delete it to trust the log afresh from what it shows now",
            ) from error

    def note(self) -> str:
        """The head of what was seen, as it was signed, not verified; empty where it is not kept."""
        try:
            found: Any = canonical.loads(self._path.read_bytes())
            head = checkpoint.stated(found["head"])
        except (SluicegateError, OSError, KeyError, TypeError, ValueError):
            return ""
        return str(found["head"]) if TrustedHead(head.size, head.root) == self.load() else ""

    def save(self, seen: TrustedHead, entries: Sequence[Entry] = (), note: str = "") -> None:
        """Keep new entries, and then the head: it replaces the kept one, completely or not at all."""
        self._append(entries)
        written = self._path.with_suffix(".new")
        with written.open("w") as file:
            json.dump({"size": seen.size, "root": seen.root.hex(), "head": note}, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._path)

    def begin_again(self, size: int) -> None:
        """From here on what comes after `size` is kept in its place: the log was begun again there."""
        self._next = min(self.next, size)

    def entries(self, after: int, end: int) -> list[Entry]:
        """The entries from `after` to `end` (exclusive).

        Raises: VerificationFailed: not all of them are kept, or a file cannot be read.
        """
        found: dict[int, Entry] = {}
        for entry in self._lines():
            if after <= entry.seq < end:
                if entry.seq in found:
                    found = {seq: each for seq, each in found.items() if seq < entry.seq}
                found[entry.seq] = entry
        if len(found) != end - after:
            raise VerificationFailed(
                f"{self._folder} keeps {len(found)} of the entries {after} to {end - 1}",
                remedy="take them from another gateway, or from a newer backup",
            )
        return list(found.values())

    def abandoned(self, size: int) -> list[Entry]:
        """The entries after `size` that officers have abandoned and this gateway had seen; once or again."""
        return [
            each for path in sorted(self._folder.glob(f"abandoned-{size}-*.jsonl")) for each in _read(path)
        ]

    def abandon(self, size: int, seen: TrustedHead) -> list[Entry]:
        """Keep the entries from `size` to the head that was seen in a file of their own, and return them.

        Raises: VerificationFailed: not all of them are kept.
        """
        kept = self._folder / f"abandoned-{size}-{seen.size}-{seen.root.hex()}.jsonl"
        if not kept.exists():
            found = self.entries(size, seen.size)
            _write(kept.with_suffix(".new"), "wb", found)
            kept.with_suffix(".new").replace(kept)
        return list(_read(kept))

    @property
    def next(self) -> int:
        """The place after the last entry that is kept."""
        if self._next is None:
            last = _last_line(self._newest) or _last_line(self._older)
            self._next = 0 if not last else _item(last, self._newest).size
        return self._next

    def _append(self, entries: Sequence[Entry]) -> None:
        new = [entry for entry in entries if entry.seq >= self.next]
        if not new:
            return
        if self._newest.exists() and self._newest.stat().st_size > FILE_BYTES_MAX:
            self._newest.replace(self._older)
        _write(self._newest, "ab", new)
        self._next = new[-1].size

    def _lines(self) -> Iterator[Entry]:
        yield from _read(self._older)
        yield from _read(self._newest)


def _last_line(path: Path) -> bytes:
    """The last line of a file; one that a process left unfinished is cut off. Empty without one."""
    if not path.exists():
        return b""
    with path.open("rb+") as file:
        end, step, data = file.seek(0, os.SEEK_END), 64 * 1024, b""
        while end and data.count(b"\n") < 2 and len(data) < end:
            file.seek(max(0, end - step))
            data, step = file.read(), 2 * step
        whole = data.rfind(b"\n") + 1
        file.truncate(end - (len(data) - whole))
    return data[:whole].splitlines()[-1] if whole else b""


def _write(path: Path, mode: str, entries: Sequence[Entry]) -> None:
    with path.open(mode) as file:
        for entry in entries:
            file.write(json.dumps(feed.entry_json(entry)).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> Iterator[Entry]:
    """The entries of a file; a last line that is not whole does not count. Raises: VerificationFailed."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield _item(line, path)


def _item(line: bytes, path: Path) -> Entry:
    try:
        found: Any = canonical.loads(line, max_bytes=_LINE_BYTES_MAX)
        return feed.read_item(found)
    except (SluicegateError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise VerificationFailed(f"{path} cannot be read: {error}") from error


def _seen(size: Any, root: bytes) -> TrustedHead:
    if type(size) is not int or size < 0 or len(root) != merkle.HASH_BYTES:
        raise ValueError(f"size {size!r} with a root of {len(root)} bytes")
    return TrustedHead(size, root)
