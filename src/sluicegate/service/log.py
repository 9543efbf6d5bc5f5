"""The public log: checkpoint, tiles, proofs. Anyone may read all of it."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle import Refusal
from sluicegate.service.ledger import Ledger
from sluicegate_record.log import canonical, merkle, tiles


def tile(ledger: Ledger, path: str) -> bytes | Refusal:
    """A tile or an entry bundle by its C2SP path, without leading slash.

    Raises: InvalidInput: not such a path.
    """
    asked = tiles.parse_tile_path(path)
    size = ledger.size()
    first = asked.index * tiles.TILE_WIDTH
    level = 8 * (asked.level or 0)
    if (first + asked.width) << level > size:
        return Refusal("unknown", "tile_unknown", f"no tile {path!r} in a log of {size} entries")
    if asked.level is None:
        return tiles.encode_entries(ledger.store.log.leaves(first, first + asked.width))
    return b"".join(ledger.store.log.node(*node) for node in tiles.tile_nodes(asked))


def inclusion(ledger: Ledger, index: int, size: int | None) -> dict[str, Any] | Refusal:
    """The proof that entry `index` is in the log of `size` entries, by default the newest."""
    newest = ledger.size()
    size = newest if size is None else size
    if not 0 <= index < size <= newest:
        return Refusal(
            "unknown", "entry_unknown", f"no entry {index} in a log of {size} entries; it has {newest}"
        )
    proof = merkle.inclusion_proof(index, size, ledger.store.log.node)
    leaf = ledger.store.log.leaves(index, index + 1)[0]
    return {
        "index": index,
        "size": size,
        "leaf": leaf.decode(),
        "proof": [canonical.b64(node) for node in proof],
        "root": canonical.b64(ledger.root(size)),
    }


def consistency(ledger: Ledger, first: int, second: int | None) -> dict[str, Any] | Refusal:
    """The proof that the log of `first` entries is the beginning of that of `second`."""
    newest = ledger.size()
    second = newest if second is None else second
    if not 0 <= first <= second <= newest:
        return Refusal(
            "unknown", "size_unknown", f"no log sizes {first} and {second}; the log has {newest} entries"
        )
    proof = merkle.consistency_proof(first, second, ledger.store.log.node)
    return {"first": first, "second": second, "proof": [canonical.b64(node) for node in proof]}
