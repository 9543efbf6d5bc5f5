from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.terms import document, plan
from sluicegate.errors import InvalidDocument, Place
from sluicegate_record.form import Misread
from sluicegate_record.log import canonical
from sluicegate_record.terms.exposure import Exposure, Measure
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.rule import DEPTH_MAX
from tests.worlds import plan_value, read_plan, stage

EXAMPLES = sorted(
    path
    for path in (Path(__file__).parents[3] / "examples").glob("*.yaml")
    if "kind: Release" in path.read_text()
)

WRITTEN = """\
apiVersion: sluicegate/v1
kind: Release
metadata: {name: gpt-5.6, developer: openai}
spec:
  models:
    - {id: gpt-5.6, upstream: demo, digest: "sha256:ZEROS", safeguards: "sha256:ZEROS"}
  surfaces: [api]
  agencies:
    oncd: {name: Office of the National Cyber Director}
  stages:
    - name: first
      basis: {kind: voluntary, askedBy: [oncd], how: a call, askedOn: 2026-06-24}
      admission: {mode: approve, grant: {allOf: [oncd]}}
      eligibility: {registeredIn: [NO, US]}
""".replace("ZEROS", "0" * 64)


def places(value: Any) -> list[Place]:
    with pytest.raises(InvalidDocument) as caught:
        plan.read(document.read(value if isinstance(value, str) else json.dumps(value), "plan.yaml"))
    assert caught.value.at
    return list(caught.value.at)


def put(path: Sequence[str | int], field: Any, value: Any = None) -> dict[str, Any]:
    """A valid plan with one field set, or a list's item."""
    changed = copy.deepcopy(
        value or plan_value(stages=[stage(seats=24, eligibility={"registeredIn": ["US"]})])
    )
    at: Any = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = field
    return changed


def drop(path: Sequence[str | int]) -> dict[str, Any]:
    changed: Any = put(path, None)
    at = changed
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return dict(changed)


# What is read


def test_a_plan_is_read_as_written_and_defaults_are_filled_in() -> None:
    read = plan.read(document.read(WRITTEN, "plan.yaml"))
    spec = read.spec
    assert (spec.announced, spec.lease_ms) == (True, 5_000)
    assert spec.disclosure.organizations == "never"
    assert spec.stages[0].eligibility.registered_in == ("NO", "US")
    assert spec.stages[0].basis.asked_on == "2026-06-24"


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every property of a schema, with its place."""
    for key, value in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if key == "properties":
            yield from ((f"{path}.{name}", each) for name, each in value.items())
        if isinstance(value, dict | list):
            yield from properties(value, f"{path}/{key}")


def test_the_schema_says_what_each_property_means() -> None:
    found = dict(properties(plan.schema()))
    assert len(found) > 150
    assert [place for place, each in found.items() if len(each.get("description", "")) < 5] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_plans(path: Path) -> None:
    read = plan.read(document.read(path.read_bytes(), path.name))
    assert Plan.from_json(canonical.loads(canonical.dumps(read.to_json()))) == read


def test_there_are_examples() -> None:
    assert "gpt-5.6-preview.yaml" in [path.name for path in EXAMPLES]


def test_what_was_read_reads_the_same_again() -> None:
    once = read_plan(plan_value(stages=[stage(seats=3, title="A title")], onRefusal={"fallbackModel": "old"}))
    assert read_plan(once.to_json()) == once


# Errors


def test_every_error_is_told_at_once_where_it_stands() -> None:
    text = (
        WRITTEN.replace("kind: Release", "kind: Realease")
        .replace("developer: openai", "developer: Open AI")
        .replace("surfaces: [api]", "surfaces: [api, api]")
        .replace("askedBy: [oncd]", "askedBy: [oncd, ostp]")
        .replace("grant: {allOf: [oncd]}", "grant: {allOf: []}")
        .replace("      eligibility", "      rampe: []\n      eligibility")
        .replace("[NO, US]", "[Norway]")
    )
    found = [(place.line, place.column, place.found) for place in places(text)]
    assert found == [
        (2, 1, "'Realease' (did you mean 'Release'?)"),
        (3, 27, "'Open AI'"),
        (7, 19, "'api'"),
        (12, 48, "'ostp'"),
        (13, 42, "[]"),
        (14, 7, "'rampe' (did you mean 'ramp'?)"),
        (15, 36, "'Norway' (did you mean 'NO'?)"),
    ]
    assert all(place.file == "plan.yaml" and place.expected for place in places(text))


def test_a_message_is_one_line_and_says_that_nothing_was_done() -> None:
    with pytest.raises(InvalidDocument) as caught:
        plan.read(document.read("{}", "plan.yaml"))
    assert "nothing was done" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.remedy


S = ("spec", "stages", 0)

MALFORMED: list[tuple[Sequence[str | int], Any]] = [
    (("apiVersion",), "sluicegate/v2"),
    (("apiVersion",), 1),
    (("kind",), "Directive"),
    (("kind",), ["Release"]),
    (("metadata",), []),
    (("metadata", "name"), "GPT"),
    (("metadata", "name"), "-a"),
    (("metadata", "name"), "a-"),
    (("metadata", "name"), "a\n"),
    (("metadata", "name"), ""),
    (("metadata", "name"), "a" * 64),
    (("metadata", "name"), 5),
    (("metadata", "developer"), ["openai"]),
    (("metadata", "developer"), {"openai": 1}),
    (("metadata", "developer"), "oncd"),  # an agency
    (("metadata", "title"), ""),
    (("metadata", "title"), None),
    (("metadata", "title"), "a" * 501),
    (("metadata", "labels"), {}),
    (("spec",), None),
    (("spec",), "x"),
    (("spec", "models"), []),
    (("spec", "models"), None),
    (("spec", "models"), {}),
    (("spec", "models", 0), "gpt-5.6"),
    (("spec", "models", 0, "id"), "gpt 5.6"),
    (("spec", "models", 0, "id"), ["gpt-5.6"]),
    (("spec", "models", 0, "id"), "gpt-5.6\n"),
    (("spec", "models", 0, "id"), "gpt‐5.6"),  # noqa: RUF001 - another hyphen
    (("spec", "models", 0, "digest"), "sha256:" + "0" * 63),
    (("spec", "models", 0, "digest"), "sha256:" + "A" * 64),
    (("spec", "models", 0, "digest"), "sha512:" + "0" * 64),
    (("spec", "models", 0, "safeguards"), None),
    (("spec", "models", 0, "weights"), "x"),
    (("spec", "surfaces"), []),
    (("spec", "surfaces"), "api"),
    (("spec", "surfaces"), ["api", "api"]),
    (("spec", "surfaces"), [["api"]]),
    (("spec", "surfaces"), ["API"]),
    (("spec", "announced"), "no"),
    (("spec", "announced"), 0),
    (("spec", "leaseMs"), 499),
    (("spec", "leaseMs"), 60_001),
    (("spec", "leaseMs"), 5_000.5),
    (("spec", "leaseMs"), "5000"),
    (("spec", "leaseMs"), True),
    (("spec", "agencies"), {}),
    (("spec", "agencies"), ["oncd"]),
    (("spec", "agencies", "oncd"), {}),
    (("spec", "agencies", "oncd"), {"name": "x", "key": "y"}),
    (("spec", "agencies", "Bad Name"), {"name": "x"}),
    (("spec", "stages"), []),
    (("spec", "disclosure"), {"organizations": "P1Y"}),
    (("spec", "disclosure"), {}),
    (("spec", "onRefusal"), {"fallbackModel": ""}),
    (("spec", "onRefusal"), {}),
    ((*S, "name"), "First"),
    ((*S, "seats"), 0),
    ((*S, "seats"), -1),
    ((*S, "seats"), 1_000_001),
    ((*S, "seats"), True),
    ((*S, "seats"), "24"),
    ((*S, "seats"), 2.0),
    ((*S, "seats"), None),
    ((*S, "basis"), {}),
    ((*S, "basis", "kind"), "advice"),
    ((*S, "basis", "askedBy"), []),
    ((*S, "basis", "askedBy"), "oncd"),
    ((*S, "basis", "askedBy"), ["stranger"]),
    ((*S, "basis", "askedBy"), [{"oncd": 1}]),
    ((*S, "basis", "askedBy"), [["oncd"]]),
    ((*S, "basis", "askedOn"), "24.06.2026"),
    ((*S, "basis", "askedOn"), "2026-02-30"),
    ((*S, "basis", "askedOn"), 20260624),
    ((*S, "basis", "askedOn"), "٢٠٢٦-٠٦-٢٤"),
    ((*S, "basis", "until"), "soon"),
    ((*S, "basis", "until"), None),
    ((*S, "basis", "until"), "2026-08-01"),  # without what follows then
    ((*S, "basis", "afterUntil"), "stay"),  # without a date
    ((*S, "basis", "afterUntil"), "expire"),
    ((*S, "basis", "afterUntil"), {"review": {"by": ["stranger"], "then": "lapse"}}),
    ((*S, "basis", "afterUntil"), {"review": {"by": [], "then": "lapse"}}),
    ((*S, "admission", "mode"), "notify"),
    ((*S, "admission", "grant"), {}),
    ((*S, "admission", "grant"), "oncd"),
    ((*S, "admission", "grant"), ["oncd"]),
    ((*S, "admission", "grant"), {"allOf": ["stranger"]}),
    ((*S, "admission", "grant"), {"allOf": ["openai"]}),  # the developer takes no agency's position
    ((*S, "admission", "grant"), {"atLeast": {"n": 3, "of": ["oncd", "ostp"]}}),
    ((*S, "eligibility"), {}),
    ((*S, "eligibility", "registeredIn"), []),
    ((*S, "eligibility", "registeredIn"), ["us"]),
    ((*S, "eligibility", "registeredIn"), ["USA"]),
    ((*S, "eligibility", "registeredIn"), [False]),
    ((*S, "conditions", "requestsPerMinute"), 0),
    ((*S, "conditions", "requestsPerMinute"), 10_000_001),
    ((*S, "conditions", "requestsPerMinute"), "600"),
    ((*S, "conditions", "requestsPerMinute"), {"value": 600, "declared": True}),
    ((*S, "conditions", "validFor"), "30 days"),
    ((*S, "conditions", "validFor"), "P1M"),
    ((*S, "conditions", "validFor"), "PT0S"),  # over before it begins
    ((*S, "conditions", "retentionDays"), 30),
    ((*S, "conditions", "mfa"), True),
    ((*S, "conditions", "mfa"), {"value": True}),
    ((*S, "conditions", "mfa"), {"value": True, "declared": False}),
    ((*S, "conditions", "mfa"), {"value": True, "declared": "true"}),
    ((*S, "conditions", "mfa"), {"value": None, "declared": True}),
    ((*S, "conditions", "mfa"), {"value": [1], "declared": True}),
    ((*S, "conditions", "mfa"), {"value": 1.5, "declared": True}),
    ((*S, "conditions", "mfa"), {"value": True, "declared": True, "note": "x"}),
    ((*S, "color"), "red"),
]


@pytest.mark.parametrize(
    ("path", "field"), MALFORMED, ids=[f"{path[-1]}={field!r:.40}" for path, field in MALFORMED]
)
def test_what_is_no_plan(path: Sequence[str | int], field: Any) -> None:
    assert places(put(path, field))


@pytest.mark.parametrize(
    "path",
    [
        ("apiVersion",),
        ("kind",),
        ("metadata",),
        ("metadata", "name"),
        ("metadata", "developer"),
        ("spec",),
        ("spec", "models"),
        ("spec", "models", 0, "id"),
        ("spec", "models", 0, "upstream"),
        ("spec", "models", 0, "digest"),
        ("spec", "models", 0, "safeguards"),
        ("spec", "surfaces"),
        ("spec", "agencies"),
        ("spec", "stages"),
        (*S, "name"),
        (*S, "basis"),
        (*S, "basis", "kind"),
        (*S, "basis", "askedBy"),
        (*S, "basis", "how"),
        (*S, "basis", "askedOn"),
        (*S, "admission"),
        (*S, "admission", "mode"),
        (*S, "admission", "grant"),
    ],
)
def test_a_missing_field_is_named(path: Sequence[str | int]) -> None:
    assert f"the field {path[-1]!r}" in [place.expected for place in places(drop(path))]


@pytest.mark.parametrize(
    ("path", "field", "repeated"),
    [
        (("spec", "models"), plan_value()["spec"]["models"] * 2, "id"),
        (("spec", "stages"), [stage(), stage()], "name"),
    ],
)
def test_a_name_twice_is_refused(path: Sequence[str], field: Any, repeated: str) -> None:
    assert [place.expected for place in places(put(path, field))] == [f"each {repeated} once"]


@pytest.mark.parametrize(
    "value",
    [None, [], "x", 5, True, {}, {"spec": 5}, {"spec": {"stages": [5, None, {"basis": 5, "admission": []}]}}],
)
def test_what_is_not_even_shaped_like_a_plan(value: Any) -> None:
    assert places(value)


ONE_OF = (
    "one of {terms: …}, {after: …}, {soak: …}, {date: …}, {agreedBy: …}, "
    "{adopted: …}, {attested: …}, {evaluationTime: …}, {hold: …}, {evidence: …}, "
    "{noOpenFindings: …}"
)


@pytest.mark.parametrize(
    ("path", "field", "expected", "found"),
    [
        (("opensWhen",), {"allOf": ["terms"]}, ONE_OF, "'terms'"),
        (("opensWhen",), {"allOf": [{}]}, ONE_OF, "{}"),
        (("opensWhen",), {"allOf": [{"when": 1}]}, ONE_OF, "{'when': 1}"),
        (("opensWhen",), {"allOf": [{"terms": "met"}]}, "'agreed' (this build has no other)", "'met'"),
        (("opensWhen",), {"allOf": [{"agreedBy": {"allOf": ["x"]}}]}, "one of caisi, oncd, ostp", "'x'"),
        (("opensWhen",), {"allOf": [{"terms": "agreed", "by": 1}]}, "a field of the plan language", "'by'"),
        (("admission", "clock", "to"), [5], "a name, or {name: …, within: …}", "5"),
        (("admission", "clock", "to"), [{"within": 5}], "a name, or {name: …, within: …}", "{'within': 5}"),
        (("admission", "clock", "to"), [{"name": "x", "within": 0}], "1 or more", "0"),
        (("conditions", "mfa"), {"value": [], "declared": True}, "text, a whole number, true or false", "[]"),
    ],
)  # fmt: skip
def test_where_several_shapes_may_stand_the_fault_is_told_against_the_one_meant(
    path: tuple[str, ...], field: Any, expected: str, found: str
) -> None:
    clocked = stage()["admission"] | {"clock": {"within": 5, "silence": "escalate", "to": ["deputy"]}}
    told = places(put((*S, *path), field, plan_value(stages=[stage(admission=clocked)])))
    assert (expected, found) in [(place.expected, place.found) for place in told]
    assert len(told) == 1


def test_a_condition_that_is_not_enforced_must_say_so() -> None:
    (place,) = places(put((*S, "conditions", "retentionDays"), 30))
    assert "{value: …, declared: true}" in place.expected
    assert place.found == "30"
    declared = put((*S, "conditions", "retentionDays"), {"value": 30, "declared": True})
    assert read_plan(declared).spec.stages[0].conditions.declared["retentionDays"]["value"] == 30


def test_an_enforced_condition_out_of_range_is_told_its_range() -> None:
    (place,) = places(put((*S, "conditions", "requestsPerMinute"), 0))
    assert place.expected == "1 or more"


def test_a_rule_may_nest_as_deep_in_a_plan_as_a_rule_may() -> None:
    rule: dict[str, Any] = {"allOf": ["oncd"]}
    for _ in range(DEPTH_MAX - 1):
        rule = {"atLeast": {"n": 1, "of": [rule]}}
    assert read_plan(put((*S, "admission", "grant"), rule)).spec.stages[0].admission.grant.to_json() == rule
    assert places(put((*S, "admission", "grant"), {"anyOf": [rule]}))


@pytest.mark.parametrize("text", ["a\x1b[2J", "a\u202eb", "a\u200bb", "a\u2028b", "a\u2029b", "a\nb", "\x00"])
@pytest.mark.parametrize(
    "path", [("metadata", "title"), ("spec", "agencies", "oncd", "name"), (*S, "title"), (*S, "basis", "how")]
)
def test_text_that_a_terminal_would_not_show_as_it_stands_is_refused(
    path: Sequence[str | int], text: str
) -> None:
    assert places(put(path, text))


# The schema


def validator() -> jsonschema.Draft202012Validator:
    schema = plan.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_schema_takes_the_examples(path: Path) -> None:
    validator().validate(document.read(path.read_bytes(), path.name).value)


def test_the_schema_refuses_what_no_reader_takes() -> None:
    """What one field can see alone; what refers to another field only the reader sees."""
    schema = validator()
    seen = [not schema.is_valid(put(path, field)) for path, field in MALFORMED]
    assert sum(seen) > 0.8 * len(seen)


FIELDS = sorted(set(re.findall(r"(\w+):", Path(__file__).with_name("design.yaml").read_text())))
scalars = st.one_of(st.none(), st.booleans(), st.integers(-9, 99), st.text("ab-.", max_size=3))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=10,
)


@given(values)
def test_any_value_is_refused_with_places(value: Any) -> None:
    assert places(value)


@given(st.sampled_from([path for path, _ in MALFORMED]), values)
def test_any_value_in_any_field_is_read_or_refused_with_places(path: Sequence[str | int], field: Any) -> None:
    try:
        read_plan(put(path, field))
    except InvalidDocument as error:
        assert error.at  # noqa: PT017 - both ends are right


def test_an_exposure_is_stated_in_whole_numbers_or_enforced() -> None:
    stated = {"organizations": 24, "people": {"value": 2_000, "enforced": True}, "requestsPerDay": 10**6}
    read = read_plan(plan_value(stages=[stage(exposure=stated)])).spec.stages[0].exposure
    assert [*read.measures.values()] == [Measure(24), Measure(2_000, enforced=True), Measure(10**6)]
    assert read.to_json() == stated
    for wrong in (0, "24", True, {"value": 24}, {"value": 0, "enforced": True}):
        (place,) = places(put((*S, "exposure"), {"people": wrong}))
        assert place.expected.startswith("a whole number from 1 to")
        assert place.expected.endswith("or {value: …, enforced: true} with one")
    for wrong in ({"value": 24, "enforced": False}, {"value": 24, "enforced": True, "grace": 1}):
        assert places(put((*S, "exposure"), {"people": wrong}))


def test_an_exposure_on_the_record_is_a_number_or_enforced_and_nothing_else() -> None:
    for wrong in (
        0,
        {"value": 24},
        {"value": 24, "enforced": False},
        {"value": 24, "enforced": True, "x": 1},
    ):
        with pytest.raises(Misread):
            Exposure.from_json({"people": wrong})
