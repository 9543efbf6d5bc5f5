"""Leaves: their bytes, what they hold of the parts that are not public, and what opens it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import NotCanonical, SluicegateError, VerificationFailed
from sluicegate_record.log import canonical
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.leaf import LEAF_BYTES_MAX, Entropy, Leaf, Opening, opening
from sluicegate_record.log.times import format_time, parse_time

AT_MS = 1_782_000_000_123
SALT = bytes(range(32))
GATE, SEALED = Opening(SALT, b'"org_1"'), Opening(SALT, b'{"name":"Example Utility"}')


def written(**public: Any) -> Leaf:
    said = public or {"case": "case_1", "kind": "admission"}
    gate = {"organization": GATE.commitment("gate", "organization")}
    sealed = {"application": SEALED.commitment("sealed", "application")}
    return Leaf(7, AT_MS, "case.opened", "case_1", "developer_1", "cmd_1", said, gate, sealed)


def leaf(**changes: Any) -> bytes:
    """A leaf with fields changed; None leaves one out."""
    value: Any = canonical.loads(written().to_bytes())
    value.update(changes)
    return canonical.dumps({name: field for name, field in value.items() if field is not None})


# Leaves


def test_a_leaf_is_canonical_json_of_exactly_these_fields() -> None:
    data = written().to_bytes()
    value: Any = canonical.loads(data)
    assert canonical.dumps(value) == data
    assert set(value) == {"v", "seq", "at", "type", "stream", "by", "id", "public", "gate", "sealed"}
    assert (value["v"], value["seq"], value["at"]) == (1, 7, "2026-06-21T00:00:00.123Z")
    assert (value["type"], value["stream"]) == ("case.opened", "case_1")
    assert (value["by"], value["id"]) == ("developer_1", "cmd_1")


def test_a_commitment_is_a_keyed_hash_over_part_field_and_body() -> None:
    tag = b"sluicegate:v1:sealed:application:"
    expected = hmac.new(SALT, tag + b'{"name":"Example Utility"}', hashlib.sha256).hexdigest()
    assert SEALED.commitment("sealed", "application") == expected


def test_a_commitment_is_the_same_whatever_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = SEALED.commitment("sealed", "application")
    monkeypatch.setattr(leaves, "VERSION", 2)
    assert SEALED.commitment("sealed", "application") == before


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


def test_what_was_written_reads_back() -> None:
    assert leaves.read(written().to_bytes()) == written()


def test_openings_that_fit_pass_and_may_be_missing() -> None:
    leaves.check(written(), "gate", {"organization": GATE})
    leaves.check(written(), "sealed", {"application": SEALED})
    leaves.check(written(), "gate", {})


@pytest.mark.parametrize(
    "opened", [Opening(SALT, b'"org_2"'), Opening(SALT[::-1], b'"org_1"'), Opening(b"", b'"org_1"')]
)
@pytest.mark.parametrize(("part", "name"), [("gate", "organization"), ("sealed", "application")])
def test_a_wrong_opening_is_refused(part: str, name: str, opened: Opening) -> None:
    with pytest.raises(VerificationFailed, match=f"entry 7: {part} part '{name}' does not open"):
        leaves.check(written(), part, {name: opened})


@pytest.mark.parametrize("name", ["application", "unknown", ""])
def test_an_opening_of_another_field_is_refused(name: str) -> None:
    for part, opened in (("gate", GATE), ("sealed", GATE), ("gate", SEALED)):
        with pytest.raises(VerificationFailed):
            leaves.check(written(), part, {name: opened})


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
def test_what_is_no_leaf(data: bytes) -> None:
    with pytest.raises((VerificationFailed, NotCanonical)):
        leaves.read(data)


def test_a_leaf_of_a_version_that_is_known_has_no_other_field() -> None:
    with pytest.raises(VerificationFailed, match="the field 'more', which version 1 does not have"):
        leaves.read(leaf(more={"x": 1}))
    assert leaves.read(leaf(v=2, more={"x": 1})) == written()._replace(v=2)


@pytest.mark.parametrize("part", ["gate", "sealed"])
@pytest.mark.parametrize(
    "commitment",
    ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 64 + "\n", "\u0661" * 64, 5, None, ["a"]],
    ids=repr,
)
def test_a_commitment_is_64_lower_case_hex_digits(part: str, commitment: Any) -> None:
    with pytest.raises(VerificationFailed, match="whose commitment to 'x' is not 64 hex digits"):
        leaves.read(leaf(**{part: {"x": commitment}}))
    assert getattr(leaves.read(leaf(v=2, **{part: {"x": commitment}})), part) == {"x": commitment}


def test_a_leaf_of_another_type_or_version_can_be_read() -> None:
    assert leaves.read(leaf(type="grant.sparkled")).type == "grant.sparkled"
    assert leaves.read(leaf(v=2)) == written()._replace(v=2)


def test_a_leaf_has_a_largest_size() -> None:
    room = LEAF_BYTES_MAX - len(written(x="").to_bytes())
    largest = written(x="a" * room)
    assert len(largest.to_bytes()) == LEAF_BYTES_MAX
    assert leaves.read(largest.to_bytes()) == largest
    with pytest.raises(NotCanonical):
        leaves.read(largest.to_bytes() + b" ")
    with pytest.raises(NotCanonical):
        leaves.read(written(x="a" * (room + 1)).to_bytes())


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
bodies = st.one_of(names, st.integers(-9, 9), st.lists(names, max_size=2))
parts = st.dictionaries(names, st.text("0123456789abcdef", min_size=64, max_size=64), max_size=3)


@given(st.dictionaries(names, bodies), parts, parts, st.integers(0, 2**40))
def test_any_leaf_reads_back(public: dict[str, Any], gate: Any, sealed: Any, seq: int) -> None:
    made = Leaf(seq, AT_MS, "t", "s", "b", "c", public, gate, sealed)
    assert leaves.read(made.to_bytes()) == made


@given(st.binary(max_size=80))
def test_any_bytes_are_a_leaf_or_refused(data: bytes) -> None:
    with pytest.raises(SluicegateError):
        leaves.read(data)


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
    assert len(one.salt) == leaves.SALT_BYTES
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
