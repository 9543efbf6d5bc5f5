from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import BadProof, InvalidInput
from sluicegate_record.log import merkle
from sluicegate_record.log.merkle import (
    EMPTY_ROOT,
    Frontier,
    Place,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.record import rfc6962_reference as rfc
from tests.vectors import make_merkle

ROOT = Path(__file__).parents[3]
VECTORS = ROOT / "tests/vectors/merkle"
SHARED_VECTORS = ROOT.parent / "shared/data/merkle"

sizes = st.integers(0, 70)
positive = st.integers(1, 70)


class Stored:
    """A tree as a store keeps it: complete nodes only, each written once."""

    def __init__(self, size: int) -> None:
        self.leaves = make_merkle.leaves(size)
        self.frontier = Frontier()
        self.nodes: dict[tuple[int, int], bytes] = {}
        for leaf in self.leaves:
            self.append(leaf)

    def append(self, leaf: bytes) -> None:
        for level, index, node in self.frontier.append(leaf_hash(leaf)):
            assert (level, index) not in self.nodes
            self.nodes[level, index] = node

    def read(self, places: Sequence[Place]) -> list[bytes]:
        return [self.nodes[place] for place in places]


@pytest.fixture(scope="module")
def stored() -> Stored:
    return Stored(70)


def test_published_roots() -> None:
    contents = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for content in contents:
        frontier.append(leaf_hash(bytes.fromhex(content)))
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert frontier.root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(size=sizes)
def test_roots_are_those_of_the_rfc(stored: Stored, size: int) -> None:
    assert merkle.root(size, stored.read) == rfc.mth(stored.leaves[:size])
    assert Frontier.at(size, stored.read).root() == rfc.mth(stored.leaves[:size])


def test_append_completes_each_node_when_its_last_leaf_comes() -> None:
    frontier, hashes = Frontier(), [leaf_hash(leaf) for leaf in make_merkle.leaves(4)]
    pair = node_hash(hashes[2], hashes[3])

    assert frontier.append(hashes[0]) == [(0, 0, hashes[0])]
    assert frontier.append(hashes[1]) == [(0, 1, hashes[1]), (1, 0, node_hash(*hashes[:2]))]
    assert frontier.append(hashes[2]) == [(0, 2, hashes[2])]
    assert frontier.append(hashes[3]) == [(0, 3, hashes[3]), (1, 1, pair), (2, 0, frontier.root())]
    assert frontier.size == 4


def test_all_complete_nodes_are_stored_and_right(stored: Stored) -> None:
    expected = {(level, index) for level in range(7) for index in range(70 >> level)}

    assert stored.nodes.keys() == expected
    for level, index in expected:
        below = stored.leaves[index << level : (index + 1) << level]
        assert stored.nodes[level, index] == rfc.mth(below)


@given(size=sizes)
def test_a_rebuilt_frontier_grows_like_the_first(stored: Stored, size: int) -> None:
    rebuilt = Frontier.at(size, stored.read)
    for leaf in stored.leaves[size:]:
        rebuilt.append(leaf_hash(leaf))

    assert rebuilt == stored.frontier


def test_a_copy_grows_on_its_own() -> None:
    frontier = Stored(5).frontier
    before, copy = frontier.root(), frontier.copy()
    copy.append(leaf_hash(b"more"))

    assert (frontier.size, frontier.root()) == (5, before)
    assert copy.root() == rfc.mth([*make_merkle.leaves(5), b"more"])


@given(size=positive, data=st.data())
def test_inclusion_proofs_are_those_of_the_rfc(stored: Stored, size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, stored.read)

    assert proof == rfc.path(index, stored.leaves[:size])
    verify_inclusion(stored.nodes[0, index], index, size, proof, rfc.mth(stored.leaves[:size]))


@given(second=positive, data=st.data())
def test_consistency_proofs_are_those_of_the_rfc(stored: Stored, second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    proof = consistency_proof(first, second, stored.read)

    assert proof == rfc.proof(first, stored.leaves[:second])
    verify_consistency(first, second, proof, rfc.mth(stored.leaves[:first]), rfc.mth(stored.leaves[:second]))


def test_all_small_trees(stored: Stored) -> None:
    roots = [rfc.mth(stored.leaves[:size]) for size in range(18)]
    for size in range(1, 18):
        for index in range(size):
            proof = inclusion_proof(index, size, stored.read)
            verify_inclusion(stored.nodes[0, index], index, size, proof, roots[size])
        for first in range(size + 1):
            proof = consistency_proof(first, size, stored.read)
            verify_consistency(first, size, proof, roots[first], roots[size])


def test_the_empty_tree_needs_no_proof(stored: Stored) -> None:
    assert consistency_proof(0, 9, stored.read) == []
    assert consistency_proof(0, 0, stored.read) == []
    assert consistency_proof(9, 9, stored.read) == []


@given(size=st.integers(2, 70), data=st.data())
def test_no_other_leaf_is_proven(stored: Stored, size: int, data: st.DataObject) -> None:
    index, other = data.draw(st.permutations(range(size)))[:2]
    proof, root = inclusion_proof(index, size, stored.read), rfc.mth(stored.leaves[:size])

    with pytest.raises(BadProof):
        verify_inclusion(stored.nodes[0, other], index, size, proof, root)
    with pytest.raises(BadProof):
        verify_inclusion(stored.nodes[0, index], other, size, proof, root)


@given(second=positive, data=st.data())
def test_no_rewritten_tree_is_proven(stored: Stored, second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    changed = list(stored.leaves[:second])
    changed[data.draw(st.integers(0, first - 1))] = b"rewritten"
    old, new = rfc.mth(stored.leaves[:first]), rfc.mth(changed)

    with pytest.raises(BadProof):
        verify_consistency(first, second, rfc.proof(first, changed), old, new)
    with pytest.raises(BadProof):
        verify_consistency(first, second, rfc.proof(first, stored.leaves[:second]), old, new)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 4), (0, -1)])
def test_no_inclusion_proof_outside_the_tree(stored: Stored, index: int, size: int) -> None:
    with pytest.raises(InvalidInput, match="expected 0 <= index < size"):
        inclusion_proof(index, size, stored.read)


@pytest.mark.parametrize(("first", "second"), [(2, 1), (-1, 1), (-2, -1), (1, 0)])
def test_no_consistency_proof_backwards(stored: Stored, first: int, second: int) -> None:
    with pytest.raises(InvalidInput, match="expected 0 <= first <= second"):
        consistency_proof(first, second, stored.read)


def test_no_tree_of_negative_size(stored: Stored) -> None:
    with pytest.raises(InvalidInput, match="tree size -1"):
        merkle.root(-1, stored.read)


def test_vectors_are_those_of_their_script() -> None:
    assert {
        path.name: json.loads(path.read_text("utf-8")) for path in VECTORS.iterdir()
    } == make_merkle.vectors()


@pytest.mark.parametrize("name", ["inclusion.json", "consistency.json"])
def test_vectors(name: str) -> None:
    cases = json.loads(VECTORS.joinpath(name).read_text("utf-8"))
    assert [case["desc"] for case in cases if refused(case) is not case["want_err"]] == []
    assert sum(case["want_err"] for case in cases) > 60


def refused(case: dict[str, Any]) -> bool:
    proof = [bytes.fromhex(each) for each in case["proof"]]
    try:
        if "index" in case:
            leaf, root = bytes.fromhex(case["leaf"]), bytes.fromhex(case["root"])
            verify_inclusion(leaf, case["index"], case["size"], proof, root)
        else:
            roots = bytes.fromhex(case["first_root"]), bytes.fromhex(case["second_root"])
            verify_consistency(case["first"], case["second"], proof, *roots)
    except BadProof:
        return True
    return False


@pytest.mark.skipif(not SHARED_VECTORS.is_dir(), reason="the folder shared/data/merkle is not here")
def test_foreign_inclusion_vectors() -> None:
    cases = [json.loads(path.read_bytes()) for path in SHARED_VECTORS.rglob("*.json")]
    assert [case["desc"] for case in cases if foreign_refused(case) is not case["wantErr"]] == []
    assert len(cases) > 90


def foreign_refused(case: dict[str, Any]) -> bool:
    leaf, root, *proof = map(base64.b64decode, [case["leafHash"], case["root"], *(case["proof"] or [])])
    try:
        verify_inclusion(leaf, case["leafIdx"], case["treeSize"], proof, root)
    except BadProof:
        return True
    return False
