from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import InvalidInput
from sluicegate_record.log.merkle import leaf_hash
from sluicegate_record.log.tiles import (
    MAX_INDEX,
    Tile,
    decode_entries,
    encode_entries,
    entries_path,
    parse_tile_path,
    tile_nodes,
    tile_path,
)

levels = st.integers(0, 63)
indexes = st.integers(0, MAX_INDEX)
widths = st.integers(1, 256)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 999, 256), "tile/0/999"),
        (Tile(0, 1000, 256), "tile/0/x001/000"),
        (Tile(0, 1234067, 8), "tile/0/x001/x234/067.p/8"),
        (Tile(63, 5, 255), "tile/63/005.p/255"),
        (Tile(None, 0, 1), "tile/entries/000.p/1"),
        (Tile(None, 1234067, 256), "tile/entries/x001/x234/067"),
        (Tile(0, MAX_INDEX, 256), "tile/0/x072/x057/x594/x037/x927/935"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    assert written(tile) == path
    assert parse_tile_path(path) == tile


@given(level=st.none() | levels, index=indexes, width=widths)
def test_a_path_says_all_of_a_tile(level: int | None, index: int, width: int) -> None:
    assert parse_tile_path(written(Tile(level, index, width))) == Tile(level, index, width)


def written(tile: Tile) -> str:
    if tile.level is None:
        return entries_path(tile.index, tile.width)
    return tile_path(tile.level, tile.index, tile.width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile//000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/a/000",
        "tile/Entries/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1234",
        "tile/0/x000/000",
        "tile/0/x000/x001/000",
        "tile/0/x001",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/X001/000",
        "tile/0/x1/000",
        "tile/0/x001/../000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/08",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/-1",
        "tile/0/000.p/8/",
        "tile/0/000.p/8\n",
        "tile/0/x001.p/8",
        "tile/0/\u0661\u0661\u0661",
        "tile/0/x999/x999/x999/x999/x999/999",
        "tile/0/" + "x001/" * 7 + "000",
        "tile/0/" + "x001/" * 100_000 + "000",
    ],
)
def test_other_spellings_are_refused(path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_tile_path(path)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, MAX_INDEX + 1, 1), (0, 0, 0), (0, 0, 257)],
)
def test_no_path_outside_the_log(level: int, index: int, width: int) -> None:
    with pytest.raises(InvalidInput, match="expected"):
        tile_path(level, index, width)


def test_a_tile_holds_every_eighth_level() -> None:
    assert tile_nodes(Tile(0, 0, 2)) == [(0, 0), (0, 1)]
    assert tile_nodes(Tile(2, 3, 3)) == [(16, 768), (16, 769), (16, 770)]
    assert len(tile_nodes(Tile(1, 0, 256))) == 256
    assert tile_nodes(Tile(None, 0, 5)) == []


def test_entries_follow_their_lengths() -> None:
    assert encode_entries([b"abc", b"", b"d" * 258]) == b"\0\3abc\0\0\1\2" + b"d" * 258


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_entries_come_back(entries: list[bytes]) -> None:
    assert decode_entries(encode_entries(entries)) == entries


def test_a_leaf_has_at_most_65535_bytes() -> None:
    longest = bytes(65_535)

    assert [leaf_hash(each) for each in decode_entries(encode_entries([longest]))] == [leaf_hash(longest)]
    with pytest.raises(InvalidInput, match="entry of 65536 bytes"):
        encode_entries([b"", longest + b"\0"])


@pytest.mark.parametrize("entries", [[], [b"x"] * 257])
def test_a_bundle_has_1_to_256_entries(entries: list[bytes]) -> None:
    with pytest.raises(InvalidInput, match=f"bundle of {len(entries)} entries"):
        encode_entries(entries)
    with pytest.raises(InvalidInput, match=f"bundle of {len(entries)} entries"):
        decode_entries(b"\0\1x" * len(entries))


def test_a_bundle_may_be_full() -> None:
    assert decode_entries(encode_entries([b"x"] * 256)) == [b"x"] * 256


@pytest.mark.parametrize("bundle", [b"\0", b"\0\1", b"\0\3ab", b"\0\1a\0", b"\0\1a\0\1", b"\xff\xff"])
def test_a_bundle_cut_short_is_refused(bundle: bytes) -> None:
    with pytest.raises(InvalidInput, match="ends inside entry"):
        decode_entries(bundle)
