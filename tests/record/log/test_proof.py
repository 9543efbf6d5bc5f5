"""What an entry that says "in force everywhere" proves to somebody who has nothing but the record."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from sluicegate.core.access import versions
from sluicegate.errors import BadProof
from sluicegate_record.log import acknowledgement, canonical, proof
from sluicegate_record.log.proof import Proven
from tests.worlds import private_key, public_key

SIZE = 9


def root_of(size: int) -> bytes:
    return bytes([size]) * 32


def row(name: str, after: int = SIZE, **changes: Any) -> dict[str, Any]:
    """A gateway that has signed what its row says."""
    question = {
        "gateway": name,
        "incarnation": "run-1",
        "surface": "api",
        "after": after,
        "nonce": "n" * 16,
        "root": root_of(after).hex(),
        "fold": versions.FOLD_VERSION,
    }
    found = acknowledgement.read(acknowledgement.signed(question, private_key(name)))
    assert found is not None
    fields = {
        "gateway": name,
        "incarnation": "run-1",
        "state": "acknowledged",
        "size": after,
        "key": canonical.b64(public_key(name)),
        "ask": found.ask.to_json(),
        "sig": found.sig,
    }
    return {**fields, **changes}


def parts(*groups: list[dict[str, Any]], **changes: Any) -> list[dict[str, Any]]:
    rows = [row for group in groups for row in group]
    common = {
        "directive": "d-1",
        "size": SIZE,
        "at": "2026-06-12T21:21:00.000Z",
        "timeToZeroMs": 5,
        "acknowledged": sum(row["state"] == "acknowledged" for row in rows),
        "countedOut": sum(row["state"] == "counted_out" for row in rows),
        "stated": 0,
        "streamsCut": 0,
        "of": len(groups),
        **changes,
    }
    return [{**common, "part": i, "gateways": group, "points": []} for i, group in enumerate(groups, 1)]


UNSIGNED = row("gateway-8", key=None, ask=None, sig=None)
GONE = row("gateway-9", 3, state="counted_out", ask=None, sig=None)


def test_signed_and_unsigned_and_counted_out_are_told_apart():
    whole = parts([row("gateway-1"), row("gateway-2", SIZE + 3)], [UNSIGNED, GONE])
    assert proof.in_force(whole) == proof.in_force(whole, root_of) == Proven(2, 1, 1)


def test_without_gateways_there_is_nothing_to_prove():
    assert proof.in_force(parts([])) == Proven(0, 0, 0)


def unproven(whole: list[dict[str, Any]]) -> None:
    with pytest.raises(BadProof):
        proof.in_force(whole, root_of)


def test_one_who_has_signed_less_does_not_prove_it():
    unproven(parts([row("gateway-1", SIZE - 1)]))
    unproven(parts([row("gateway-1", SIZE - 1, size=SIZE)]))


def test_one_who_has_signed_another_log_does_not_prove_it():
    whole = parts([row("gateway-1")])
    assert proof.in_force(whole) == Proven(1, 0, 0)
    with pytest.raises(BadProof, match="another log"):
        proof.in_force(whole, lambda size: bytes(32))


def test_another_runs_word_does_not_prove_it():
    first, second = row("gateway-1"), row("gateway-2")
    unproven(parts([{**first, "ask": second["ask"], "sig": second["sig"]}]))
    unproven(parts([{**first, "ask": second["ask"], "sig": second["sig"], "key": second["key"]}]))
    unproven(parts([{**first, "incarnation": "run-2"}]))
    unproven(parts([{**first, "key": second["key"]}]))
    unproven(parts([{**first, "key": None}]))
    unproven(parts([first, first]))


@pytest.mark.parametrize("name", ["after", "root", "gateway", "key", "rest", "fold"])
def test_an_altered_word_does_not_prove_it(name: str):
    found = row("gateway-1")
    value: Any = found["ask"][name]
    altered = value + 1 if isinstance(value, int) else "f" + value[1:]
    unproven(parts([{**found, "ask": {**found["ask"], name: altered}}]))


def _without(name: str) -> Callable[[list[dict[str, Any]]], object]:
    return lambda whole: whole[0].pop(name)


def test_parts_that_are_not_all_there_prove_nothing():
    unproven(parts([row("gateway-1")], [], of=3))
    unproven(parts([row("gateway-1")], [], of=1))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole.pop(),
        lambda whole: whole.pop(0),
        lambda whole: whole.reverse(),
        lambda whole: whole.append(whole[1]),
        lambda whole: whole.clear(),
        lambda whole: whole[1].update(directive="d-2"),
        lambda whole: whole[1].update(size=1),
        lambda whole: whole[1]["gateways"].pop(),
        lambda whole: whole[0].update(acknowledged=9) or whole[1].update(acknowledged=9),
        lambda whole: whole[0]["gateways"][0].update(state="waiting"),
        lambda whole: whole[0]["gateways"][0].update(ask=5),
        lambda whole: whole[0]["gateways"][0].update(sig=None),
        lambda whole: whole[0]["gateways"][0].pop("size"),
        lambda whole: whole[0].update(gateways=None),
        lambda whole: whole[0].update(gateways=[5]),
        _without("of"),
        _without("size"),
        _without("part"),
    ],
)
def test_what_is_not_whole_proves_nothing(spoil: Callable[[list[dict[str, Any]]], object]):
    whole = copy.deepcopy(parts([row("gateway-1")], [UNSIGNED, GONE]))
    assert proof.in_force(whole) == Proven(1, 1, 1)
    spoil(whole)
    unproven(whole)
