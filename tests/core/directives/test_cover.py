"""What a directive's document comes to: whatever cannot be read covers, and excepts nobody."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.directives import cover
from sluicegate.core.directives.cover import Cover, Exempt, People, Requester, Resolution, Selector, Whom
from sluicegate_record.directives.document import DirectiveSpec
from sluicegate_record.directives.scope import Scope
from sluicegate_record.directives.status import Assurance
from sluicegate_record.form import Misread
from tests.worlds import AT_MS

SELF, ORGANIZATION, CREDENTIAL = Assurance.SELF_ASSERTED, Assurance.ORGANIZATION, Assurance.CREDENTIAL
STRANGER = Whom(None, frozenset({"unknown"}), SELF)
HERE, THERE, NOWHERE = Requester("org-1", "US"), Requester("org-2", "DE"), Requester("org-3", None)
NAMED = {
    "covers": Resolution(["org-1"], (), ["mem_1"]),
    "except": Resolution(["org-1"], (), ["mem_1"]),
    "annex.x": Resolution(["org-1"], (), ["mem_1"]),
    "lift": Resolution(["org-1"]),
}
COMMITTED = {"count": 1, "commitment": "c"}
PEOPLE = {"definition": "d", "statuses": ["other"], "source": "s"}
SPEC = {
    "issuer": "ostp",
    "basis": {"kind": "order", "authority": "an act"},
    "action": "suspend",
    "models": ["a"],
    "surfaces": "all",
    "reasons": {"form": "none"},
    "liftedBy": {"allOf": ["ostp"]},
}


def whom(*statuses: str, assurance: Assurance = CREDENTIAL, person: str | None = None) -> Whom:
    return Whom(person, frozenset(statuses), assurance)


def compiled(covers: Any, named: Any = NAMED, **changes: Any) -> Cover:
    spec = {**SPEC, "covers": covers, **changes}
    return cover.compiled("d", DirectiveSpec.from_json(spec), named, AT_MS)


def is_covered(directive: Cover, entity: Requester, asked: Whom = STRANGER, surface: str = "api") -> bool:
    return directive.covers("a", surface, entity, [asked])


# Persons by status


@pytest.mark.parametrize(
    ("statuses", "assurance", "might", "certainly"),
    [
        ({"other"}, CREDENTIAL, True, True),
        ({"us_citizen"}, CREDENTIAL, False, False),
        ({"us_citizen", "other"}, CREDENTIAL, True, False),
        ({"unknown"}, CREDENTIAL, False, False),
        ({"other", "unknown"}, CREDENTIAL, True, False),
        ({"other"}, SELF, False, False),
        (set(), CREDENTIAL, False, False),
        ({"martian"}, CREDENTIAL, False, False),
    ],
)
def test_who_is_among_persons_by_status(
    statuses: set[str], assurance: Assurance, might: bool, certainly: bool
) -> None:
    asked = Whom(None, frozenset(statuses), assurance)
    spared = People(frozenset({"other"}), False, ORGANIZATION)
    assert spared.has(asked) is might
    assert spared.has_certainly(asked) is certainly
    covered = spared._replace(unknown=True)
    is_known = assurance >= ORGANIZATION and bool(statuses) and statuses <= {"other", "us_citizen"}
    assert covered.has(asked) is (might or not is_known)
    assert covered.has_certainly(asked) is certainly


def test_an_attestation_of_several_statuses_excepts_nobody_who_may_be_another() -> None:
    directive = compiled("everyone", **{"except": {"persons": {**PEOPLE, "statuses": ["us_citizen"]}}})
    assert not is_covered(directive, HERE, whom("us_citizen"))
    assert is_covered(directive, HERE, whom("us_citizen", "other"))


# Countries, organizations, persons by id


@pytest.mark.parametrize(("entity", "covered"), [(HERE, True), (THERE, False), (NOWHERE, True)])
def test_an_unknown_country_is_covered_and_not_excepted(entity: Requester, covered: bool) -> None:
    assert is_covered(compiled({"registeredIn": ["US"]}), entity) is covered
    excepted = compiled("everyone", **{"except": {"registeredIn": ["DE"]}})
    assert is_covered(excepted, entity) is (entity is not THERE)


def test_one_of_those_named_is_enough_and_an_exception_of_another_is_none() -> None:
    directive = compiled(
        {"persons": COMMITTED}, **{"except": {"persons": {**PEOPLE, "statuses": ["us_citizen"]}}}
    )
    mine, colleague = whom("other", person="mem_1"), whom("us_citizen", person="mem_2")
    assert directive.covers("a", "api", THERE, [colleague, mine])
    assert not directive.covers("a", "api", THERE, [colleague])
    assert not directive.covers("a", "api", THERE, [whom("us_citizen", person="mem_1"), colleague])


def test_members_of_an_annex_are_among_those_it_names() -> None:
    directive = compiled({"annexes": ["x"]})
    assert is_covered(directive, HERE)
    assert is_covered(directive, THERE, whom("other", person="mem_1"))
    assert not is_covered(directive, THERE, whom("other", person="mem_2"))


# What cannot be read

UNREADABLE: list[Any] = [
    None,
    {},
    [],
    "nobody",
    5,
    True,
    ["everyone"],
    {"tiers": ["trusted"]},
    {"registeredIn": ["DE"], "tiers": ["trusted"]},
    {"registeredIn": []},
    {"registeredIn": "DE"},
    {"registeredIn": [5]},
    {"registeredIn": None},
    {"registeredIn": ["DE"], "persons": {}},
    {"persons": {}},
    {"persons": None},
    {"persons": []},
    {"persons": "other"},
    {"persons": {"definition": "d"}},
    {"persons": {**PEOPLE, "statuses": []}},
    {"persons": {**PEOPLE, "statuses": "other"}},
    {"persons": {**PEOPLE, "assurance": "sure"}},
    {"persons": {**PEOPLE, "assurance": None}},
    {"persons": {**PEOPLE, "onlyIf": "moon"}},
    {"annexes": []},
    {"annexes": ["y"]},
    {"annexes": ["x", "y"]},
    {"annexes": "x"},
    {"annexes": None},
]


@pytest.mark.parametrize("stated", UNREADABLE)
def test_what_cannot_be_read_covers_everyone(stated: Any) -> None:
    spared = whom("us_citizen")
    assert is_covered(compiled(stated), THERE, spared)
    assert is_covered(compiled(stated, {}), THERE, spared)


@pytest.mark.parametrize("stated", [*UNREADABLE, "everyone"])
def test_an_exception_that_cannot_be_read_excepts_nobody(stated: Any) -> None:
    """Each exception stands by itself: one that can be read beside it still does."""
    directive = compiled("everyone", **{"except": stated})
    parts = stated if isinstance(stated, dict) else {}
    read = [THERE] if parts.get("registeredIn") == ["DE"] else []
    read += [HERE] if parts.get("annexes") == ["x", "y"] else []
    for entity in (HERE, THERE, NOWHERE):
        assert is_covered(directive, entity, whom("other")) is (entity not in read)


@pytest.mark.parametrize(
    ("stated", "part"),
    [
        ({"organizations": COMMITTED}, "covers"),
        ({"persons": COMMITTED}, "covers"),
        ({"annexes": ["x"]}, "annex.x"),
    ],
)
@pytest.mark.parametrize("found", [None, Resolution()])
def test_names_that_are_not_here_cover_everyone_and_except_nobody(stated: Any, part: str, found: Any) -> None:
    named = {name: each for name, each in NAMED.items() if name != part}
    if found is not None:
        named[part] = found
    assert is_covered(compiled(stated, named), THERE, whom("us_citizen"))
    named = {name: each for name, each in named.items() if name != "except"}
    assert is_covered(
        compiled("everyone", named, **{"except": stated}), HERE, whom("us_citizen", person="mem_1")
    )


@pytest.mark.parametrize(
    "value",
    [
        {"organizations": "org-1"},
        {"organizations": [1]},
        {"organizations": []},
        {"countries": ["DE"]},
        {"organizations": ["org-1"], "countries": ["DE"]},
    ],
)
def test_names_that_this_build_cannot_read_are_none(value: Any) -> None:
    with pytest.raises(ValueError, match=r"names|texts"):
        Resolution.from_json(value)


def test_names_are_written_as_they_are_read() -> None:
    found = Resolution(["org-2", "org-1"], ["tag"])
    assert found.to_json() == {"organizations": ["org-1", "org-2"], "names": ["tag"]}
    assert Resolution.from_json(found.to_json()).to_json() == found.to_json()


@pytest.mark.parametrize(
    "conditions",
    [
        None,
        {},
        [],
        "requestsPerMinute",
        {"mfa": True},
        {"requestsPerMinute": 5, "mfa": True},
        {"requestsPerMinute": 0},
        {"requestsPerMinute": -1},
        {"requestsPerMinute": "5"},
        {"requestsPerMinute": 5.5},
        {"requestsPerMinute": True},
        {"requestsPerMinute": None},
        {"personNamed": False},
        {"personNamed": "yes"},
        ["requestsPerMinute"],
    ],
)
def test_a_restriction_that_cannot_be_read_suspends(conditions: Any) -> None:
    assert compiled("everyone", action="restrict", conditions=conditions).restricts is None


def test_a_restriction_restricts_and_any_other_action_suspends() -> None:
    conditions = {"requestsPerMinute": 5, "personNamed": True}
    assert compiled("everyone", action="restrict", conditions=conditions).restricts == conditions
    for action in ("suspend", "throttle", "Restrict"):
        assert compiled("everyone", action=action, conditions=conditions).restricts is None


@pytest.mark.parametrize(
    "changes",
    [
        {"models": "a"},
        {"models": []},
        {"models": None},
        {"surfaces": "api"},
        {"surfaces": []},
        {"effective": "soon"},
        {"effective": None},
        {"expires": "2026-07-01"},
        {"drain": "soon"},
        {"basis": {}},
    ],
)
def test_without_models_surfaces_or_a_time_there_is_no_directive(changes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, Misread)):
        compiled("everyone", **changes)


# A part that is lifted


def lifts(scope: Any, named: Any = NAMED) -> Exempt:
    return cover.lifted("case", Scope.from_json(scope), named)


@pytest.mark.parametrize(
    "scope",
    [
        {},
        {"tiers": ["trusted"]},
        {"persons": COMMITTED},
        {"models": ["a"], "tiers": ["trusted"]},
        {"registeredIn": "US"},
        {"annexes": ["y"]},
        {"annexes": []},
        {"organizations": COMMITTED, "tiers": ["trusted"]},
    ],
)
def test_a_part_that_cannot_be_read_is_lifted_for_nobody(scope: dict[str, Any]) -> None:
    for entity in (HERE, THERE, NOWHERE):
        assert not lifts(scope).applies("a", "api", entity, whom("us_citizen", person="mem_1"))
        assert not lifts(scope, {}).applies("a", "api", entity, whom("us_citizen", person="mem_1"))


@pytest.mark.parametrize("scope", [{"models": []}, {"surfaces": []}])
def test_a_part_without_names_of_models_or_surfaces_is_no_part(scope: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="list of names"):
        lifts(scope)


@pytest.mark.parametrize(
    "scope",
    [
        {"models": "a"},
        {"surfaces": "api"},
        {"surfaces": [5]},
        {"annexes": "x"},
        {"organizations": ["org-1"]},
        {"organizations": {"count": 1}},
    ],
)
def test_a_part_of_another_type_is_none(scope: dict[str, Any]) -> None:
    with pytest.raises(Misread):
        lifts(scope)


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        ({"models": ["a"]}, True),
        ({"models": ["b"]}, False),
        ({"surfaces": ["api"]}, True),
        ({"surfaces": ["codex"]}, False),
        ({"organizations": COMMITTED}, True),
        ({"annexes": ["x"]}, True),
        ({"models": ["a"], "surfaces": ["codex"]}, False),
        ({"models": ["a"], "organizations": COMMITTED}, True),
    ],
)
def test_a_part_is_lifted_where_all_of_it_is_so(scope: dict[str, Any], applies: bool) -> None:
    assert lifts(scope).applies("a", "api", HERE, STRANGER) is applies
    assert not lifts({**scope, "organizations": COMMITTED}).applies("a", "api", THERE, STRANGER)


@given(
    st.sets(st.sampled_from("abc"), min_size=1),
    st.lists(st.sets(st.sampled_from("abcd"), min_size=1), max_size=4),
)
def test_a_directive_is_spent_when_every_model_was_lifted_for_everyone(
    models: set[str], parts: list[set[str]]
) -> None:
    directive = compiled("everyone", models=sorted(models))
    directive.exempt += [lifts({"models": sorted(part)}) for part in parts]
    directive.exempt += [lifts({"models": sorted(models), "surfaces": ["api"]})]
    directive.exempt += [lifts({"models": sorted(models), "organizations": COMMITTED})]
    left = models - set().union(*parts)
    assert directive.is_spent is (not left)
    asked = [directive.covers(model, "codex", THERE, [STRANGER]) for model in sorted(models)]
    assert any(asked) is bool(left)


def test_an_empty_selector_has_nobody() -> None:
    for entity in (HERE, THERE):
        assert not Selector().covers(entity, STRANGER)
        assert not Selector().excepts(entity, STRANGER)


def test_a_directive_asks_about_persons_once_a_part_of_it_is_lifted_for_some() -> None:
    directive = compiled("everyone")
    assert not directive.asks_persons
    directive.leave_out(Exempt("case_1", Selector(organizations={"org-9"})))
    assert not directive.asks_persons
    directive.leave_out(Exempt("case_2", Selector(members=frozenset({"mem-1"}))))
    directive.leave_out(Exempt("case_3", Selector(organizations={"org-8"})))
    assert directive.asks_persons
