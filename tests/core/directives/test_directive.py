from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.directives import directive
from sluicegate.core.directives.directive import Signing
from sluicegate.core.people.persons import Definition
from sluicegate.core.terms import document
from sluicegate.errors import InvalidDocument, InvalidInput, Place
from sluicegate_record.directives.document import Document
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from tests.worlds import COVERED, LOG, committed, directive_value

EXAMPLE = Path(__file__).parents[3] / "examples" / "suspend-gpt-5.6.yaml"
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


def each(path: Sequence[str | int], *fields: Any) -> list[tuple[Sequence[str | int], Any]]:
    """Several values of one field."""
    return [(path, field) for field in fields]


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
    *each(("spec", "drain"), "P2D", "-PT1S", "soon", "", 5, None, []),
    *each(("spec", "effective"), "soon", "2026-06-12T21:21:00", 5, None, []),
    *each(("spec", "expires"), "2026-06-12", "immediately", "never", 5, []),
    (("spec", "conditions"), {"requestsPerMinute": 5}),  # of what suspends
    *each(("spec", "except"), {}, [], "everyone", "nobody", {"organizations": []}),
    (("spec", "except"), {"everyone": True}),
    (("spec", "except"), {"persons": {"definition": "us-person", "unknown": "covered"}}),
    (("spec", "except"), {"annexes": ["not-stated"]}),
    (("spec", "annexes"), {"not-used": {"file": "a.csv", "digest": "sha256:" + "a" * 64}}),
    *each(("spec", "covers", "registeredIn"), [], ["USA"], ["us"], "US", ["US", "US"], [5]),
    *each(("spec", "covers", "persons"), [], {}, "all", ["mem_x"], ["alice"], [5]),
    (("spec", "covers"), {"persons": {"definition": "us-person", "unknown": "maybe"}}),
    (("spec", "covers"), {"persons": {"definition": "us-person", "assurance": "sure"}}),
    (("spec", "covers"), {"persons": {"definition": "us-person", "statuses": ["other"]}}),
    (("spec", "covers"), {"annexes": ["not-stated"]}),
    (("metadata", "replaces"), "Bad Name"),
    (("metadata", "replaces"), {"directive": "d-2"}),
    (("metadata", "drill"), False),
    (("metadata", "drill"), "yes"),
    (("metadata", "transcribed"), {"how": "call", "on": "2026-06-12"}),  # only what is signed says it
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


@pytest.mark.parametrize("name", sorted(directive.LATER))
def test_what_this_build_cannot_do_is_refused_by_name(name: str) -> None:
    found = places(put(("spec", "covers", name), ["anything"]))
    assert [place.expected for place in found if place.found == repr(name)] == [
        f"nothing here: this build does not have {directive.LATER[name]} yet"
    ]
    alone = [place.expected for place in places(put(("spec", "covers"), {name: ["x"]}))]
    assert f"nothing here: this build does not have {directive.LATER[name]} yet" in alone


WHOLE = """\
apiVersion: sluicegate/v1
kind: Directive
metadata: {name: bis-2026-06-12, replaces: bis-2026-06-10}
spec:
  issuer: bis
  basis: {kind: order, authority: "letter of 12 June 2026"}
  action: restrict
  conditions: {requestsPerMinute: 5, personNamed: true}
  models: [fable-5, mythos-5]
  surfaces: [api]
  covers:
    persons: {definition: ear-foreign-person, unknown: covered, assurance: organization}
    organizations: [Example Utility]
    registeredIn: [DE, FR]
    annexes: [annex-b]
  except: {annexes: [annex-a], persons: [mem_abcdefghijklmnop], registeredIn: [US]}
  annexes:
    annex-a: {file: annex-a.csv, digest: "sha256:DIGEST"}
    annex-b: {file: annex-b.csv, digest: "sha256:DIGEST"}
  effective: 2026-06-12T21:21:00+02:00
  expires: 2026-07-12T21:21:00Z
  reasons: {form: sealed, summary: "…", text: "the whole of them"}
  drain: PT30S
""".replace("DIGEST", "a" * 64)
SALT = b"s" * 32


def whole_signed() -> tuple[Document, dict[str, Opening]]:
    annexes = {"annex-a": {"organizations": ["A", "B"]}, "annex-b": {"persons": ["mem_abcdefghijklmnop"]}}
    signing = Signing(LOG, lambda: SALT, annexes, replaced="sha256:" + "b" * 64)
    return directive.to_sign(read(WHOLE), signing)


def test_all_that_the_language_has_is_read_and_signed() -> None:
    given = read(WHOLE)
    assert read(given) == given
    assert given["spec"]["effective"] == "2026-06-12T19:21:00.000Z"
    document, opened = whole_signed()
    assert document.is_opened_by(opened)
    signed = document.to_json()
    assert Document.check(signed) == document
    assert signed["spec"]["covers"]["persons"]["statuses"] == ["other"]
    assert "772.1" in signed["spec"]["covers"]["persons"]["source"]
    assert signed["metadata"]["replaces"] == {"directive": "bis-2026-06-10", "document": "sha256:" + "b" * 64}
    counts = {name: count for name, (_, count) in document.commitments().items()}
    assert counts == {
        "covers.organizations": 1,
        "except.persons": 1,
        "annex.annex-a": 2,
        "annex.annex-b": 1,
        "reasons": None,
    }
    assert not any(name in json.dumps(signed) for name in ("Utility", "mem_", "annex-a.csv", "the whole of"))


def test_a_definition_nobody_made_is_refused() -> None:
    given = read(put(("spec", "covers"), {"persons": {"definition": "stranger"}}))
    with pytest.raises(InvalidInput, match="'stranger'"):
        directive.to_sign(given, Signing(LOG, lambda: SALT))
    added = Signing(
        LOG, lambda: SALT, {}, {"stranger": Definition("stranger", frozenset({"other"}), "a law")}
    )
    signed, _ = directive.to_sign(given, added)
    assert signed.to_json()["spec"]["covers"]["persons"]["statuses"] == ["other"]


def test_it_expires_after_it_begins() -> None:
    begins = put(("spec", "effective"), "2026-07-01T00:00:00+02:00")
    for expires in ("2026-06-30T22:00:00Z", "2026-06-30T21:59:59Z"):
        assert places(put(("spec", "expires"), expires, begins))
    read(put(("spec", "expires"), "2026-06-30T22:00:01Z", begins))


def test_what_restricts_says_what_it_asks_and_what_suspends_does_not() -> None:
    restrict = put(("spec", "action"), "restrict")
    for conditions in ({}, None, {"requestsPerMinute": 0}, {"personNamed": False}, {"mfa": True}):
        assert places(put(("spec", "conditions"), conditions, restrict))
    read(put(("spec", "conditions"), {"requestsPerMinute": 1}, restrict))


def test_a_drill_replaces_nothing() -> None:
    assert places(put(("metadata",), {"name": "d-1", "drill": True, "replaces": "d-0"}))
    read(put(("metadata",), {"name": "d-1", "drill": True}))


@pytest.mark.parametrize("form", ["verbal", "none"])
def test_reasons_that_were_not_written_have_no_text(form: str) -> None:
    assert places(put(("spec", "reasons"), {"form": form, "text": "because"}))


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
    assert sorted(set(found)) == [(9, 3), (11, 13), (12, 3)]


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
    document, opened = directive.to_sign(given, Signing(LOG, lambda: SALT))
    signed = document.to_json()
    assert signed["metadata"] == {**given["metadata"], "log": LOG}
    opening = Opening(SALT, canonical.dumps(NAMES))
    commitment = opening.commitment("sealed", COVERED)
    assert signed["spec"]["covers"] == {"organizations": {"count": 2, "commitment": commitment}}
    assert opened == {COVERED: opening}
    assert not any(name in json.dumps(signed) for name in NAMES)


def test_everyone_is_signed_as_written() -> None:
    given = read(directive_value())
    signed, opened = directive.to_sign(given, Signing(LOG, lambda: SALT))
    assert signed.to_json() == {**given, "metadata": {"name": "d-1", "log": LOG}}
    assert opened == {}
    assert "log" not in given["metadata"]


def test_how_a_transcribed_order_came_is_signed() -> None:
    received = {"how": "call", "on": "2026-06-12", "note": "told by telephone"}
    signed, _ = directive.to_sign(read(directive_value()), Signing(LOG, lambda: SALT, received=received))
    assert signed.to_json()["metadata"]["transcribed"] == received


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
