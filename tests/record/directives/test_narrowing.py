"""What is called narrower lets nobody through whom the directive before stopped."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from sluicegate.core.access.decision import Instant
from sluicegate_record.directives import narrowing
from sluicegate_record.directives.document import DirectiveSpec, Document
from sluicegate_record.form import shape_of
from sluicegate_record.log import times
from tests.core.access.test_decision import PROVIDERS, Facts, asks
from tests.core.reference_model import Asking, InForce
from tests.forging import gate_value
from tests.worlds import AT_MS

T0, T1, T2 = (times.format_time(AT_MS + at) for at in (-1_000, 1_000, 9_000))
PEOPLE = {"definition": "d", "statuses": ["other"], "source": "s"}
NAMES = {"count": 2, "commitment": "a" * 64}
OTHERS = {"count": 2, "commitment": "b" * 64}
PLAIN: dict[str, Any] = {
    "issuer": "oncd",
    "basis": {"kind": "order", "authority": "a letter"},
    "action": "suspend",
    "models": ["a"],
    "surfaces": ["api"],
    "covers": {"organizations": NAMES},
    "reasons": {"form": "verbal"},
    "liftedBy": {"allOf": ["oncd"]},
}


def document(spec: dict[str, Any]) -> Document:
    metadata = {"name": "d-1", "log": "log"}
    value = {"apiVersion": "sluicegate/v1", "kind": "Directive", "metadata": metadata, "spec": spec}
    return Document.from_json(value)


def widened(new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    made = [
        document({key: value for key, value in {**PLAIN, **each}.items() if value is not None})
        for each in (new, old)
    ]
    return narrowing.widened(*made)


def test_every_field_has_its_reason() -> None:
    assert narrowing.FIELDS.keys() == shape_of(DirectiveSpec).keys


def people(**changes: Any) -> dict[str, Any]:
    return {"persons": {**PEOPLE, **changes}}


RESTRICT = {"action": "restrict", "conditions": {"requestsPerMinute": 5}}
NARROWER: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"models": ["b", "a"]}, {}),
    ({"surfaces": "all"}, {}),
    ({"surfaces": ["codex", "api"]}, {}),
    ({}, RESTRICT),
    ({"action": "restrict", "conditions": {"requestsPerMinute": 4}}, RESTRICT),
    ({"action": "restrict", "conditions": {"requestsPerMinute": 5, "personNamed": True}}, RESTRICT),
    ({"covers": "everyone"}, {}),
    ({"covers": {"organizations": NAMES, "registeredIn": ["DE"]}}, {}),
    ({"covers": {"registeredIn": ["DE", "FR"]}}, {"covers": {"registeredIn": ["FR"]}}),
    ({"covers": people(statuses=["other", "us_citizen"])}, {"covers": people()}),
    ({"covers": people(unknown="covered")}, {"covers": people()}),
    ({"covers": people()}, {"covers": people(unknown="covered")}),
    ({"covers": people()}, {"covers": people(unknown="spared")}),
    ({"covers": people(assurance="credential")}, {"covers": people()}),
    (
        {"covers": people(unknown="spared")},
        {"covers": people(unknown="spared", assurance="credential")},
    ),
    ({}, {"except": {"registeredIn": ["US"]}}),
    ({"except": {"registeredIn": ["US"]}}, {"except": {"registeredIn": ["US", "DE"]}}),
    ({"except": people()}, {"except": people(statuses=["other", "us_citizen"])}),
    ({"except": people(assurance="credential")}, {"except": people()}),
    ({"except": {"organizations": NAMES}}, {"except": {"organizations": NAMES, "registeredIn": ["US"]}}),
    (
        {"covers": {"annexes": ["x"]}, "annexes": {"x": NAMES}},
        {"covers": {"annexes": ["x"]}, "annexes": {"x": NAMES}},
    ),
    ({"reasons": {"form": "written", "text": "why"}}, {}),
    ({"effective": T0}, {"effective": T1}),
    ({"effective": "immediately"}, {"effective": T1}),
    ({"expires": None}, {"expires": T1}),
    ({"expires": T2}, {"expires": T1}),
    ({"drain": "PT0S"}, {"drain": "PT5S"}),
    ({"drain": "PT0S"}, {}),
    ({"drain": "PT5S", "effective": T1}, {"drain": "PT5S", "effective": T1}),
    ({"covers": "everyone"}, {"covers": ["of another build"]}),
    ({}, {"except": ["of another build"]}),
    ({}, {"except": {"registeredIn": ["US"], "tiers": ["x"]}}),
    ({"covers": {"tiers": ["x"]}}, {"covers": {"tiers": ["x"]}}),
    ({"liftedBy": {"allOf": ["oncd", "ostp"]}}, {"liftedBy": {"anyOf": ["oncd", "ostp"]}}),
]
WIDER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("models", {"models": ["b"]}, {}),
    ("models", {}, {"models": ["a", "b"]}),
    ("surfaces", {}, {"surfaces": "all"}),
    ("surfaces", {"surfaces": ["codex"]}, {}),
    ("action", RESTRICT, {}),
    ("conditions", {"action": "restrict", "conditions": {"requestsPerMinute": 6}}, RESTRICT),
    ("conditions", {"action": "restrict", "conditions": {"personNamed": True}}, RESTRICT),
    ("covers", {}, {"covers": "everyone"}),
    ("covers", {"covers": {"organizations": OTHERS}}, {}),
    ("covers", {"covers": {"registeredIn": ["DE"]}}, {}),
    ("covers", {"covers": {"registeredIn": ["DE"]}}, {"covers": {"registeredIn": ["DE", "FR"]}}),
    ("covers", {"covers": people()}, {"covers": people(statuses=["other", "us_citizen"])}),
    ("covers", {"covers": people(unknown="spared")}, {"covers": people()}),
    ("covers", {"covers": people(unknown="spared")}, {"covers": people(unknown="covered")}),
    ("covers", {"covers": people()}, {"covers": people(assurance="organization")}),
    (
        "covers",
        {"covers": people(unknown="spared", assurance="organization")},
        {"covers": people(unknown="spared")},
    ),
    ("covers", {"covers": people()}, {"covers": {"persons": NAMES}}),
    ("covers", {"covers": {"persons": NAMES}}, {"covers": people()}),
    (
        "covers",
        {"covers": {"annexes": ["x"]}, "annexes": {"x": OTHERS}},
        {"covers": {"annexes": ["x"]}, "annexes": {"x": NAMES}},
    ),
    ("except", {"except": {"registeredIn": ["US"]}}, {}),
    ("except", {"except": {"registeredIn": ["US", "DE"]}}, {"except": {"registeredIn": ["US"]}}),
    ("except", {"except": people(statuses=["other", "us_citizen"])}, {"except": people()}),
    ("except", {"except": people()}, {"except": people(assurance="organization")}),
    ("except", {"except": {"organizations": OTHERS}}, {"except": {"organizations": NAMES}}),
    ("effective", {"effective": T1}, {}),
    ("effective", {"effective": T1}, {"effective": T0}),
    ("expires", {"expires": T1}, {}),
    ("expires", {"expires": T1}, {"expires": T2}),
    ("drain", {"drain": "PT6S", "effective": T1}, {"drain": "PT5S", "effective": T1}),
    ("drain", {"drain": "PT5S"}, {"drain": "PT5S"}),  # it would count from the change, again and again
    ("drain", {"drain": "PT1S"}, {"drain": "PT5S"}),
    ("liftedBy", {"liftedBy": {"anyOf": ["oncd", "ostp"]}}, {}),
    ("liftedBy", {"liftedBy": {"allOf": ["ostp"]}}, {}),
    ("basis", {"basis": {"kind": "voluntary", "authority": "a letter"}}, {}),
    ("issuer", {"issuer": "ostp"}, {}),
    ("newfangled", {"newfangled": True}, {}),
    ("newfangled", {}, {"newfangled": True}),
    ("covers", {}, {"covers": {"organizations": NAMES, "tiers": ["x"]}}),
    ("covers", {}, {"covers": ["of another build"]}),
    ("covers", {"covers": people()}, {"covers": people(tiers=["x"])}),
    ("covers", {"covers": people()}, {"covers": people(assurance="sworn")}),
    ("covers", {"covers": {"registeredIn": ["DE"]}}, {"covers": {"registeredIn": ["DE"], "annexes": None}}),
    ("except", {"except": {"registeredIn": ["US"]}}, {"except": ["of another build"]}),
    ("except", {"except": people()}, {"except": people(tiers=["x"])}),
    ("conditions", RESTRICT, {"action": "restrict", "conditions": ["of another build"]}),
    ("conditions", RESTRICT, {"action": "restrict"}),
    ("action", RESTRICT, {"action": "throttle"}),
    ("liftedBy", {}, {"liftedBy": {"weighted": {"oncd": 2}}}),
]


@pytest.mark.parametrize(("new", "old"), NARROWER)
def test_what_is_provably_narrower(new: dict[str, Any], old: dict[str, Any]) -> None:
    assert widened(new, old) == []


@pytest.mark.parametrize(("field", "new", "old"), WIDER)
def test_what_is_not_provably_narrower(field: str, new: dict[str, Any], old: dict[str, Any]) -> None:
    assert field in widened(new, old)


def signed(spec: dict[str, Any], named: dict[str, Any]) -> Document:
    """A random specification with what a signed one has; what a list comes to is its commitment."""
    made = copy.deepcopy(spec) | {
        "issuer": "oncd",
        "liftedBy": {"allOf": ["oncd"]},
        "reasons": {"form": "none"},
    }
    for part in ("covers", "except"):
        whom = made[part] if isinstance(made.get(part), dict) else {}
        for kind in ("organizations", "persons"):
            if "commitment" in whom.get(kind, {}):
                whom[kind]["commitment"] = repr(named[part])
        for name in whom.get("annexes", ()):
            made.setdefault("annexes", {})[name] = {"count": 1, "commitment": repr(named[f"annex.{name}"])}
    made.setdefault("action", "suspend")
    made["basis"]["authority"] = "a letter"
    return document(made)


def changed(
    found: Facts, spec: dict[str, Any], named: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A directive like another, with some of its fields drawn again."""
    drawn_named: dict[str, Any] = {}
    drawn = found.spec(drawn_named)
    fields = {*found.some(sorted({*spec, *drawn})[:4]), *found.random.sample(sorted({*spec, *drawn}), 1)}
    new, new_named = copy.deepcopy(spec), dict(named)
    for field in fields:
        new.pop(field, None)
        if field in drawn:
            new[field] = drawn[field]
            parts = [part for part in drawn_named if part == field or part.startswith("annex.")]
            new_named |= {part: drawn_named[part] for part in parts}
    if (new.get("action") == "restrict") != ("conditions" in new):
        new.pop("action", None)
        new.pop("conditions", None)
    return new, new_named


def check_narrower(seed: int, now: Instant) -> None:
    found = Facts.of(seed)
    old_named: dict[str, Any] = {}
    old = found.spec(old_named)
    new, new_named = changed(found, old, old_named)
    if narrowing.widened(signed(new, new_named), signed(old, old_named)):
        event("wider")
        return
    event("the same" if new == old else "narrower")
    written = []
    for name, spec, named in (("old", old, old_named), ("new", new, new_named)):
        public = {"directive": name, "document": {"spec": spec}}
        written.append(found.rough.write("directive.issued", public, named=named))
    before, after = (InForce(each) for each in written)
    issued = {e.public["credential"]: e for e in found.rough.entries if e.type == "credential.issued"}
    grants = {e.public["grant"]: e for e in found.rough.entries if e.type == "grant.approved"}
    for ask in asks(found):
        for credential in issued.values():
            organization = gate_value(grants[credential.public["grant"]], "organization")
            asking = Asking(found.rough.entries, ask, credential, organization, PROVIDERS)
            if asking.is_on(before, now) and asking.covered(before, now):
                assert asking.is_on(after, now), (old, new)
                assert asking.covered(after, now), (old, new)
        if ask.digest is None:
            break


instants = st.tuples(st.integers(-2, 10), st.integers(0, 2)).map(
    lambda at: Instant(AT_MS + at[0], AT_MS + max(0, at[0] + at[1]))
)
"""Whoever has a directive knows that its acceptance has passed."""


@settings(max_examples=300)
@given(st.integers(0, 2**32), instants)
@example(4993416, Instant(AT_MS, AT_MS + 1))  # a suspension's grace in the place of a restriction without
def test_whatever_the_old_one_stops_the_narrower_one_stops(seed: int, now: Instant) -> None:
    check_narrower(seed, now)


@pytest.mark.long
@settings(max_examples=5_000)
@given(st.integers(0, 2**32), instants)
def test_whatever_the_old_one_stops_the_narrower_one_stops_many_times(seed: int, now: Instant) -> None:
    check_narrower(seed, now)


@pytest.mark.parametrize("seed", range(0, 400, 40))
def test_such_pairs_are_found(seed: int) -> None:
    """Else the property above would show nothing."""
    pairs = 0
    for i in range(seed, seed + 40):
        found = Facts(Random(i))
        named: dict[str, Any] = {}
        old = found.spec(named)
        new, new_named = changed(found, old, named)
        pairs += new != old and not narrowing.widened(signed(new, new_named), signed(old, named))
    assert pairs
