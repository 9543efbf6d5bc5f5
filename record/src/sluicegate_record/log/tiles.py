"""C2SP tlog-tiles: how a log is cut into files that never change once they are full.

Rules
- A tile of level L has up to 256 consecutive hashes of tree level 8L; an entry bundle up to 256 leaves.
- Index and width are in the path, so a path has one spelling: `parse_tile_path` takes only what `tile_path`
  and `entries_path` write.
- A leaf is preceded by its length in two bytes, so it has at most 65,535 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sluicegate_record.errors import InvalidInput

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
MAX_LEVEL = 63
MAX_LEAF_BYTES = 0xFFFF
MAX_INDEX = 2**56 - 1

_LENGTH_BYTES = 2
MAX_ENTRY_BYTES = _LENGTH_BYTES + MAX_LEAF_BYTES
"""How much of a bundle an entry takes at most."""
_PATH = re.compile(
    r"tile/(?:(?P<level>[0-9]{1,2})|entries)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile, or an entry bundle.

    Units: level counts tiles from the leaves up, 0 to MAX_LEVEL, None for entries; index counts tiles of the
           level from 0; width counts hashes or entries, 1 to 256.
    """

    level: int | None
    index: int
    width: int


def tile_path(level: int, index: int, width: int) -> str:
    """Where a tile is, for example "tile/0/x001/x234/067.p/8"; a full one has no ".p".

    Requires: 0 <= level <= MAX_LEVEL, 0 <= index <= MAX_INDEX, 1 <= width <= 256.
    Raises:   InvalidInput: otherwise.
    Source:   C2SP tlog-tiles, Merkle tree.
    """
    return _path(Tile(level, index, width))


def entries_path(index: int, width: int) -> str:
    """Where an entry bundle is, for example "tile/entries/000.p/8".

    Requires: 0 <= index <= MAX_INDEX, 1 <= width <= 256.
    Raises:   InvalidInput: otherwise.
    Source:   C2SP tlog-tiles, log entries.
    """
    return _path(Tile(None, index, width))


def entries_paths(size: int) -> Iterator[tuple[str, int]]:
    """Where the entry bundles of a log of `size` entries are, in order, each with its width."""
    return ((entries_path(index, width), width) for index, width in _widths(size))


def tile_paths(level: int, count: int) -> Iterator[tuple[str, int]]:
    """Where the tiles of a level that has `count` hashes are, in order, each with its width."""
    return ((tile_path(level, index, width), width) for index, width in _widths(count))


def paths(size: int) -> list[str]:
    """Every path of a log of `size` entries but its checkpoint: all of a static copy."""
    found, level, count = list(entries_paths(size)), 0, size
    while count:
        found += tile_paths(level, count)
        level, count = level + 1, count // TILE_WIDTH
    return [path for path, _ in found]


def parse_tile_path(path: str) -> Tile:
    """The tile or bundle at `path`, which has no leading slash.

    Raises: InvalidInput: a path that `tile_path` and `entries_path` do not write.
    """
    found = _PATH.fullmatch(path)
    if not found:
        raise InvalidInput(f"{path[:80]!r} is not a tile's path, expected one as tile/0/x001/067.p/8")
    level = None if found["level"] is None else int(found["level"])
    index = int(found["index"].replace("/", "").replace("x", ""))
    tile = Tile(level, index, int(found["width"] or TILE_WIDTH))
    if _path(tile) != path:
        raise InvalidInput(f"{path[:80]!r} is not a tile's path, expected {_path(tile)!r}")
    return tile


def tile_nodes(tile: Tile) -> list[tuple[int, int]]:
    """The tree nodes in the tile, in order, as (level, index) of `merkle`; none for an entry bundle.

    Source: C2SP tlog-tiles, Merkle tree.
    """
    if tile.level is None:
        return []
    first = tile.index * TILE_WIDTH
    return [(tile.level * TILE_HEIGHT, index) for index in range(first, first + tile.width)]


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: each entry after its length in two bytes, big-endian.

    Requires: 1 to 256 entries, each of at most MAX_LEAF_BYTES.
    Raises:   InvalidInput: otherwise.
    Source:   C2SP tlog-tiles, log entries.
    """
    _check_count(len(entries))
    longest = max(map(len, entries))
    if longest > MAX_LEAF_BYTES:
        raise InvalidInput(f"entry of {longest} bytes, expected at most {MAX_LEAF_BYTES}")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def decode_entries(bundle: bytes) -> list[bytes]:
    """The entries of a bundle.

    Raises: InvalidInput: cut short, or not 1 to 256 entries.
    Source: C2SP tlog-tiles, log entries.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(bundle) and len(entries) <= TILE_WIDTH:
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(bundle[at:start], "big")
        entries.append(bundle[start:at])
        if at > len(bundle) or start > len(bundle):
            raise InvalidInput(f"entry bundle ends inside entry {len(entries) - 1}, expected whole entries")
    _check_count(len(entries))
    return entries


def _widths(count: int) -> Iterator[tuple[int, int]]:
    """The index and width of each tile over `count` hashes."""
    return ((at // TILE_WIDTH, min(TILE_WIDTH, count - at)) for at in range(0, count, TILE_WIDTH))


def _path(tile: Tile) -> str:
    level = "entries" if tile.level is None else _within("level", tile.level, 0, MAX_LEVEL)
    _within("index", tile.index, 0, MAX_INDEX)
    part = "" if _within("width", tile.width, 1, TILE_WIDTH) == TILE_WIDTH else f".p/{tile.width}"
    return f"tile/{level}/{_index_path(tile.index)}{part}"


def _index_path(index: int) -> str:
    """Groups of three digits, all but the last marked: 1234067 is x001/x234/067."""
    path = f"{index % 1000:03}"
    while index := index // 1000:
        path = f"x{index % 1000:03}/{path}"
    return path


def _within(what: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise InvalidInput(f"tile {what} {value}, expected {least} to {most}")
    return value


def _check_count(count: int) -> None:
    if not 1 <= count <= TILE_WIDTH:
        raise InvalidInput(f"bundle of {count} entries, expected 1 to {TILE_WIDTH}")
