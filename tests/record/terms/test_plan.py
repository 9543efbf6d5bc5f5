"""The plan as the record holds it: what is kept, what is no plan, and digests that never change."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sluicegate.core.terms import document, plan
from sluicegate_record.form import Form, Misread
from sluicegate_record.log import canonical
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.plan import Admission, Clock, Hearing, Plan, Procedure, Rung, Stage
from sluicegate_record.terms.requirements import Group
from sluicegate_record.terms.rule import Rule
from tests.core.terms.test_plan import S, put
from tests.worlds import plan_value, read_plan, stage

ROOT = Path(__file__).parents[3]
CLOCK = {
    "within": 5,
    "unit": "business-days",
    "calendar": "us-federal",
    "silence": "escalate",
    "to": ["Director", {"name": "Chief", "within": 2}],
    "then": "deny",
    "warn": "P1D",
    "overall": {"within": 30, "then": "lapse"},
}
ADMISSION = {
    "mode": "approve",
    "grant": {"atLeast": {"n": 2, "of": ["oncd", "ostp", {"anyOf": ["caisi"]}]}},
    "remove": {"majorityOf": ["oncd", "ostp"]},
    "clock": CLOCK,
    "countersign": ["oncd"],
    "reply": "P5D",
    "offer": "P2D",
    "appeal": {"decide": {"allOf": ["caisi"]}, "within": "P20D"},
}
FULL = plan_value(
    onRefusal={"fallbackModel": "older"},
    announced=False,
    leaseMs=900,
    stages=[
        stage(
            title="First",
            seats=3,
            basis={
                "kind": "agreed",
                "askedBy": ["oncd", "ostp"],
                "how": "a call",
                "askedOn": "2026-06-24",
                "until": "2026-12-31",
                "afterUntil": "stay",
            },
            opensWhen={"allOf": [{"terms": "agreed"}, {"agreedBy": {"anyOf": ["caisi", "ostp"]}}]},
            admission=ADMISSION,
            eligibility={
                "registeredIn": ["US", "NO"],
                "owners": {"above": 25},
                "screening": "clear",
                "onwardAccess": ["none", "resale"],
                "criteria": ["careful"],
            },
            conditions={
                "requestsPerMinute": 60,
                "validFor": "P30D",
                "logs": {"value": 90, "declared": True},
                "mfa": {"value": True, "declared": True},
            },
        ),
        stage("later"),
    ],
)
"""A plan that says everything a plan can say."""


def recorded() -> dict[str, Any]:
    """The same, as it stands in the record: an earlier build wrote it, without what follows a date."""
    value = copy.deepcopy(read_plan(FULL).to_json())
    del value["spec"]["stages"][0]["basis"]["afterUntil"]
    return value


# Reading


def test_a_plan_is_written_as_it_was_read() -> None:
    value = recorded()
    assert canonical.dumps(Plan.from_json(value).to_json()) == canonical.dumps(value)


def objects(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where an object stands that a form reads."""
    if isinstance(value, dict):
        if not path or path[-1] not in {"logs", "mfa"}:
            yield path
        for name, child in value.items():
            yield from objects(child, (*path, name))
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from objects(child, (*path, i))


RULES = ("grant", "remove", "decide", "agreedBy", "atLeast", "of")
PLACES = [
    path
    for path in objects(recorded())
    if path != ("spec", "agencies")
    and not any(step in RULES for step in path)
    and path[-1:] != ("conditions",)
]


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_a_field_that_a_later_build_adds_is_kept_and_written(path: Sequence[str | int]) -> None:
    value = put((*path, "later"), {"is": ["kept"]}, recorded())
    read = Plan.from_json(value)
    assert read.to_json() == Form.to_json(read) == value
    assert [Form.to_json(each) for each in read.spec.stages] == value["spec"]["stages"]


ALWAYS = [
    *((name,) for name in ("apiVersion", "kind", "metadata", "spec")),
    *(("metadata", name) for name in ("name", "developer")),
    *(
        ("spec", name)
        for name in ("models", "surfaces", "announced", "leaseMs", "agencies", "stages", "disclosure")
    ),
    *(("spec", "models", 0, name) for name in ("id", "upstream", "digest", "safeguards")),
    ("spec", "agencies", "oncd", "name"),
    ("spec", "disclosure", "organizations"),
    ("spec", "onRefusal", "fallbackModel"),
    *((*S, name) for name in ("name", "basis")),
    *((*S, "basis", name) for name in ("kind", "askedBy", "how", "askedOn")),
    *((*S, "admission", name) for name in ("mode", "grant")),
    *((*S, "admission", "clock", name) for name in ("within", "unit", "calendar", "silence")),
    *((*S, "admission", "clock", "overall", name) for name in ("within", "then")),
    (*S, "admission", "clock", "to", 1, "name"),
    (*S, "admission", "appeal", "decide"),
    (*S, "eligibility", "owners", "above"),
]


@pytest.mark.parametrize("path", ALWAYS, ids=str)
def test_a_field_that_always_stands_is_missed(path: tuple[str | int, ...]) -> None:
    value = recorded()
    around: Any = value
    for step in path[:-1]:
        around = around[step]
    del around[path[-1]]
    with pytest.raises(Misread) as caught:
        Plan.from_json(value)
    assert (caught.value.expected, caught.value.path) == (f"the field {path[-1]!r}", path[:-1])


WRONG: list[tuple[Sequence[str | int], Any]] = [
    ((), None),
    ((), []),
    ((), "a plan"),
    (("metadata",), []),
    (("metadata", "name"), 5),
    (("metadata", "title"), 5),
    (("spec",), None),
    (("spec", "models"), {}),
    (("spec", "models"), ["gpt-5.6"]),
    (("spec", "models", 0, "digest"), None),
    (("spec", "surfaces"), "api"),
    (("spec", "surfaces"), [1]),
    (("spec", "announced"), "yes"),
    (("spec", "announced"), 1),
    (("spec", "leaseMs"), "900"),
    (("spec", "leaseMs"), 900.0),
    (("spec", "leaseMs"), True),
    (("spec", "agencies"), ["oncd"]),
    (("spec", "agencies", "oncd"), "ONCD"),
    (("spec", "stages"), {}),
    (("spec", "onRefusal"), "older"),
    ((*S, "seats"), "3"),
    ((*S, "seats"), 3.0),
    ((*S, "basis", "askedBy"), "oncd"),
    ((*S, "basis", "until"), 2026),
    ((*S, "opensWhen"), []),
    ((*S, "opensWhen", "allOf"), [["terms"]]),
    ((*S, "opensWhen", "allOf", 1, "agreedBy"), ["caisi"]),
    ((*S, "admission", "grant"), "oncd"),
    ((*S, "admission", "grant"), {}),
    ((*S, "admission", "grant"), {"allOf": ["oncd"], "anyOf": ["ostp"]}),
    ((*S, "admission", "grant"), {"allOf": "oncd"}),
    ((*S, "admission", "grant"), {"allOf": [5]}),
    ((*S, "admission", "grant"), {"atLeast": {"n": "2", "of": ["oncd"]}}),
    ((*S, "admission", "remove"), {"noneOf": ["oncd"]}),
    ((*S, "admission", "countersign"), None),
    ((*S, "admission", "reply"), 5),
    ((*S, "admission", "appeal"), "caisi"),
    ((*S, "admission", "clock"), 5),
    ((*S, "admission", "clock", "within"), "5"),
    ((*S, "admission", "clock", "to"), "Director"),
    ((*S, "admission", "clock", "to"), [5]),
    ((*S, "admission", "clock", "to"), [["Director"]]),
    ((*S, "admission", "clock", "to", 1, "within"), "2"),
    ((*S, "eligibility"), []),
    ((*S, "eligibility", "registeredIn"), "US"),
    ((*S, "conditions"), []),
    ((*S, "conditions", "requestsPerMinute"), "60"),
    ((*S, "conditions", "requestsPerMinute"), True),
    ((*S, "conditions", "validFor"), 30),
]


@pytest.mark.parametrize(("path", "field"), WRONG, ids=repr)
def test_what_is_not_of_the_shape_of_a_plan(path: Sequence[str | int], field: Any) -> None:
    with pytest.raises(Misread):
        Plan.from_json(put(path, field, recorded()) if path else field)


def test_words_that_this_build_does_not_know_are_read() -> None:
    """A later build may write them; what a reader relies on is told apart where it is used."""
    value = put((*S, "admission", "mode"), "lottery", recorded())
    assert Plan.from_json(value).spec.stages[0].admission.mode == "lottery"


def test_plans_are_the_same_where_their_json_is() -> None:
    one, other = recorded(), put((*S, "title"), None, recorded())
    assert Plan.from_json(one) == Plan.from_json(recorded())
    assert Plan.from_json(one) != Plan.from_json(other)
    del one["spec"]["stages"][0]["title"]
    assert Plan.from_json(one).spec.stages[0].title is Plan.from_json(other).spec.stages[0].title is None
    assert Plan.from_json(one) != Plan.from_json(other)


def test_one_made_by_its_parts_is_what_they_write() -> None:
    read = Plan.from_json(recorded())
    made = Plan(api_version=read.api_version, kind=read.kind, metadata=read.metadata, spec=read.spec)
    assert made.to_json() == recorded()
    assert made == read


@pytest.mark.parametrize("written", ["Director", {"name": "Director"}, {"name": "Director", "within": 2}])
def test_a_step_of_a_ladder_is_written_as_it_was(written: Any) -> None:
    rung = Rung.from_json(written)
    assert rung.name == "Director"
    assert rung.to_json() == written


def test_how_long_there_is_at_a_step() -> None:
    clock = Clock.from_json(CLOCK)
    assert [clock.within_at(rung) for rung in (0, 1, 2)] == [5, 5, 2]


# What a stage says


def test_agencies_agree_to_an_opening_by_one_rule() -> None:
    given = read_plan(FULL).spec.stages[0]
    assert given.agreed_by == Rule("anyOf", ("caisi", "ostp"))
    both = [{"agreedBy": {"allOf": ["oncd"]}}, {"agreedBy": {"allOf": ["ostp"]}}]
    asked = replace(given, opens_when=Group.from_json({"allOf": both}))
    assert asked.agreed_by == Rule("allOf", (Rule("allOf", ("oncd",)), Rule("allOf", ("ostp",))))
    assert replace(given, opens_when=Group.from_json({"allOf": [{"terms": "agreed"}]})).agreed_by is None
    assert replace(given, opens_when=None).agreed_by is None


def test_every_rule_of_a_stage_is_found() -> None:
    given = read_plan(FULL).spec.stages[0]
    assert {rule.operator for rule in given.rules} == {"atLeast", "majorityOf", "allOf", "anyOf"}
    assert [rule.operator for rule in read_plan(FULL).spec.stages[1].rules] == ["allOf"]


def test_who_judges_where_a_stage_does_not_say() -> None:
    given = read_plan(FULL)
    assert [given.judges(each) for each in given.spec.stages] == [None, ["caisi", "oncd", "ostp"]]


def test_a_case_keeps_the_procedure_without_its_rules() -> None:
    admission = Admission.from_json({**ADMISSION, "later": 1})
    kept = {name: value for name, value in ADMISSION.items() if name not in {"grant", "remove", "appeal"}}
    expected = {**kept, "appeal": {"within": "P20D"}, "later": 1}
    assert admission.procedure.to_json() == expected
    assert Procedure.from_json(expected) == admission.procedure
    undated = Admission.from_json({**ADMISSION, "appeal": {"decide": {"allOf": ["caisi"]}}})
    assert "appeal" not in undated.procedure.to_json()


def test_what_holds_where_a_procedure_says_nothing() -> None:
    days = DAY_MS
    silent = Procedure(mode="approve", appeal=Hearing())
    assert (silent.reply_ms, silent.offer_ms, silent.appeal_ms) == (10 * days, 7 * days, 30 * days)
    stated = Admission.from_json(ADMISSION)
    assert (stated.reply_ms, stated.offer_ms, stated.appeal_ms) == (5 * days, 2 * days, 20 * days)


# The digest of terms


def terms(value: dict[str, Any]) -> str:
    read = read_plan(value)
    return read.terms_digest(read.spec.stages[0])


NORMATIVE: list[tuple[Sequence[str | int], Any]] = [
    (("metadata", "name"), "gpt-5.7"),
    (("metadata", "developer"), "anthropic"),
    (("spec", "models", 0, "id"), "gpt-5.6-mini"),
    (("spec", "models", 0, "upstream"), "other"),
    (("spec", "models", 0, "digest"), "sha256:" + "1" * 64),
    (("spec", "models", 0, "safeguards"), "sha256:" + "1" * 64),
    (("spec", "surfaces"), ["api"]),
    (("spec", "leaseMs"), 900),
    ((*S, "name"), "second"),
    ((*S, "seats"), 25),
    ((*S, "basis", "kind"), "agreed"),
    ((*S, "basis", "askedBy"), ["ostp"]),
    ((*S, "basis", "askedOn"), "2026-06-25"),
    ((*S, "basis"), {**stage()["basis"], "until": "2026-08-01", "afterUntil": "stay"}),
    ((*S, "admission", "grant"), {"anyOf": ["oncd", "ostp"]}),
    ((*S, "eligibility", "registeredIn"), ["US", "GB"]),
    ((*S, "conditions", "requestsPerMinute"), 601),
    ((*S, "conditions", "validFor"), "P31D"),
    ((*S, "conditions", "mfa"), {"value": True, "declared": True}),
]


@pytest.mark.parametrize(("path", "field"), NORMATIVE, ids=[str(path[-1]) for path, _ in NORMATIVE])
def test_a_normative_field_changes_the_terms(path: Sequence[str | int], field: Any) -> None:
    before = put((*S, "seats"), 24)
    assert terms(put(path, field, before)) != terms(before)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (("metadata", "title"), "Another title"),
        ((*S, "title"), "Another title"),
        (("spec", "agencies", "oncd", "name"), "Another name"),
        (("spec", "onRefusal"), {"fallbackModel": "old"}),
    ],
)
def test_a_title_does_not_change_the_terms(path: Sequence[str | int], field: Any) -> None:
    before = put((*S, "seats"), 24)
    assert terms(put(path, field, before)) == terms(before)


def test_the_terms_of_one_stage_do_not_depend_on_another() -> None:
    both = plan_value(stages=[stage(), stage("later", seats=5)])
    assert terms(both) == terms(plan_value())


def test_a_stage_names_who_asked_and_who_decides() -> None:
    named = stage(
        basis={**stage()["basis"], "askedBy": ["caisi"]},
        admission={"mode": "approve", "grant": {"allOf": ["oncd", {"anyOf": ["ostp"]}]}},
    )
    assert Stage.from_json(named).agencies == {"caisi", "oncd", "ostp"}


def test_a_digest_is_over_the_json_as_it_stands() -> None:
    """What means the same, written otherwise, is other terms."""
    value = recorded()
    before = Plan.from_json(value).terms
    value["spec"]["stages"][0]["admission"]["clock"]["to"][0] = {"name": "Director"}
    assert Plan.from_json(value).terms != before


WHOLE = "sha256:f9ec5cf9743c8887a487ad177d8c772fc76385a3de2e6cb74bc4f7bab03fcc0c"
DIGESTS = {
    "trusted-partners": "sha256:2cb8924a56ce85c1d88b7745597d78b66f0dc7a27a137b2cd6094bba480bf24f",
    "later": "sha256:fdf6ad398b1f442365a05a4634e8fd76e87bce05d27ed846e104a3b4aee2e261",
}
EXAMPLES = {
    "examples/gpt-5.5-trusted-access.yaml": (
        "sha256:7a950e8d2e4cd46c2ce7a7ef5fefe44089d8c2f598e6080c0677acd5ade9177c",
        {"vetted-teams": "sha256:3e58cbd10592184dae033af41d0f35fe6ee05c386d0ec1b48d63b7ddd1a7045a"},
    ),
    "examples/gpt-5.6-preview.yaml": (
        "sha256:5bd7816b17f1fffa44999c878abf6290cdb14f6fec2a8cdda6068e429f124d94",
        {"trusted-partners": "sha256:5e1198f44902e9fe25cd959f7cb7c3b145726c3cb4be80b2ad0c1d3c91328852"},
    ),
    "src/sluicegate/presets/validated-end-user.yaml": (
        "sha256:2e9fe426aa02447af4c62fc41c609afd149b2e33714da540d5eea8044e9b0f5c",
        {"validated-end-users": "sha256:76e1aa660e695d23cd151ab75dbb7446e77dd02ec7e6619688e7a72f38c96ffa"},
    ),
}
"""What was signed: these digests stand in records, and are computed anew wherever one is read."""


def test_the_digests_of_a_full_plan_are_those_in_records() -> None:
    given = Plan.from_json(recorded())
    assert (canonical.digest(given.to_json()), given.terms) == (WHOLE, DIGESTS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_digests_of_the_examples_are_those_in_records(name: str) -> None:
    path = ROOT / name
    given = plan.read(document.read(path.read_bytes(), path.name))
    assert (canonical.digest(given.to_json()), given.terms) == EXAMPLES[name]


# Numbers


DAYS = (0, -1, 1_001, 1.0, True, "5", None)
TIMES = ("P0D", "PT0S", "P1M", "", 5)
AT_STAGE = ("spec", "stages", 0)
CLOCK_AT = (*AT_STAGE, "admission", "clock")
NUMBERS: list[tuple[tuple[str | int, ...], tuple[Any, ...]]] = [
    (("spec", "leaseMs"), (0, -1, 499, 60_001, 900.0, True, "900")),
    ((*AT_STAGE, "seats"), (0, -1, 1_000_001, 3.0, True, "3")),
    ((*AT_STAGE, "eligibility", "owners", "above"), (-1, 100, 5.0, True)),
    ((*AT_STAGE, "conditions", "requestsPerMinute"), (0, -1, 10_000_001, 6.0, True, "6")),
    ((*AT_STAGE, "conditions", "validFor"), TIMES),
    ((*CLOCK_AT, "within"), DAYS),
    ((*CLOCK_AT, "overall", "within"), DAYS),
    ((*CLOCK_AT, "to", 1, "within"), DAYS[:-1]),
    ((*CLOCK_AT, "warn"), TIMES),
    ((*AT_STAGE, "admission", "reply"), TIMES),
    ((*AT_STAGE, "admission", "offer"), TIMES),
    ((*AT_STAGE, "admission", "appeal", "within"), TIMES),
]


@pytest.mark.parametrize(("at", "values"), NUMBERS, ids=lambda value: str(value)[:60])
def test_a_number_that_the_plan_language_cannot_express_is_not_read(
    at: tuple[str | int, ...], values: tuple[Any, ...]
) -> None:
    value = read_plan(FULL).to_json()
    Plan.from_json(value)
    for wrong in values:
        with pytest.raises(Misread) as caught:
            Plan.from_json(put(at, wrong, value))
        assert caught.value.path == at
