"""An import of keys: its parts, in their order, until it counts or is discarded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries import credentials
from sluicegate_record.entries.body import Body
from sluicegate_record.form import Form, Hex, form, replace
from sluicegate_record.log import leaf, merkle
from sluicegate_record.log.merkle import Frontier


@form
class KeyImport(Form):
    """An import of keys. `parts` counts its parts, and `count` their keys.

    `commitments` are those to the keys of its parts, 32 bytes each, while it is open.
    """

    name: str
    parts: int = 0
    count: int = 0
    commitments: tuple[Hex, ...] = ()
    state: Literal["open", "counted", "discarded"] = "open"

    @property
    def is_open(self) -> bool:
        """Whether it may get more parts."""
        return self.state == "open"

    @property
    def root(self) -> bytes:
        """The root of the tree over those commitments, 32 bytes. Requires: it is open."""
        tree = Frontier()
        for each in self.commitments:
            tree.append(merkle.leaf_hash(each))
        return tree.root()

    def after(self, entry: Happening) -> KeyImport:
        """The import after an entry about it."""
        move = _MOVES.get(type(entry.body))
        return self if move is None else move(self, entry)


def _grown(found: KeyImport, entry: Happening) -> KeyImport:
    body = entry.body
    assert isinstance(body, credentials.CredentialsChunk)
    return replace(
        found,
        parts=found.parts + 1,
        count=found.count + body.count,
        commitments=(*found.commitments, bytes.fromhex(leaf.read(entry.leaf).gate["keys"])),
    )


def _counted(found: KeyImport, entry: Happening) -> KeyImport:
    return replace(found, state="counted", commitments=())


def _discarded(found: KeyImport, entry: Happening) -> KeyImport:
    return replace(found, state="discarded", commitments=())


_MOVES: dict[type[Body], Callable[[KeyImport, Any], KeyImport]] = {
    credentials.CredentialsChunk: _grown,
    credentials.CredentialsImported: _counted,
    credentials.CredentialsDiscarded: _discarded,
}
