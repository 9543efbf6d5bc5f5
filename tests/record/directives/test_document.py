"""The document of a directive: read strictly before it is put on the record, and leniently from it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate_record.directives.document import EVERYONE, NEVER, Document, Persons, Reasons, Selection
from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Misread
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.strict import Unread
from sluicegate_record.terms import quorum
from sluicegate_record.terms.rule import Rule

Path = Sequence[str | int]
SALT = b"s" * 32
OPENED = {
    "covers.organizations": ["Example Utility", "Example Grid Operator"],
    "except.persons": ["mem_abcdefghijklmnop"],
    "annex.annex-a": {"organizations": ["A", "B"]},
    "annex.annex-b": {"persons": ["mem_abcdefghijklmnop"]},
    "reasons": "the whole of them",
}
OPENINGS = {name: Opening(SALT, canonical.dumps(value)) for name, value in OPENED.items()}
AT = "2026-06-12T19:21:00.000Z"


def committed(name: str, count: int = 1) -> dict[str, Any]:
    return {"count": count, "commitment": OPENINGS[name].commitment("sealed", name)}


PERSONS: dict[str, Any] = {
    "definition": "ear-foreign-person",
    "unknown": "covered",
    "assurance": "organization",
    "statuses": ["other"],
    "source": "15 CFR 772.1, 'foreign person'",
}
WHOLE: dict[str, Any] = {
    "apiVersion": "sluicegate/v1",
    "kind": "Directive",
    "metadata": {
        "name": "bis-2026-06-12",
        "log": "log.example+0123abcd+key",
        "replaces": {"directive": "bis-2026-06-10", "document": "sha256:" + "b" * 64},
        "transcribed": {"how": "call", "on": "2026-06-12", "note": "told by telephone"},
    },
    "spec": {
        "issuer": "bis",
        "basis": {"kind": "order", "authority": "letter of 12 June 2026"},
        "action": "restrict",
        "conditions": {"requestsPerMinute": 5, "personNamed": True},
        "models": ["fable-5", "mythos-5"],
        "surfaces": ["api"],
        "covers": {
            "persons": PERSONS,
            "organizations": committed("covers.organizations", 2),
            "registeredIn": ["DE", "FR"],
            "annexes": ["annex-b"],
        },
        "except": {"annexes": ["annex-a"], "persons": committed("except.persons"), "registeredIn": ["US"]},
        "annexes": {"annex-a": committed("annex.annex-a", 2), "annex-b": committed("annex.annex-b")},
        "effective": AT,
        "expires": "2026-07-12T21:21:00.000Z",
        "drain": "PT30S",
        "reasons": {"form": "sealed", "summary": "…", "commitment": committed("reasons")["commitment"]},
        "liftedBy": {"allOf": ["bis", {"atLeast": {"n": 1, "of": ["oncd", "ostp"]}}]},
    },
}
PLAIN: dict[str, Any] = {
    "apiVersion": "sluicegate/v1",
    "kind": "Directive",
    "metadata": {"name": "d-1", "log": "log.example+0123abcd+key"},
    "spec": {
        "issuer": "oncd",
        "basis": {"kind": "voluntary", "authority": "a letter"},
        "action": "suspend",
        "models": ["fable-5"],
        "surfaces": "all",
        "covers": "everyone",
        "reasons": {"form": "none"},
        "liftedBy": {"allOf": ["oncd"]},
    },
}


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def put(path: Path, found: Any, document: dict[str, Any] = WHOLE) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    at(changed, path[:-1])[path[-1]] = found
    return changed


def without(path: Path, document: dict[str, Any] = WHOLE) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    del at(changed, path[:-1])[path[-1]]
    return changed


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every field and item in a document."""
    found = []
    items = enumerate(value) if isinstance(value, list) else ()
    for step, child in value.items() if isinstance(value, dict) else items:
        found += [(*path, step), *paths(child, (*path, step))]
    return found


FIELDS = paths(WHOLE)
REQUIRED: list[Path] = [
    *(("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "log"), ("spec",)),
    *(("metadata", "replaces", name) for name in ("directive", "document")),
    *(("metadata", "transcribed", name) for name in ("how", "on", "note")),
    *(("spec", name) for name in ("issuer", "basis", "action", "conditions", "models", "surfaces", "covers")),
    *(("spec", name) for name in ("annexes", "reasons", "liftedBy")),
    *(("spec", "basis", name) for name in ("kind", "authority")),
    *(("spec", "covers", "persons", name) for name in ("definition", "statuses", "source")),
    *(("spec", "covers", "organizations", name) for name in ("count", "commitment")),
    *(("spec", "except", "persons", name) for name in ("count", "commitment")),
    *(("spec", "annexes", "annex-a"), ("spec", "annexes", "annex-a", "count"), ("spec", "reasons", "form")),
]


def refusal(value: Any) -> str:
    with pytest.raises(BadEnvelope) as caught:
        Document.check(value)
    assert caught.value.message.startswith("a signed directive: ")
    return caught.value.message


def test_all_that_the_language_has_is_read() -> None:
    document = Document.check(WHOLE)
    assert document.to_json() == WHOLE
    assert document.digest == canonical.digest(WHOLE)
    spec = document.spec
    assert (spec.issuer, spec.action, spec.drain_ms) == ("bis", "restrict", 30_000)
    assert spec.begins_ms(0) == spec.effective_ms == 1_781_292_060_000
    assert spec.lifted_by == Rule("allOf", ("bis", Rule("atLeast", ("oncd", "ostp"), 1)))
    assert (spec.is_about("api"), spec.is_about("codex")) == (True, False)
    assert isinstance(spec.covers, Selection)
    assert isinstance(spec.covers.persons, Persons)
    assert spec.covers.persons.not_known == "covered"
    assert document.replaces is not None
    assert document.replaces.directive == "bis-2026-06-10"
    assert document.is_transcribed
    assert not document.is_drill


def test_what_is_left_out_says_what_it_says_by_default() -> None:
    document = Document.check(PLAIN)
    spec = document.spec
    assert (spec.effective_ms, spec.expires_ms, spec.drain_ms, spec.except_) == (None, None, 0, None)
    assert spec.begins_ms(7) == 7
    assert spec.covers == EVERYONE
    assert spec.is_about("anything")
    assert document.replaces is None
    assert not document.is_transcribed
    assert Document.check(put(("metadata", "drill"), True, PLAIN)).is_drill
    assert document.commitments() == {}
    assert document.is_opened_by({})


@pytest.mark.parametrize("written", [WHOLE, PLAIN], ids=["whole", "plain"])
def test_what_was_not_read_is_written_as_it_would_be(written: dict[str, Any]) -> None:
    read = Document.check(written)
    made = Document(api_version=read.api_version, kind=read.kind, metadata=read.metadata, spec=read.spec)
    assert made == read
    assert made.to_json() == written


@pytest.mark.parametrize("path", REQUIRED, ids=str)
def test_a_field_that_is_missing_is_refused(path: Path) -> None:
    refusal(without(path))


VALUES: list[Any] = [None, 5, "", "no such\nword", [], {}, [5], True, 0.5, {"a": 1}]
OTHERS = [
    (path, value)
    for path in FIELDS
    for value in VALUES
    if value is not at(WHOLE, path)
    and not (value == 5 and path[-1] in {"count", "requestsPerMinute"})
    and not (isinstance(value, str) and "allOf" in path[:-1])  # who may lift it, the keys on the record say
]


@pytest.mark.parametrize(("path", "value"), OTHERS, ids=repr)
def test_a_field_of_another_kind_is_refused(path: Path, value: Any) -> None:
    refusal(put(path, value))


@pytest.mark.parametrize(
    "path", [(), *(path for path in FIELDS if isinstance(at(WHOLE, path), dict))], ids=repr
)
def test_a_field_that_nobody_knows_is_refused(path: Path) -> None:
    message = refusal(put((*path, "tiers"), ["x"]))
    assert "tiers" in message or path[-1] in {"liftedBy", "conditions", "atLeast", 1}


WRONG: list[tuple[Path, Any]] = [
    (("apiVersion",), "sluicegate/v2"),
    (("kind",), "Release"),
    (("metadata", "name"), "Bad Name"),
    (("metadata", "name"), "a\n"),
    (("metadata", "log"), "x\n"),
    (("metadata", "log"), "x" * 501),
    (("metadata", "drill"), True),  # a drill that replaces something
    (("metadata", "replaces"), "d-0"),
    (("metadata", "replaces", "document"), "b" * 64),
    (("metadata", "replaces", "document"), "sha256:" + "B" * 64),
    (("metadata", "transcribed", "how"), "dream"),
    (("metadata", "transcribed", "on"), "yesterday"),
    (("metadata", "transcribed", "digest"), "a"),
    (("spec", "issuer"), "BIS"),
    (("spec", "basis", "kind"), "whim"),
    (("spec", "basis", "authority"), "a\u202eb"),
    (("spec", "action"), "throttle"),
    (("spec", "action"), "suspend"),  # with conditions
    (("spec", "conditions"), {"requestsPerMinute": 0}),
    (("spec", "conditions"), {"requestsPerMinute": 10_000_001}),
    (("spec", "conditions"), {"requestsPerMinute": True}),
    (("spec", "conditions"), {"personNamed": False}),
    (("spec", "conditions"), {"mfa": True}),
    (("spec", "models"), ["bad id"]),
    (("spec", "models"), ["m"] * 101),
    (("spec", "surfaces"), "some"),
    (("spec", "surfaces"), ["API"]),
    (("spec", "surfaces"), ["s"] * 51),
    (("spec", "covers"), "nobody"),
    (("spec", "covers"), {"organizations": ["Example Utility"]}),  # in the clear
    (("spec", "covers"), {"persons": ["mem_abcdefghijklmnop"]}),
    (("spec", "covers", "registeredIn"), ["USA"]),
    (("spec", "covers", "registeredIn"), ["US", "US"]),
    (("spec", "covers", "annexes"), ["annex-b", "annex-b"]),
    (("spec", "covers", "annexes"), ["annex-b", "annex-c"]),  # one that is not stated
    (("spec", "covers", "annexes"), ["annex-a"]),  # leaves one that is not used
    (("spec", "covers", "persons", "unknown"), "maybe"),
    (("spec", "covers", "persons", "assurance"), "sure"),
    (("spec", "covers", "persons", "statuses"), ["unknown"]),
    (("spec", "covers", "persons", "statuses"), ["martian"]),
    (("spec", "covers", "organizations", "count"), 0),
    (("spec", "covers", "organizations", "count"), 2.0),
    (("spec", "covers", "organizations", "commitment"), "A" * 64),
    (("spec", "covers", "organizations", "commitment"), "a" * 63),
    (("spec", "covers", "organizations", "salt"), "x"),
    (("spec", "except"), "everyone"),
    (("spec", "except", "persons"), PERSONS),  # one whose status is not known is never excepted
    (("spec", "annexes", "annex-a"), {"file": "a.csv", "digest": "sha256:" + "a" * 64}),
    (("spec", "annexes", "annex-a", "count"), 0),
    (("spec", "annexes", "annex-c"), committed("annex.annex-a")),
    (("spec", "effective"), "soon"),
    (("spec", "effective"), "2026-07-01"),
    (("spec", "effective"), "2026-07-01T00:00:00Z"),
    (("spec", "effective"), "2026-07-01T02:00:00.000+02:00"),
    (("spec", "effective"), "2026-07-12T21:21:00.000Z"),  # when it expires
    (("spec", "expires"), "immediately"),
    (("spec", "expires"), "2026-07-12T21:21:00Z"),
    (("spec", "expires"), AT),
    (("spec", "drain"), "soon"),
    (("spec", "drain"), "P2D"),
    (("spec", "drain"), "-PT1S"),
    (("spec", "reasons", "form"), "whispered"),
    (("spec", "reasons", "form"), ""),
    (("spec", "reasons", "text"), ""),
    (("spec", "reasons", "text"), "x" * 10_001),
    (("spec", "reasons"), {"form": "verbal", "text": "because"}),
    (("spec", "reasons", "commitment"), "x"),
    (("spec", "liftedBy"), {"allOf": []}),
    (("spec", "liftedBy"), "oncd"),
    (("spec", "liftedBy"), {"atLeast": {"n": 2, "of": ["oncd"]}}),
    (("spec", "liftedBy"), {"allOf": ["oncd", "oncd"]}),
    (("spec", "liftedBy"), {"weighted": ["oncd"]}),
    (("spec", "tiers"), ["x"]),
]


@pytest.mark.parametrize(("path", "wrong"), WRONG, ids=[f"{path[-1]}={wrong!r:.40}" for path, wrong in WRONG])
def test_what_is_no_signed_directive(path: Path, wrong: Any) -> None:
    assert f" {path[0]}" in refusal(put(path, wrong))


@pytest.mark.parametrize("value", [None, [], "x", 5, {}, {"spec": {}}])
def test_what_is_not_even_shaped_like_a_directive(value: Any) -> None:
    refusal(value)


@pytest.mark.parametrize("field", ["effective", "expires"])
def test_a_signed_time_is_written_in_one_way(field: str) -> None:
    Document.check(put(("spec", field), "2026-07-01T00:00:00.000Z", PLAIN))
    for text in ("2026-07-01T00:00:00+00:00", "2026-07-01T00:00:00Z", "2026-07-01"):
        assert f"spec.{field}" in refusal(put(("spec", field), text, PLAIN))


def test_a_refusal_says_where_what_was_expected_and_what_was_found() -> None:
    assert refusal(put(("spec", "covers", "registeredIn", 1), "France")) == (
        "a signed directive: spec.covers.registeredIn.1: expected text matching ^[A-Z]{2}$, found 'France'"
    )
    assert "spec: expected the field 'liftedBy', found none" in refusal(without(("spec", "liftedBy")))


# What opens it


def test_what_it_commits_to_is_counted_and_opened() -> None:
    document = Document.check(WHOLE)
    counts = {name: count for name, (_, count) in document.commitments().items()}
    assert counts == {
        "covers.organizations": 2,
        "except.persons": 1,
        "annex.annex-a": 2,
        "annex.annex-b": 1,
        "reasons": None,
    }
    assert document.is_opened_by(OPENINGS)


@pytest.mark.parametrize("name", ["covers.organizations", "except.persons", "annex.annex-a"])
@pytest.mark.parametrize("how", ["missing", "another salt", "more", "fewer", "no list"])
def test_what_does_not_open_every_commitment_does_not_open_it(name: str, how: str) -> None:
    value: Any = copy.deepcopy(OPENED[name])
    names = value if isinstance(value, list) else value["organizations"]
    if how == "more":
        names.append("mem_abcdefghijklmnoq")
    elif how == "fewer":
        names.pop()
    elif how == "no list":
        value = "everyone"
    salt = b"t" * 32 if how == "another salt" else SALT
    changed = {**OPENINGS, name: Opening(salt, canonical.dumps(value))}
    if how == "missing":
        del changed[name]
    assert not Document.check(WHOLE).is_opened_by(changed)


def test_nothing_may_open_what_it_does_not_commit_to() -> None:
    more = {**OPENINGS, "covers.persons": OPENINGS["except.persons"]}
    assert not Document.check(WHOLE).is_opened_by(more)


@pytest.mark.parametrize("path", [("covers", "organizations"), ("annexes", "annex-a"), ("except", "persons")])
def test_a_count_that_is_not_that_of_the_names_does_not_fit(path: Path) -> None:
    assert not Document.check(put(("spec", *path, "count"), 3)).is_opened_by(OPENINGS)


def test_sealed_reasons_may_stay_with_their_issuer() -> None:
    opened = {name: each for name, each in OPENINGS.items() if name != "reasons"}
    assert Document.check(WHOLE).is_opened_by(opened)


# From the record


NEWER: list[tuple[Path, Any]] = [
    (("signers",), 2),
    (("metadata", "urgency"), "high"),
    (("spec", "tiers"), ["x"]),
    (("spec", "action"), "throttle"),
    (("spec", "basis", "kind"), "statute"),
    (("spec", "conditions"), ["mfa"]),
    (("spec", "covers"), ["everyone"]),
    (("spec", "covers", "tiers"), ["x"]),
    (("spec", "covers", "persons", "assurance"), "sworn"),
    (("spec", "except"), "nobody"),
    (("spec", "reasons"), "because"),
    (("spec", "liftedBy"), {"weighted": {"bis": 2}}),
    (("metadata", "transcribed"), {"how": "telegram"}),
    (("metadata", "replaces"), ["a", "b"]),
]


@pytest.mark.parametrize(("path", "found"), NEWER, ids=[f"{path[-1]}={found!r:.40}" for path, found in NEWER])
def test_what_a_later_build_wrote_is_read_and_kept_and_not_put_on_the_record(path: Path, found: Any) -> None:
    newer = put(path, found)
    document = Document.from_json(newer)
    assert document.to_json() == newer
    assert document.digest == canonical.digest(newer)
    assert document.spec.issuer == "bis"
    refusal(newer)


def test_what_this_build_cannot_read_names_nobody_and_is_lifted_by_nobody() -> None:
    newer = put(("spec", "covers"), ["everyone"], put(("spec", "liftedBy"), {"weighted": {"bis": 2}}))
    spec = Document.from_json(newer).spec
    assert isinstance(spec.covers, Unread)
    assert [part for part, _ in spec.selections()] == ["except"]
    assert spec.lifted_by is NEVER
    assert not quorum.satisfied(NEVER, {"bis", "oncd", "ostp"})
    assert any(quorum.faults(NEVER.to_json(), frozenset()))


@pytest.mark.parametrize("kind", ["organizations", "registeredIn", "persons", "annexes"])
def test_a_part_that_is_null_is_not_one_that_is_left_out(kind: str) -> None:
    assert isinstance(Document.from_json(put(("spec", "covers", kind), None)).spec.covers, Unread)


def test_reasons_of_another_shape_commit_to_nothing() -> None:
    document = Document.from_json(put(("spec", "reasons"), ["sealed"]))
    assert not isinstance(document.spec.reasons, Reasons)
    assert "reasons" not in document.commitments()


@pytest.mark.parametrize(
    "path", [("metadata",), ("spec",), ("spec", "models"), ("spec", "surfaces")], ids=str
)
def test_what_lacks_what_every_build_states_is_not_read(path: Path) -> None:
    with pytest.raises(Misread):
        Document.from_json(without(path))


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3))
WORDS = ["organizations", "everyone", "allOf", "atLeast", "n", "of", "count", "commitment", "tiers"]
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(FIELDS), values)
def test_any_value_in_any_field_is_read_or_refused(path: Path, value: Any) -> None:
    changed = put(path, value)
    try:
        document = Document.check(changed)
    except BadEnvelope as error:
        assert error.message  # noqa: PT017 - both ends are right
    else:
        assert document.to_json() == changed
