from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import InvalidInput, NotCanonical, SluicegateError, VerificationFailed
from sluicegate_record.log import canonical, events
from sluicegate_record.log.events import (
    LEAF_BYTES_MAX,
    Draft,
    Entropy,
    Entry,
    Opening,
    opening,
    place,
    place_all,
    read,
)
from sluicegate_record.log.times import format_time, parse_time

AT_MS = 1_782_000_000_123
SALT = bytes(range(32))
DRAFT = Draft(
    events.CASE_OPENED,
    "case_1",
    {"case": "case_1", "kind": "admission"},
    {"organization": Opening(SALT, b'"org_1"')},
    {"application": Opening(SALT, b'{"name":"Example Utility"}')},
)


def placed(draft: Draft = DRAFT) -> Entry:
    return place(draft, seq=7, at_ms=AT_MS, by="developer_1", command="cmd_1")


def leaf(**changes: Any) -> bytes:
    """A leaf with fields changed; None leaves one out."""
    value: Any = canonical.loads(placed().leaf)
    value.update(changes)
    return canonical.dumps({name: field for name, field in value.items() if field is not None})


# Leaves


def test_a_leaf_is_canonical_json_of_exactly_these_fields() -> None:
    entry = placed()
    value: Any = canonical.loads(entry.leaf)
    assert canonical.dumps(value) == entry.leaf
    assert set(value) == {"v", "seq", "at", "type", "stream", "by", "id", "public", "gate", "sealed"}
    assert (value["v"], value["seq"], value["at"]) == (1, 7, "2026-06-21T00:00:00.123Z")
    assert (value["type"], value["stream"]) == ("case.opened", "case_1")
    assert (value["by"], value["id"]) == ("developer_1", "cmd_1")


def test_a_leaf_holds_of_gate_and_sealed_only_commitments() -> None:
    entry = placed()
    value: Any = canonical.loads(entry.leaf)
    tag = b"sluicegate:v1:sealed:application:"
    expected = hmac.new(SALT, tag + b'{"name":"Example Utility"}', hashlib.sha256).hexdigest()
    assert value["sealed"] == {"application": expected}
    assert value["gate"].keys() == {"organization"}
    for secret in (b"Example Utility", b"org_1", SALT.hex().encode(), canonical.b64(SALT).encode()):
        assert secret not in entry.leaf


def test_a_commitment_is_bound_to_its_part_and_field() -> None:
    opened = Opening(SALT, b"1")
    commitments = {
        opened.commitment("gate", "a"),
        opened.commitment("gate", "b"),
        opened.commitment("sealed", "a"),
        Opening(SALT, b"2").commitment("gate", "a"),
        Opening(SALT[::-1], b"1").commitment("gate", "a"),
    }
    assert len(commitments) == 5


def test_what_was_placed_reads_back() -> None:
    entry = placed()
    assert read(entry.leaf, entry.gate, entry.sealed) == entry
    assert entry.size == 8


def test_an_auditor_reads_without_openings() -> None:
    bare = read(placed().leaf)
    assert (bare.seq, bare.public["case"], bare.gate, bare.sealed) == (7, "case_1", {}, {})
    with pytest.raises(VerificationFailed, match="without its gate part"):
        bare.gate_value("organization")


@pytest.mark.parametrize(
    "opened", [Opening(SALT, b'"org_2"'), Opening(SALT[::-1], b'"org_1"'), Opening(b"", b'"org_1"')]
)
@pytest.mark.parametrize("part", ["gate", "sealed"])
def test_a_wrong_opening_is_refused(part: str, opened: Opening) -> None:
    given = {"gate": {"organization": opened}, "sealed": {"application": opened}}[part]
    with pytest.raises(VerificationFailed, match="does not open"):
        read(placed().leaf, **{part: given})


@pytest.mark.parametrize("name", ["application", "unknown", ""])
def test_an_opening_of_another_field_is_refused(name: str) -> None:
    entry = placed()
    with pytest.raises(VerificationFailed):
        read(entry.leaf, {name: entry.gate["organization"]})
    with pytest.raises(VerificationFailed):
        read(entry.leaf, {"organization": entry.sealed["application"]})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"not json",
        b"\xff",
        b'{"v":1,"v":1}',
        leaf(v=None),
        leaf(v=2),
        leaf(v=0),
        leaf(v=True),
        leaf(v="1"),
        leaf(seq=None),
        leaf(seq="7"),
        leaf(seq=True),
        leaf(at=5),
        leaf(at="2026-06-21"),
        leaf(type=None),
        leaf(type=["case.opened"]),
        leaf(stream=5),
        leaf(by=None),
        leaf(id=None),
        leaf(public=None),
        leaf(public=[]),
        leaf(gate=None),
        leaf(gate=[]),
        leaf(sealed="x"),
    ],
)
def test_what_is_no_entry(data: bytes) -> None:
    with pytest.raises((VerificationFailed, NotCanonical)):
        read(data)


def test_an_unknown_field_is_let_through_and_an_unknown_type_is_the_folds_business() -> None:
    assert read(leaf(more={"x": 1})).leaf == leaf(more={"x": 1})
    assert read(leaf(type="grant.sparkled")).type == "grant.sparkled"


def test_a_leaf_has_a_largest_size() -> None:
    room = LEAF_BYTES_MAX - len(placed(Draft("t", "s", {"x": ""})).leaf)
    largest = placed(Draft("t", "s", {"x": "a" * room}))
    assert len(largest.leaf) == LEAF_BYTES_MAX
    assert read(largest.leaf) == largest
    with pytest.raises(InvalidInput, match="65535"):
        placed(Draft("t", "s", {"x": "a" * (room + 1)}))
    with pytest.raises(NotCanonical):
        read(largest.leaf + b" ")


def test_a_part_may_be_larger_than_a_leaf() -> None:
    opened = Opening(SALT, canonical.dumps("a" * 100_000))
    entry = placed(Draft("t", "s", {}, {"plan": opened}))
    assert len(read(entry.leaf, {"plan": opened}).gate_value("plan")) == 100_000


def test_the_drafts_of_a_command_take_consecutive_places() -> None:
    entries = place_all([DRAFT, DRAFT, DRAFT], seq=4, at_ms=AT_MS, by="a", command="c")
    assert [entry.seq for entry in entries] == [4, 5, 6]
    assert {entry.id for entry in entries} == {"c"}


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
bodies = st.one_of(names, st.integers(-9, 9), st.lists(names, max_size=2))
parts = st.dictionaries(
    names, st.builds(lambda v, s: Opening(s, canonical.dumps(v)), bodies, st.binary(max_size=4))
)


@given(st.dictionaries(names, bodies), parts, parts, st.integers(0, 2**40))
def test_any_draft_reads_back(public: dict[str, Any], gate: Any, sealed: Any, seq: int) -> None:
    entry = place(Draft("t", "s", public, gate, sealed), seq=seq, at_ms=AT_MS, by="b", command="c")
    assert read(entry.leaf, gate, sealed) == entry
    assert all(entry.gate_value(name) == opened.value() for name, opened in gate.items())


@given(st.binary(max_size=80))
def test_any_bytes_are_an_entry_or_refused(data: bytes) -> None:
    with pytest.raises(SluicegateError):
        read(data)


# Entropy


def test_entropy_is_a_function_of_its_seed_and_never_repeats() -> None:
    one, same, other = Entropy(bytes(32)), Entropy(bytes(32)), Entropy(b"\x01" * 32)
    drawn = [one.bytes() for _ in range(100)]
    assert drawn == [same.bytes() for _ in range(100)]
    assert len({*drawn, *(other.bytes() for _ in range(100))}) == 200
    assert {len(each) for each in drawn} == {32}


def test_a_pseudonym_is_a_prefix_and_16_characters() -> None:
    name = Entropy(bytes(32)).name("case")
    assert name.startswith("case_")
    assert len(name) == 5 + 16
    assert name.islower()


def test_an_opening_has_a_fresh_salt() -> None:
    entropy = Entropy(bytes(32))
    one, other = opening("same", entropy), opening("same", entropy)
    assert one.salt != other.salt
    assert len(one.salt) == events.SALT_BYTES
    assert one.value() == other.value() == "same"


# Time


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(9999, 1, 1)))  # noqa: DTZ001 - UTC below
def test_times_read_back(moment: datetime) -> None:
    at_ms = int(moment.replace(tzinfo=UTC).timestamp()) * 1000 + moment.microsecond // 1000
    assert parse_time(format_time(at_ms)) == at_ms


def test_a_time_is_rfc_3339_utc_with_milliseconds() -> None:
    assert format_time(AT_MS) == "2026-06-21T00:00:00.123Z"
    assert format_time(0) == "1970-01-01T00:00:00.000Z"
    assert format_time(1) == "1970-01-01T00:00:00.001Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-06-21",
        "2026-06-21T00:00:00Z",
        "2026-06-21T00:00:00.1Z",
        "2026-06-21T00:00:00.123456Z",
        "2026-06-21T00:00:00.123",
        "2026-06-21T00:00:00.123+00:00",
        "2026-06-21T02:00:00.123+02:00",
        "2026-06-21t00:00:00.123z",
        "2026-06-21 00:00:00.123Z",
        "2026-6-21T00:00:00.123Z",
        "2026-06-21T0:0:0.123Z",
        "2026-06-31T00:00:00.123Z",
        "2026-06-21T24:00:00.000Z",
        "2026-06-21T00:00:60.000Z",
        " 2026-06-21T00:00:00.123Z",
        "2026-06-21T00:00:00.123Z\n",
        "٢٠٢٦-06-21T00:00:00.123Z",
        5,
        None,
    ],
)
def test_what_is_no_time(text: Any) -> None:
    with pytest.raises(VerificationFailed):
        parse_time(text)
