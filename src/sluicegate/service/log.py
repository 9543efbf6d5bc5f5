"""The public log: checkpoint, tiles, proofs. Anyone may read all of it."""

from __future__ import annotations

from sluicegate.acts import log as acts
from sluicegate.acts.act import Nothing
from sluicegate.acts.log import ConsistencyProof, EntryPlace, InclusionProof, LogHead, TwoSizes
from sluicegate.core.lifecycle import Refusal
from sluicegate.service.context import Context, does
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
    return b"".join(ledger.store.log.nodes(tiles.tile_nodes(asked)))


@does(acts.HEAD)
def head(context: Context[LogHead], _: Nothing) -> LogHead:
    """The log's first verifier key, its size, and the key that signs it now."""
    ledger = context.ledger
    with ledger.reading() as state:
        size, key = state.size, state.record.log_keys.current.vkey
    return LogHead(vkey=ledger.vkey(), size=size, key=key, handovers=ledger.handovers())


@does(acts.INCLUSION)
def inclusion(context: Context[InclusionProof], asked: EntryPlace) -> InclusionProof | Refusal:
    """The proof that an entry is in the log of `size` entries, by default the newest."""
    return proof_of(context.ledger, asked.index, asked.size)


def proof_of(ledger: Ledger, index: int, size: int | None = None) -> InclusionProof | Refusal:
    """The proof that entry `index` is in the log of `size` entries, by default the newest."""
    newest = ledger.size()
    size = newest if size is None else size
    if not 0 <= index < size <= newest:
        said = f"no entry {index} in a log of {size} entries; it has {newest}"
        return Refusal("unknown", "entry_unknown", said)
    proof = merkle.inclusion_proof(index, size, ledger.store.log.nodes)
    leaf = ledger.store.log.leaves(index, index + 1)[0]
    return InclusionProof(
        index=index,
        size=size,
        leaf=leaf.decode(),
        proof=tuple(map(canonical.b64, proof)),
        root=canonical.b64(ledger.root(size)),
    )


@does(acts.CONSISTENCY)
def consistency(context: Context[ConsistencyProof], asked: TwoSizes) -> ConsistencyProof | Refusal:
    """The proof that the log of `first` entries is the beginning of that of `second`."""
    ledger, first = context.ledger, asked.first
    newest = ledger.size()
    second = newest if asked.second is None else asked.second
    if not 0 <= first <= second <= newest:
        said = f"no log sizes {first} and {second}; the log has {newest} entries"
        return Refusal("unknown", "size_unknown", said)
    proof = merkle.consistency_proof(first, second, ledger.store.log.nodes)
    return ConsistencyProof(first=first, second=second, proof=tuple(map(canonical.b64, proof)))
