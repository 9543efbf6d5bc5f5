from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.access import versions
from sluicegate.errors import BadCheckpoint
from sluicegate_record import law, verify
from sluicegate_record.audit import Audit, audit
from sluicegate_record.entries import Entry
from sluicegate_record.log import acknowledgement, canonical, checkpoint, merkle, times
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.log.proof import Proven
from sluicegate_record.verify import worded
from tests.worlds import AT_MS, ORIGIN, World, private_key, public_key

LOG = private_key("log")
VERIFIER = checkpoint.parse_vkey(checkpoint.vkey(ORIGIN, public_key("log")))


def history() -> list[Entry]:
    world = World.opened()
    world.now_ms = AT_MS + 1_000
    world.credential(world.admit())
    for name in ("d-1", "d-2", "d-3"):
        world.direct(name)
    return world.entries


LEAVES = [entry.leaf for entry in history()]
HELD = next(
    entry.seq + 1 for entry in history() if entry.stream == "d-1" and entry.type == "directive.issued"
)
"""The size of the log that holds the directive d-1."""
HELD_MS = history()[HELD - 1].at_ms
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]


def note(leaves: list[bytes]) -> str:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(merkle.leaf_hash(leaf))
    return checkpoint.sign(ORIGIN, frontier.size, frontier.root(), LOG)


NOTE = note(LEAVES)


def signed_over(leaves: list[bytes]) -> Audit:
    """A log whose key signed leaves that are wrong in themselves."""
    return audit(note(leaves), VERIFIER, leaves)


def with_fields(index: int, **changes: Any) -> list[bytes]:
    value: Any = canonical.loads(LEAVES[index])
    value.update(changes)
    return [*LEAVES[:index], canonical.dumps(value), *LEAVES[index + 1 :]]


def test_the_log_that_was_signed_is_well() -> None:
    found = audit(NOTE, VERIFIER, LEAVES, HASHES)
    assert found.ok
    assert (found.size, found.first_bad, found.problem) == (len(LEAVES), None, "")
    assert audit(NOTE, VERIFIER, LEAVES) == found
    assert found.root == checkpoint.open_checkpoint(NOTE, VERIFIER).root


def test_an_empty_log_is_well() -> None:
    assert audit(note([]), VERIFIER, []).ok


@given(st.integers(0, len(LEAVES) - 1), st.data())
def test_any_changed_byte_is_found_where_it_is_if_the_copy_has_hashes(at: int, data: st.DataObject) -> None:
    byte = data.draw(st.integers(0, len(LEAVES[at]) - 1))
    changed = bytearray(LEAVES[at])
    changed[byte] ^= data.draw(st.integers(1, 255))
    leaves = [*LEAVES[:at], bytes(changed), *LEAVES[at + 1 :]]
    found = audit(NOTE, VERIFIER, leaves, HASHES)
    assert (found.ok, found.first_bad) == (False, at)
    bare = audit(NOTE, VERIFIER, leaves)
    assert not bare.ok
    assert bare.first_bad in (at, at + 1, None)


@given(st.integers(0, len(LEAVES) - 1), st.integers(0, len(LEAVES)))
def test_an_entry_left_out_or_moved_is_found(at: int, to: int) -> None:
    without = [*LEAVES[:at], *LEAVES[at + 1 :]]
    found = audit(NOTE, VERIFIER, without)
    assert (found.ok, found.first_bad) == (False, at)
    moved = [*without[:to], LEAVES[at], *without[to:]]
    assert audit(NOTE, VERIFIER, moved).ok is (moved == LEAVES)


@pytest.mark.parametrize("count", [0, 1, len(LEAVES) - 1])
def test_a_truncated_log_is_found(count: int) -> None:
    found = audit(NOTE, VERIFIER, LEAVES[:count])
    assert (found.ok, found.first_bad) == (False, count)
    assert str(len(LEAVES)) in found.problem


def test_an_entry_too_many_is_found() -> None:
    longer = [*LEAVES, with_fields(len(LEAVES) - 1, seq=len(LEAVES))[-1]]
    found = audit(NOTE, VERIFIER, longer)
    assert (found.ok, found.first_bad) == (False, len(LEAVES))


def test_altered_hashes_beside_the_leaves_do_not_help() -> None:
    leaves = with_fields(3, by="somebody")
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    found = audit(NOTE, VERIFIER, leaves, hashes)
    assert (found.ok, found.first_bad) == (False, None)
    assert "root" in found.problem


@pytest.mark.parametrize(
    ("at", "changes", "problem"),
    [
        (3, {"seq": 4}, "says it is number 4"),
        (3, {"seq": -1}, "says it is number -1"),
        (1, {"seq": True}, "'seq'"),  # which is 1 to Python, and not to JSON
        (3, {"v": 2}, "version 2"),
        (3, {"v": True}, "not an entry"),
        (3, {"at": "2026-06-21"}, "not a time"),
        (-1, {"at": "2026-06-20T23:59:59.999Z"}, "earlier"),
        (3, {"public": []}, "'public'"),
    ],
)
def test_what_the_log_should_never_have_signed_is_found(
    at: int, changes: dict[str, Any], problem: str
) -> None:
    at = at % len(LEAVES)
    found = signed_over(with_fields(at, **changes))
    assert (found.ok, found.first_bad) == (False, at)
    assert problem in found.problem


@pytest.mark.parametrize(
    "leaf", [LEAVES[3] + b" ", LEAVES[3].replace(b":", b": ", 1), b"{}", b"x", b"", b"\xff"]
)
def test_a_leaf_that_is_no_canonical_entry_is_found(leaf: bytes) -> None:
    found = signed_over([*LEAVES[:3], leaf, *LEAVES[4:]])
    assert (found.ok, found.first_bad) == (False, 3)


def test_the_head_itself_must_be_signed() -> None:
    root, by = checkpoint.stated(NOTE).root, private_key("stranger")
    assert not audit(checkpoint.sign(ORIGIN, len(LEAVES), bytes(32), by), VERIFIER, LEAVES).ok
    stranger = checkpoint.sign(ORIGIN, len(LEAVES), root, by)
    for other in (stranger, NOTE.replace(f"\n{len(LEAVES)}\n", f"\n{len(LEAVES) - 1}\n"), "", "x", NOTE[:-1]):
        with pytest.raises(BadCheckpoint):
            audit(other, VERIFIER, LEAVES)


def test_another_root_under_the_right_key_is_found() -> None:
    forked = checkpoint.sign(ORIGIN, len(LEAVES), bytes(32), LOG)
    found = audit(forked, VERIFIER, LEAVES)
    assert (found.ok, found.first_bad) == (False, None)


def signed_row(after: int, root: str) -> dict[str, Any]:
    """A gateway that has signed that it reached `after`."""
    question = {"gateway": "gateway-1", "incarnation": "run-1", "surface": "api", "after": after,
                "nonce": "n" * 16, "root": root, "fold": versions.FOLD_VERSION}  # fmt: skip
    found = acknowledgement.read(acknowledgement.signed(question, private_key("gateway-1")))
    assert found is not None
    return {"gateway": "gateway-1", "incarnation": "run-1", "state": "acknowledged", "size": after,
            "key": canonical.b64(public_key("gateway-1")), "ask": found.ask.to_json(),
            "sig": found.sig}  # fmt: skip


UNSIGNED = {"gateway": "gateway-2", "incarnation": "run-1", "state": "acknowledged", "size": HELD,
            "key": None, "ask": None, "sig": None}  # fmt: skip
GONE = {**UNSIGNED, "gateway": "gateway-3", "state": "counted_out", "size": 0}


def noted(*groups: list[dict[str, Any]], **changes: Any) -> list[bytes]:
    """The log, and in it that d-1 is in force, with these rows in each part."""
    states = [row["state"] for group in groups for row in group]
    common = {"directive": "d-1", "size": HELD, "at": times.format_time(HELD_MS), "timeToZeroMs": 0,
              "acknowledged": states.count("acknowledged"), "countedOut": states.count("counted_out"),
              "stated": 0, "streamsCut": 0, "of": len(groups), "points": [], **changes}  # fmt: skip
    leaf: Any = canonical.loads(LEAVES[-1])
    leaves = [*LEAVES]
    for part, rows in enumerate(groups, 1):
        fields = {"seq": len(leaves), "type": "directive.in_force", "gate": {}, "sealed": {}}
        leaves.append(
            canonical.dumps({**leaf, **fields, "public": {**common, "part": part, "gateways": rows}})
        )
    return leaves


def in_force(after: int, root: str) -> list[bytes]:
    """The log, and in it that a gateway acknowledged d-1 at `after`, in two parts."""
    return noted([signed_row(after, root)], [])


def root_at(size: int) -> str:
    return checkpoint.open_checkpoint(note(LEAVES[:size]), VERIFIER).root.hex()


@pytest.mark.parametrize("after", range(HELD, len(LEAVES) + 1))
def test_what_is_in_force_is_proven_by_the_roots_of_this_log(after: int) -> None:
    found = signed_over(in_force(after, root_at(after)))
    assert (found.ok, found.proofs, found.unproven) == (True, 1, ())
    (told,) = found.in_force
    assert (told.is_proven, told.proven, told.seq) == (True, Proven(1, 0, 0), len(LEAVES))


@pytest.mark.parametrize(
    ("after", "root", "said"),
    [
        (HELD, root_at(HELD + 1), "acknowledged another log"),
        (HELD - 1, root_at(HELD - 1), f"has not acknowledged size {HELD}"),
        (99, root_at(4), "size 99 was acknowledged, in a log of"),
    ],
)
def test_what_the_acknowledgements_do_not_prove_is_named(after: int, root: str, said: str) -> None:
    found = signed_over(in_force(after, root))
    assert (found.ok, found.first_bad, found.problem, found.proofs) == (False, None, "", 1)
    assert found.unproven[0].startswith(f"d-1 at size {HELD}: ")
    assert said in found.unproven[0]


def test_a_part_left_out_proves_nothing() -> None:
    assert signed_over(in_force(HELD, root_at(HELD))[:-1]).unproven


@pytest.mark.parametrize(
    ("rows", "proven"),
    [
        ([], Proven(0, 0, 0)),
        ([UNSIGNED], Proven(0, 1, 0)),
        ([GONE], Proven(0, 0, 1)),
        ([UNSIGNED, GONE], Proven(0, 1, 1)),
        ([signed_row(HELD, root_at(HELD)), UNSIGNED], Proven(1, 1, 0)),
        ([signed_row(HELD, root_at(HELD)), GONE], Proven(1, 0, 1)),
    ],
)
def test_what_no_gateway_signed_is_noted_and_not_proven(rows: list[dict[str, Any]], proven: Proven) -> None:
    found = signed_over(noted(rows))
    (told,) = found.in_force
    assert (found.ok, told.proven, told.is_proven) == (True, proven, False)
    text, answer = worded(found), verify.answer(found)["proofs"]
    how = (
        "partly proven by the signatures of gateways"
        if proven.signed
        else "noted by the control plane and not proven"
    )
    assert f"in force, {how}: d-1 at size {HELD}: {proven}" in text
    assert "in force, proven" not in text
    assert isinstance(answer, dict)
    assert (answer["proven"], answer["noted"]) == (0, 1)
    assert answer["rows"] == {
        "signed": proven.signed,
        "unsigned": proven.unsigned,
        "countedOut": proven.counted_out,
        "points": 0,
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"acknowledged": 1_000}, "0 rows"),
        ({"stated": 3}, "0 stated by points, expected 3"),
        (
            {"points": [{"point": "p", "surface": "api", "at": "2026-06-12T21:21:00.000Z", "seq": 1}]},
            "1 stated by points, expected 0",
        ),
    ],
)
def test_what_does_not_fit_its_own_counts_is_unproven(changes: dict[str, Any], said: str) -> None:
    found = signed_over(noted([], **changes))
    assert (found.ok, found.problem) == (False, "")
    assert said in found.unproven[0]
    assert said in worded(found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": 0}, f"of a directive that has size {HELD} there"),
        ({"size": HELD - 1}, f"of a directive that has size {HELD} there"),
        ({"directive": "d-9"}, "no directive 'd-9'"),
        ({"at": "2026-06-12T21:21:00.000Z"}, "of a directive that does not hold then"),
        ({"at": "2099-06-12T21:21:00.000Z"}, "of a directive that does not hold then"),
        ({"timeToZeroMs": 1}, "another time than since its entry"),
    ],
)
def test_what_does_not_fit_the_directive_is_not_lawful(changes: dict[str, Any], said: str) -> None:
    found = signed_over(noted([], **changes))
    assert (found.ok, found.problem, found.in_force) == (False, "", ())
    (unlawful,) = found.law.unlawful
    assert (unlawful.rule, unlawful.why) == ("is_of_its_directive", said)
    assert said in worded(found)


def test_a_report_says_which_log_it_is_and_what_no_rule_is_about() -> None:
    last: Any = canonical.loads(LEAVES[-1])
    without_rule = {"seq": len(LEAVES), "type": "list.changed", "public": {"list": "l", "version": "1"}}
    bare = canonical.dumps({**last, **without_rule, "gate": {}, "sealed": {}})
    found = signed_over([*LEAVES, bare])
    answer = verify.answer(found)
    assert (answer["log"], answer["lastAt"]) == (ORIGIN, last["at"])
    assert f"log: {ORIGIN}; its last entry is of {last['at']}" in worded(found).splitlines()
    assert "no rule applies to the other 1 entry" in worded(found).splitlines()
    assert isinstance(answer["law"], dict)
    assert answer["law"]["noRule"] == 1
    (at,) = found.law.unchecked_at["is_the_applicants"]
    assert {"rule": "is_the_applicants", "says": law.words("is_the_applicants"), "entries": [at]} in answer[
        "law"
    ]["uncheckedAt"]
    assert f"{law.words('is_the_applicants')} (entry {at})" in worded(found)
