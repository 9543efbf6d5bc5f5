from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import directives as acts
from sluicegate.errors import BadEnvelope, InvalidDocument, InvalidInput, NotCanonical
from sluicegate.service import doings, preview
from sluicegate_record.directives.scope import Scope
from sluicegate_record.log import canonical
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.terms.rule import Rule
from tests import worlds
from tests.forging import gate_value
from tests.plane import Plane, no, yes
from tests.worlds import API, MODEL, covering, directive_value


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    plane.credential(plane.admit("applicant", "Example Utility"), "a")
    plane.credential(plane.admit("rival", "Example Grid"), "b", "rival")
    return plane


def covered(plane: Plane, name: str) -> bool:
    with plane.ledger.reading() as state:
        (organization,) = plane.pseudonyms(name)
        return bool(covering(state.table, MODEL, API, organization))


def test_a_directive_covers_whom_it_names_and_spares_the_others(plane):
    result = plane.direct("d-1", ["Example Utility"])
    assert result.covered.to_json() == counts(organizations=1, credentials=1)
    assert result.spared.to_json() == counts(organizations=1, credentials=1)
    assert covered(plane, "Example Utility")
    assert not covered(plane, "Example Grid")


def test_a_page_of_directives_goes_on_where_the_one_before_ended(plane):
    for name in ("d-1", "d-2", "d-3"):
        plane.direct(name)
    first = yes(plane.do("oncd", acts.LIST, limit=2))
    assert ([each.directive for each in first.directives], first.next) == (["d-3", "d-2"], "d-2")
    rest = yes(plane.do("oncd", acts.LIST, before=first.next))
    assert ([each.directive for each in rest.directives], rest.next) == (["d-1"], None)
    assert no(plane.do("oncd", acts.LIST, before="d-9")) == "directive_unknown"
    plane.say(yes(plane.do("oncd", acts.LIFT, directive="d-2")).case, "oncd")
    found = yes(plane.do("oncd", acts.LIST, in_force=True))
    assert [each.directive for each in found.directives] == ["d-3", "d-1"]


def test_an_organization_may_be_named_by_its_pseudonym(plane):
    (organization,) = plane.pseudonyms("Example Grid")
    plane.direct("d-1", [organization])
    assert covered(plane, "Example Grid")
    assert not covered(plane, "Example Utility")


def test_a_name_covers_everybody_of_that_name(plane):
    plane.admit("rival", "Example Utility")
    result = plane.direct("d-1", ["Example Utility"])
    assert result.covered.organizations == 1  # the second has no key yet
    issued = [entry for entry in plane.store.log.entries(0, 1_000) if entry.type == "directive.issued"]
    assert gate_value(issued[0], "named") == {"covers": {"names": [*plane.ledger.tags("Example Utility")]}}
    assert len(plane.pseudonyms("Example Utility")) == 2
    with plane.ledger.reading() as state:
        for organization in plane.pseudonyms("Example Utility"):
            assert covering(state.table, MODEL, API, organization) == ["d-1"]


def test_who_has_only_applied_is_covered_too(plane):
    plane.submit("applicant", "Example Bank")
    plane.direct("d-1", ["Example Bank"])
    assert covered(plane, "Example Bank")


@pytest.mark.parametrize(
    "name",
    [
        "example utility",
        "EXAMPLE UTILITY",
        " Example  Utility ",
        "Example\u00a0Utility",
        "\uff25xample Utility",
    ],
)
def test_another_spelling_of_a_name_covers_it_too(plane, name):
    plane.direct("d-1", [name])
    assert covered(plane, "Example Utility")
    assert not covered(plane, "Example Grid")


@pytest.mark.parametrize(
    "names", [["Example Utilities"], ["ExampleUtility"], ["Example Utility", "nobody"], ["org_x"]]
)
def test_a_name_that_covers_nobody_is_refused(plane, names):
    """A typing error never passes for a directive in force."""
    size = plane.size
    assert no(plane.direct("d-1", names)) == "organization_unknown"
    assert plane.size == size


def test_the_same_command_again_returns_its_first_result(plane):
    given = {"envelope": worlds.directive(directive_value("d-1")).to_json()}
    first = yes(plane.do("oncd", acts.ISSUE, "direct-1234", **given))
    counted = yes(preview.counted(plane.ledger, plane.who["oncd"], first, {})).covered
    case = yes(plane.do("oncd", acts.LIFT, directive="d-1")).case
    plane.say(case, "oncd")
    plane.credential(plane.admit("applicant", "Example Bank"), "c")
    assert plane.do("oncd", acts.ISSUE, "direct-1234", **given) == first
    assert counted.to_json() == counts(organizations=2, credentials=2)


def signed_lift(plane: Plane, who: str, case: Any, **changes: Any) -> Any:
    """The request to lift `d-1` with an agency's approval, as it was shown what to sign."""
    previous = case.previous.get(who)
    said = worlds.approval(case.question, who, previous=previous, said=case.said, **changes)
    envelope = worlds.signed(said.payload(), who).to_json()
    return plane.do(who, acts.LIFT, directive="d-1", case=case.question.case, envelope=envelope)


def test_a_lift_with_a_position_is_one_command(plane):
    plane.direct("d-1", [])
    size = plane.size
    shown = yes(plane.do("oncd", acts.LIFTING, directive="d-1"))
    assert plane.size == size, "to show what is signed opens no case"
    done = yes(signed_lift(plane, "oncd", shown))
    assert (done.case, done.determination) == (shown.question.case, "approved")
    added = [entry.type for entry in plane.store.log.entries(size, 10)]
    assert added == ["case.opened", "position.recorded", "case.determined", "directive.lifted"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"previous": "sha256:" + "0" * 64}, "position_superseded"),
        (
            {"conditions": {"requestsPerMinute": 5}, "position": "approve-with-conditions"},
            "no_conditions_here",
        ),
        ({"said": Discussion.of([bytes(32)])}, "other_discussion"),
        ({"signed_at_ms": worlds.AT_MS - 40 * worlds.DAY_MS}, "signed_at_another_time"),
    ],
)
def test_a_lift_whose_position_is_refused_leaves_nothing(plane, changes, code):
    plane.direct("d-1", [])
    size = plane.size
    shown = yes(plane.do("oncd", acts.LIFTING, directive="d-1"))
    said = worlds.approval(shown.question, "oncd", **changes)
    envelope = worlds.signed(said.payload(), "oncd").to_json()
    case = shown.question.case
    assert no(plane.do("oncd", acts.LIFT, directive="d-1", case=case, envelope=envelope)) == code
    by_another = worlds.signed(worlds.approval(shown.question, "ostp").payload(), "ostp").to_json()
    assert no(plane.do("ostp", acts.LIFT, directive="d-1", case=case, envelope=by_another)) == "not_asked"
    assert plane.size == size
    assert yes(signed_lift(plane, "oncd", shown)).determination == "approved"


def test_a_lift_is_signed_in_the_case_that_is_open(plane):
    plane.direct("d-1", [])
    before = yes(plane.do("oncd", acts.LIFTING, directive="d-1"))
    case = yes(plane.do("developer", acts.LIFT, directive="d-1")).case
    assert no(signed_lift(plane, "oncd", before)) == "other_question"
    shown = yes(plane.do("oncd", acts.LIFTING, directive="d-1"))
    assert shown.question.case == case
    assert yes(signed_lift(plane, "oncd", shown)).case == case


def test_a_lift_of_a_part_takes_no_position_on_another_part(plane):
    plane.direct("d-1", [])
    yes(plane.do("developer", acts.LIFT, directive="d-1"))
    shown, size = yes(plane.do("oncd", acts.LIFTING, directive="d-1")), plane.size
    envelope = worlds.signed(worlds.approval(shown.question, "oncd").payload(), "oncd").to_json()
    part = Scope.from_json({"surfaces": [API]})
    assert no(plane.do("oncd", acts.LIFT, directive="d-1", scope=part, envelope=envelope)) == "case_unknown"
    assert plane.size == size


def test_a_lift_opens_no_case_under_a_name_that_is_taken_or_was_not_signed_for(plane):
    plane.direct("d-1", [])
    shown = yes(plane.do("oncd", acts.LIFTING, directive="d-1"))
    envelope = worlds.signed(worlds.approval(shown.question, "oncd").payload(), "oncd").to_json()
    taken = plane.submit("rival", "Example Bank").application
    size = plane.size
    assert no(plane.do("oncd", acts.LIFT, directive="d-1", case=taken, envelope=envelope)) == "other_question"
    for name in ("case_other", "x" * 300, "case_" + "a" * 17, ""):
        refused = plane.do("oncd", acts.LIFT, directive="d-1", case=name, envelope=envelope)
        assert no(refused) in {"other_question", "case_unknown"}
    assert plane.size == size


def counts(**of: int) -> dict[str, int]:
    """Counts of everything, zero where nothing is said."""
    return {"organizations": 0, "members": 0, "credentials": 0, "streams": 0, "requests": 0, **of}


def issue(plane: Plane, envelope: Any, opened: Any = None) -> Any:
    """A directive of `oncd`, read as a route reads it."""
    asked = acts.ISSUE.asked.from_json({"envelope": envelope, "opened": opened or {}})
    return doings.do(plane.services, plane.who["oncd"], acts.ISSUE, asked, plane.id())


def _named(**changes: Any) -> dict[str, Any]:
    names = ["Example Utility"]
    opening = {"salt": canonical.b64(worlds.opened_names(names).salt), "value": names}
    return {worlds.COVERED: {**opening, **changes}}


@pytest.mark.parametrize(
    "named",
    [
        None,
        _named(salt=canonical.b64(bytes(32))),
        _named(value=["Example Grid"]),
        _named(value=["Example Utility", "Example Grid"]),
    ],
)
def test_what_does_not_open_the_commitment_is_refused(plane, named):
    envelope = worlds.directive(directive_value(covers=worlds.committed(["Example Utility"]))).to_json()
    assert no(issue(plane, envelope, named)) == "scope_unproven"


def test_names_beside_a_directive_over_everyone_are_refused(plane):
    envelope = worlds.directive(directive_value()).to_json()
    result = issue(plane, envelope, _named())
    assert no(result) == "scope_unproven"


@pytest.mark.parametrize(
    ("named", "error"),
    [
        (_named(salt="not base64"), InvalidInput),
        (_named(salt=canonical.b64(bytes(31))), InvalidInput),
        (_named(salt=canonical.b64(bytes(33))), InvalidInput),
        (_named(salt=""), InvalidInput),
        (_named(value=[]), InvalidInput),
        (_named(value="everyone"), InvalidInput),
        (_named(value={"organizations": ["Example Utility"]}), InvalidInput),
        (_named(value=[5]), InvalidInput),
        (_named(value=["\ud800"]), NotCanonical),
    ],
)
def test_malformed_names_are_refused(plane, named, error):
    envelope = worlds.directive(directive_value(covers=worlds.committed(["Example Utility"]))).to_json()
    with pytest.raises(error):
        issue(plane, envelope, named)


@pytest.mark.parametrize("envelope", [{}, {"payload": "AA==", "payloadType": "x", "signatures": [{}]}])
def test_what_is_no_envelope_is_refused(plane, envelope):
    with pytest.raises(BadEnvelope):
        issue(plane, envelope)


def test_a_preview_tells_what_issuing_would_and_does_nothing(plane):
    size = plane.size
    text = json.dumps(directive_value(covers={"organizations": ["Example Utility"]}))
    told = yes(plane.do("oncd", acts.PREVIEW, text=text))
    assert plane.size == size
    issued = plane.direct("d-1", ["Example Utility"])
    assert (told.covered, told.spared) == (issued.covered, issued.spared)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"models": ["gpt-7"]}, "model_unknown"),
        ({"covers": {"organizations": ["nobody"]}}, "organization_unknown"),
        ({"liftedBy": {"allOf": ["bis"]}}, "party_unknown"),
    ],
)
def test_a_preview_is_refused_as_issuing_would_be(plane, changes, expected):
    text = json.dumps(directive_value(**changes))
    assert no(plane.do("oncd", acts.PREVIEW, text=text)) == expected


def test_a_preview_of_nonsense_is_refused_with_its_places(plane):
    with pytest.raises(InvalidDocument) as caught:
        plane.do("oncd", acts.PREVIEW, text="spec: []")
    assert caught.value.at


def test_directives_are_listed_newest_first_and_name_no_organization(plane):
    plane.direct("d-1", ["Example Utility"])
    plane.direct("d-2")
    listed = plane.do("oncd", acts.LIST)
    assert [found.directive for found in listed.directives] == ["d-2", "d-1"]
    assert "Example" not in json.dumps(listed.to_json())
    assert [found.in_force for found in listed.directives] == [True, True]


def test_a_lift_is_asked_for_by_anybody_and_decided_by_those_it_names(plane):
    plane.direct("d-1")
    case = yes(plane.do("developer", acts.LIFT, directive="d-1")).case
    assert plane.case(case).rule == Rule("allOf", ("oncd",))
    assert (
        no(plane.carry(worlds.position(plane.case(case), "oncd", signer="ostp"), "ostp"))
        == "key_of_another_party"
    )
    plane.say(case, "oncd")
    assert not covered(plane, "Example Utility")
