from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts import log as acts
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput
from sluicegate.service import log
from sluicegate.service.log import proof_of
from sluicegate_record.log import canonical, checkpoint, merkle, tiles
from tests.plane import Plane, yes
from tests.worlds import ORIGIN, public_key


@pytest.fixture(scope="module")
def plane() -> Plane:
    """A log of more than one tile."""
    plane = Plane()
    plane.opened()
    while plane.size < 300:
        plane.submit("developer", f"Example {plane.size}")
    return plane


def head(plane: Plane) -> checkpoint.Checkpoint:
    verifier = checkpoint.parse_vkey(checkpoint.vkey(ORIGIN, public_key("log")))
    return checkpoint.open_checkpoint(plane.ledger.checkpoint(), verifier)


def hashes(plane: Plane) -> list[bytes]:
    return [merkle.leaf_hash(leaf) for leaf in plane.store.log.leaves(0, plane.size)]


def root_of(found: list[bytes]) -> bytes:
    frontier = merkle.Frontier()
    for each in found:
        frontier.append(each)
    return frontier.root()


def test_the_tiles_are_the_log_that_was_signed(plane):
    leaves: list[bytes] = []
    for path, _ in tiles.entries_paths(plane.size):
        found = log.tile(plane.ledger, path)
        assert isinstance(found, bytes)
        leaves += tiles.decode_entries(found)
    assert leaves == list(plane.store.log.leaves(0, plane.size))
    below = b""
    for path, _ in tiles.tile_paths(0, plane.size):
        found = log.tile(plane.ledger, path)
        assert isinstance(found, bytes)
        below += found
    assert below == b"".join(map(merkle.leaf_hash, leaves))
    assert root_of(hashes(plane)) == head(plane).root
    above = log.tile(plane.ledger, tiles.tile_path(1, 0, 1))
    assert above == root_of(hashes(plane)[:256])


def test_every_path_of_a_static_copy_is_there(plane):
    for path in tiles.paths(plane.size):
        assert isinstance(log.tile(plane.ledger, path), bytes), path


def test_a_part_of_a_tile_is_there_for_every_smaller_log(plane):
    for width in (1, 2, 255):
        found = log.tile(plane.ledger, tiles.tile_path(0, 0, width))
        assert found == b"".join(hashes(plane)[:width])


@pytest.mark.parametrize(
    "path",
    [
        *("tile/0/001", "tile/0/001.p/45", "tile/0/002.p/1", "tile/0/x999/x999/x999/999"),
        *("tile/1/000.p/2", "tile/2/000.p/1", "tile/63/000.p/1", "tile/63/x999/x999/x999/999.p/1"),
        *("tile/entries/001", "tile/entries/001.p/45"),
    ],
)
def test_a_tile_beyond_the_log_is_refused(plane, path):
    refused = log.tile(plane.ledger, path)
    assert isinstance(refused, Refusal)
    assert refused.code == "tile_unknown"


@pytest.mark.parametrize(
    "path",
    [
        *("", "tile", "tile/", "tile/0/0", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/000/"),
        *("tile/0/000.p/0", "tile/0/000.p/256", "tile/0/../0/000", "tile/0/000.p/01"),
        *("checkpoint", "x" * 10_000),
    ],
)
def test_what_is_no_tile_is_refused(plane, path):
    with pytest.raises(InvalidInput):
        log.tile(plane.ledger, path)


@pytest.mark.parametrize("size", [1, 2, 7, 256, 257, 300])
def test_every_entry_is_proved_to_be_in_the_log(plane, size):
    root = root_of(hashes(plane)[:size])
    for index in {0, size // 2, size - 1}:
        proved: Any = proof_of(plane.ledger, index, size)
        proof = [canonical.unb64(node) for node in proved.proof]
        leaf = merkle.leaf_hash(proved.leaf.encode())
        merkle.verify_inclusion(leaf, index, size, proof, root)
        assert canonical.unb64(proved.root) == root


def test_the_newest_size_is_meant_where_none_is_named(plane):
    proved: Any = plane.do("rival", acts.INCLUSION, index=3)
    assert proved.size == plane.size
    assert canonical.unb64(proved.root) == head(plane).root
    assert yes(plane.do("rival", acts.CONSISTENCY, first=3)).second == plane.size


@pytest.mark.parametrize(
    ("first", "second"), [(0, 0), (0, 300), (1, 2), (6, 7), (255, 257), (256, 300), (300, 300)]
)
def test_every_older_log_is_proved_to_be_the_beginning_of_a_newer(plane, first, second):
    proved: Any = yes(plane.do("rival", acts.CONSISTENCY, first=first, second=second))
    proof = [canonical.unb64(node) for node in proved.proof]
    found = hashes(plane)
    merkle.verify_consistency(first, second, proof, root_of(found[:first]), root_of(found[:second]))


@pytest.mark.parametrize(
    ("index", "size"), [(-1, 5), (5, 5), (300, 301), (300, None), (0, 0), (0, -1), (2**80, 2**90)]
)
def test_an_entry_that_is_not_there_is_not_proved(plane, index, size):
    refused = proof_of(plane.ledger, index, size)
    assert isinstance(refused, Refusal)
    assert refused.code == "entry_unknown"


@pytest.mark.parametrize(("first", "second"), [(6, 5), (0, 301), (301, None), (2**53 - 2, 2**53 - 1)])
def test_a_size_that_is_not_there_is_not_proved(plane, first, second):
    refused = plane.do("rival", acts.CONSISTENCY, first=first, second=second)
    assert isinstance(refused, Refusal)
    assert refused.code == "size_unknown"
