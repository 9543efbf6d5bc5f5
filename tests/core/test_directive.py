from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core import directive, document
from sluicegate.errors import BadEnvelope, InvalidDocument, Place
from tests.worlds import LOG, committed, directive_value

EXAMPLE = Path(__file__).parents[2] / "examples" / "suspend-gpt-5.6.yaml"
NAMES = ["Example Utility", "Example Grid Operator"]

WRITTEN = """\
apiVersion: sluicegate/v1
kind: Directive
metadata: {name: bis-2026-06-12}
spec:
  issuer: bis
  basis: {kind: order, authority: "letter of 12 June 2026"}
  action: suspend
  models: [fable-5, mythos-5]
  surfaces: all
  covers: {organizations: [Example Utility]}
  reasons: {form: verbal, summary: "…"}
"""


def read(value: Any) -> dict[str, Any]:
    return directive.read(document.read(value if isinstance(value, str) else json.dumps(value), "d.yaml"))


def places(value: Any) -> list[Place]:
    with pytest.raises(InvalidDocument) as caught:
        read(value)
    assert caught.value.at
    return list(caught.value.at)


def put(path: Sequence[str | int], field: Any, value: dict[str, Any] | None = None) -> dict[str, Any]:
    changed = copy.deepcopy(value or directive_value(covers={"organizations": list(NAMES)}))
    at: Any = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = field
    return changed


def test_defaults_are_filled_in() -> None:
    spec = read(WRITTEN)["spec"]
    assert spec["liftedBy"] == {"allOf": ["bis"]}
    assert spec["effective"] == "immediately"
    assert spec["drain"] == "PT0S"


def test_the_example_is_a_directive() -> None:
    assert read(EXAMPLE.read_text())["kind"] == "Directive"


@pytest.mark.parametrize("value", [directive_value(), directive_value(covers={"organizations": ["A", "B"]})])
def test_what_was_read_reads_the_same_again(value: dict[str, Any]) -> None:
    assert read(read(value)) == read(value) == value


MALFORMED: list[tuple[Sequence[str | int], Any]] = [
    (("apiVersion",), "sluicegate/v2"),
    (("kind",), "Release"),
    (("metadata",), {}),
    (("metadata", "name"), "Bad Name"),
    (("metadata", "name"), ["a"]),
    (("metadata", "title"), "x"),
    (("spec",), []),
    (("spec", "issuer"), ""),
    (("spec", "issuer"), ["oncd"]),
    (("spec", "basis"), {"kind": "order"}),
    (("spec", "basis", "kind"), "whim"),
    (("spec", "basis", "authority"), ""),
    (("spec", "action"), "restrict"),
    (("spec", "models"), []),
    (("spec", "models"), "all"),
    (("spec", "models"), ["bad id"]),
    (("spec", "models"), [5]),
    (("spec", "surfaces"), []),
    (("spec", "surfaces"), "some"),
    (("spec", "surfaces"), ["API"]),
    (("spec", "covers"), {}),  # covers nobody
    (("spec", "covers"), []),
    (("spec", "covers"), "nobody"),
    (("spec", "covers"), None),
    (("spec", "covers"), {"organizations": []}),
    (("spec", "covers"), {"organizations": "everyone"}),
    (("spec", "covers"), {"organizations": [""]}),
    (("spec", "covers"), {"organizations": ["A", "A"]}),
    (("spec", "covers"), {"organizations": ["A"], "everyone": True}),
    (("spec", "covers"), committed(NAMES)),  # only what is signed says it so
    (("spec", "effective"), "2026-06-12"),
    (("spec", "reasons"), {}),
    (("spec", "reasons", "form"), "whispered"),
    (("spec", "reasons", "summary"), ""),
    (("spec", "drain"), "PT5S"),
    (("spec", "liftedBy"), {}),
    (("spec", "liftedBy"), {"allOf": []}),
    (("spec", "liftedBy"), "oncd"),
    (("spec", "liftedBy"), {"atLeast": {"n": 2, "of": ["oncd"]}}),
    (("spec", "color"), "red"),
]


@pytest.mark.parametrize(
    ("path", "field"), MALFORMED, ids=[f"{path[-1]}={field!r:.40}" for path, field in MALFORMED]
)
def test_what_is_no_directive(path: Sequence[str | int], field: Any) -> None:
    assert places(put(path, field))


@pytest.mark.parametrize("field", ["issuer", "basis", "action", "models", "surfaces", "covers", "reasons"])
def test_a_missing_field_is_named(field: str) -> None:
    value = directive_value()
    del value["spec"][field]
    assert f"the field {field!r}" in [place.expected for place in places(value)]


@pytest.mark.parametrize("value", [None, [], "x", {}, {"spec": {"covers": {"persons": []}}}])
def test_what_is_not_even_shaped_like_a_directive(value: Any) -> None:
    assert places(value)


PLACES_LATER: dict[str, Sequence[str]] = {
    "except": ("spec",),
    "annexes": ("spec",),
    "expires": ("spec",),
    "persons": ("spec", "covers"),
    "registeredIn": ("spec", "covers"),
    "tiers": ("spec", "covers"),
}


@pytest.mark.parametrize("name", sorted(directive.LATER))
def test_what_this_build_cannot_do_is_refused_by_name(name: str) -> None:
    found = places(put((*PLACES_LATER[name], name), ["anything"]))
    assert [place.expected for place in found if place.found == repr(name)] == [
        f"nothing here: this build does not have {directive.LATER[name]} yet"
    ]


@pytest.mark.parametrize("name", ["persons", "registeredIn", "tiers"])
def test_a_cover_this_build_lacks_is_refused_by_name_where_it_stands_alone(name: str) -> None:
    found = [place.expected for place in places(put(("spec", "covers"), {name: ["x"]}))]
    assert f"nothing here: this build does not have {directive.LATER[name]} yet" in found


def test_optional_fields_may_be_empty() -> None:
    assert read(put(("spec", "liftedBy"), None))["spec"]["liftedBy"] == {"allOf": ["oncd"]}
    assert "summary" not in read(put(("spec", "reasons", "summary"), None))["spec"]["reasons"]


def test_every_error_is_told_at_once_where_it_stands() -> None:
    text = (
        WRITTEN.replace("action: suspend", "action: restrict")
        .replace("surfaces: all", "surfaces: []")
        .replace("form: verbal", "form: loud")
        + "  expires: never\n"
    )
    found = [(place.line, place.column) for place in places(text)]
    assert sorted(set(found)) == [(7, 3), (9, 3), (11, 13), (12, 3)]


@pytest.mark.parametrize("text", ["a\x1b[2J", "a\u202eb", "a\u200bb", "a\u2028b", "a\u2029b", "a\nb", "\x00"])
def test_text_that_a_terminal_would_not_show_as_it_stands_is_refused(text: str) -> None:
    assert places(put(("spec", "basis", "authority"), text))
    assert places(put(("spec", "reasons", "summary"), text))


# As signed


def bound(value: dict[str, Any]) -> dict[str, Any]:
    """A document bound to the log."""
    return {**value, "metadata": {**value["metadata"], "log": LOG}}


def test_its_author_does_not_say_which_log_it_is_for() -> None:
    assert [place.found for place in places(bound(directive_value()))] == ["'log'"]


def test_organizations_are_signed_as_count_and_commitment() -> None:
    given = read(directive_value(covers={"organizations": NAMES}))
    signed = directive.to_sign(given, LOG, "a" * 64)
    assert signed["metadata"] == {**given["metadata"], "log": LOG}
    assert signed["spec"]["covers"] == {"organizations": {"count": 2, "commitment": "a" * 64}}
    assert directive.named_organizations(given) == NAMES
    assert not any(name in json.dumps(signed) for name in NAMES)
    directive.check_signed(signed)


def test_everyone_is_signed_as_written() -> None:
    given = read(directive_value())
    assert directive.named_organizations(given) is None
    signed = directive.to_sign(given, LOG, "")
    assert signed == {**given, "metadata": {"name": "d-1", "log": LOG}}
    directive.check_signed(signed)
    assert "log" not in given["metadata"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        *((path, field) for path, field in MALFORMED if path[:2] != ("spec", "covers")),
        (("spec", "covers"), {"organizations": NAMES}),  # in the clear
        (("spec", "covers"), {}),
        (("spec", "covers"), {"organizations": {"count": 2}}),
        (("spec", "covers"), committed(NAMES, count=0)),
        (("spec", "covers"), committed(NAMES, count=True)),
        (("spec", "covers"), committed(NAMES, commitment="A" * 64)),
        (("spec", "covers"), committed(NAMES, commitment="a" * 63)),
        (("spec", "covers"), committed(NAMES, salt="x")),
        (("spec", "liftedBy"), None),
        (("metadata",), {"name": "d-1"}),
        (("metadata", "log"), None),
        (("metadata", "log"), ""),
        (("metadata", "log"), 5),
        (("metadata", "log"), "x\n"),
        *((("spec", name), ["x"]) for name in directive.LATER),
    ],
)
def test_what_is_no_signed_directive(path: Sequence[str | int], field: Any) -> None:
    with pytest.raises(BadEnvelope):
        directive.check_signed(put(path, field, bound(directive_value(covers=committed(NAMES)))))


def test_a_signed_directive_says_who_lifts_it() -> None:
    value = bound(directive_value())
    directive.check_signed(value)
    del value["spec"]["liftedBy"]
    with pytest.raises(BadEnvelope, match="liftedBy"):
        directive.check_signed(value)


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3))
FIELDS = ["organizations", "everyone", "allOf", "atLeast", "n", "of", "count", "commitment", *directive.LATER]
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([path for path, _ in MALFORMED]), values)
def test_any_value_in_any_field_is_read_or_refused_with_places(path: Sequence[str | int], field: Any) -> None:
    try:
        read(put(path, field))
    except InvalidDocument as error:
        assert error.at  # noqa: PT017 - both ends are right
    try:
        directive.check_signed(put(path, field, bound(directive_value(covers=committed(NAMES)))))
    except BadEnvelope as error:
        assert error.message  # noqa: PT017 - both ends are right
