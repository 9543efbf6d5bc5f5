"""The record as JSON: written and read back at any size, it goes on as the one that never was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate_record import law
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.entities.proceedings import Span
from sluicegate_record.entries import Entry, read
from sluicegate_record.errors import InvalidInput
from sluicegate_record.form import Misread
from sluicegate_record.law import Breach, Support, Unchecked
from sluicegate_record.log import canonical
from sluicegate_record.record import Record
from sluicegate_record.terms.rule import DEPTH_MAX
from tests.core.lifecycle.test_histories import Player, histories
from tests.passkeys import PARTY, Passkey, key_of
from tests.record.law.test_law import before, stored
from tests.vectors.make_every_act import FOLDER
from tests.worlds import LOG, content

RECORD = FOLDER / "record.json"
"""The record in the first version of its form."""
FIRST = 861
"""How many entries of the log it is the record of."""
SINCE_13 = ("designations", "evidence", "findings", "deployments", "abandoned", "observations")
THIS = "sha256:cf1859a85d4dbba566f60ff7672a6222079ea13b052f162574be99521b50513c"
"""The digest of that record in this version."""


def written(record: Record) -> bytes:
    return canonical.dumps(record.to_json())


def read_back(data: bytes) -> Record:
    return Record.from_json(canonical.loads(data, max_bytes=len(data)))


def verdict(record: Record, entry: Entry, support: Support) -> Breach | Unchecked | None:
    return law.breach(record, entry, record.pinned(), record.log, support)


def goes_on(entries: Iterable[Entry], sizes: Collection[int]) -> Record:
    """Check that a record stays what it is though it is written and read back at these sizes.

    Each entry is judged before it is folded in, by signatures alone, and after, when mostly it is unlawful.
    """
    record, restored = Record(), Record()
    for entry in entries:
        if entry.seq in sizes:
            data = written(restored)
            restored = read_back(data)
            assert written(record) == written(restored) == data
            assert content(restored) == content(record)
        support = Support.SIGNATURES
        assert verdict(restored, entry, support) == verdict(record, entry, support)
        assert restored.apply(entry) == record.apply(entry)
        assert verdict(restored, entry, Support.RECORD) == verdict(record, entry, Support.RECORD)
    assert content(restored) == content(record)
    return record


def test_a_record_goes_on_from_its_json_with_every_act_in_it() -> None:
    goes_on(stored(), range(0, len(stored()), 60))


def test_so_does_the_record_of_whoever_has_the_leaves_alone() -> None:
    bare = [read(entry.leaf) for entry in stored()]
    found = goes_on(bare, range(0, len(bare), 200))
    assert content(found) != content(before(len(stored())))


@settings(max_examples=25)
@given(histories, st.sets(st.integers(0, 120), max_size=6))
def test_a_record_goes_on_from_its_json_in_random_histories(player: Player, sizes: set[int]) -> None:
    goes_on(player.play().entries, {*sizes, 40})


def test_the_json_of_an_overlay_is_that_of_the_record_it_will_be() -> None:
    half = len(stored()) // 2
    above = before(half).overlay()
    for entry in stored()[half:]:
        above.apply(entry)
    assert written(above) == written(before(len(stored())))


# Versions of the form


def test_later_versions_add_to_what_the_first_wrote() -> None:
    first: Any = canonical.loads(RECORD.read_bytes().strip(), max_bytes=2**20)
    value = before(FIRST).to_json()
    assert sum(len(case.pop("discussion", ())) for case in value["cases"]) > 100
    emptied = [
        value.pop(name) for name in ("promises", "imports", "accounts", "bases", "reminded", "licences")
    ]
    assert emptied == [[], [], [], {}, [], []]
    assert [value.pop(name) for name in ("closings", "lacking", "clearances", "foreseen", "closures")] == [
        {}
    ] * 5
    assert {each["terms"] for each in value.pop("courses").values()} <= value["opened"].keys()
    assert [value.pop(name) for name in SINCE_13] == [[]] * 6
    assert value.pop("recalls") == {}
    assert [each["vkey"] for each in value.pop("logKeys")] == [LOG]
    assert [each.pop("seq") for each in value["keys"]] == [*range(1, 9)]
    assert {**value, "v": 1} == first
    with pytest.raises(Misread, match=r"^v: expected a record in version 25 of its form, found 1$"):
        Record.from_json(first)


def test_what_this_version_writes_stays_as_it_is() -> None:
    assert canonical.sha256_hex(written(before(len(stored())))) == THIS


@pytest.mark.parametrize("v", [0, 1, 2, 3, 6, 9, *range(10, 25), 26, "25", True, None, 25.0, []])
def test_another_version_is_refused(v: object) -> None:
    with pytest.raises(Misread, match=r"^v: expected "):
        Record.from_json({**Record().to_json(), "v": v})


def test_another_version_is_refused_as_such_whatever_its_fields_are() -> None:
    with pytest.raises(Misread, match=r"^v: expected a record in version 25 of its form, found 26$"):
        Record.from_json({"v": 26, "persons": {}})


def test_the_key_of_a_passkey_is_read_back() -> None:
    record, passkey = Record(), Passkey(key_of("oncd", "p256")).public
    pinned = PinnedKey(keyid=passkey.keyid, public=passkey.data, owner="oncd", party="oncd", webauthn=PARTY)
    record.keys = {pinned.keyid: pinned}
    assert content(read_back(written(record))) == content(record)


def test_a_field_that_this_build_does_not_know_is_refused() -> None:
    with pytest.raises(Misread, match=r"^persons: expected a field that this build knows"):
        Record.from_json({**Record().to_json(), "persons": {}})


@pytest.mark.parametrize("field", Record().to_json())
def test_a_record_without_a_field_is_refused(field: str) -> None:
    value = Record().to_json()
    del value[field]
    with pytest.raises(Misread, match=f"expected the field '{field}', found none"):
        Record.from_json(value)


@pytest.mark.parametrize("value", [None, [], "x", 1, {}])
def test_what_is_no_record_is_refused(value: object) -> None:
    with pytest.raises(Misread):
        Record.from_json(value)


@pytest.mark.parametrize("field", ["keys", "releases", "cases", "grants", "directives"])
def test_a_record_with_the_same_thing_twice_is_refused(field: str) -> None:
    value = before(len(stored())).to_json()
    value[field].append(value[field][0])
    with pytest.raises(Misread, match=f"^{field}: expected each once, found '"):
        Record.from_json(value)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("cases", {"root": "case_none"}),
        ("cases", {"dossier": "case_none"}),
        ("cases", {"appeal": "case_none"}),
        ("cases", {"appeals": ["case_none"]}),
        ("grants", {"case": "case_none"}),
        ("grants", {"dossier": "case_none"}),
        ("grants", {"amendment": "case_none"}),
        ("grants", {"removal": "case_none"}),
        ("directives", {"lifts": ["case_none"]}),
    ],
)
def test_a_record_that_names_a_case_that_is_not_there_is_refused(field: str, changes: dict[str, Any]) -> None:
    value = before(len(stored())).to_json()
    value[field][0].update(changes)
    with pytest.raises(Misread, match=f"^{field}: expected a case of this record, found 'case_none'$"):
        Record.from_json(value)


def test_a_record_without_terms_that_it_names_is_refused() -> None:
    value = before(len(stored())).to_json()
    digest = next(iter(value["releases"][0]["terms"].values()))
    del value["terms"][digest]
    with pytest.raises(Misread, match=f"^releases: expected terms of this record, found '{digest}'$"):
        Record.from_json(value)


def test_a_record_with_terms_of_no_stage_is_refused() -> None:
    value = before(len(stored())).to_json()
    digest = next(iter(value["terms"]))
    value["terms"][digest]["stage"] = "none"
    with pytest.raises(Misread, match=f"^terms.{digest}: expected a stage of its plan, found 'none'$"):
        Record.from_json(value)


@pytest.mark.parametrize("levels", [DEPTH_MAX + 1, 200, 400, 20_000])
def test_a_rule_that_is_nested_too_deep_is_refused(levels: int) -> None:
    value = before(len(stored())).to_json()
    rule: Any = "oncd"
    for _ in range(levels):
        rule = {"allOf": [rule]}
    value["cases"][0]["rule"] = rule
    with pytest.raises(Misread, match=rf"^cases\.0\.rule: expected at most {DEPTH_MAX} levels of rules"):
        Record.from_json(value)
    rule = "oncd"
    for _ in range(DEPTH_MAX):
        rule = {"allOf": [rule]}
    value["cases"][0]["rule"] = rule
    Record.from_json(value)


def test_a_damaged_record_is_refused_or_read_and_never_anything_else() -> None:
    value, random, refused = before(200).to_json(), Random(7), 0
    places = list(_places(value))
    for parent, key in random.sample(places, 200):
        kept, parent[key] = parent[key], random.choice([None, 0, "x", [], {}, [0], {"hidden": 0}])
        try:
            Record.from_json(value)
        except InvalidInput:
            refused += 1
        parent[key] = kept
    assert refused > 80
    assert written(Record.from_json(value)) == written(before(200))


@pytest.mark.parametrize("value", ["ab", [1], [1, 2, 3], [1, True], None])
def test_a_span_is_two_numbers(value: object) -> None:
    assert Span.from_json([1, 2]).to_json() == [1, 2]
    with pytest.raises(Misread, match="expected two whole numbers"):
        Span.from_json(value)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value within another one, as what holds it and its key there."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])
