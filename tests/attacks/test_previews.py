"""An agency that previews directives, which change nothing, to learn what is none of its business."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import directives as acts
from sluicegate.core.lifecycle import Refusal
from tests.plane import Plane, yes
from tests.worlds import AGENCIES, CODEX, MODEL, directive_value, plan_value

HIDDEN = "atlas-3"


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    plane.credential(plane.admit())
    told = {agency: {"name": agency} for agency in AGENCIES if agency != "caisi"}
    yes(plane.apply(plan_value("hidden-1", models=(HIDDEN,), announced=False, agencies=told)))
    return plane


def previewed(plane: Plane, who: str, **changes: Any) -> Any:
    text = json.dumps(directive_value(issuer=who if who in AGENCIES else "oncd", **changes))
    return plane.do(who, acts.PREVIEW, text=text)


def test_an_organization_is_shown_to_who_sees_its_case(plane: Plane) -> None:
    shown = yes(previewed(plane, "oncd"))
    assert [each.name for each in shown.organizations] == ["example utility"]
    assert (shown.covered.credentials, shown.unmatched) == (1, 0)


def test_no_name_tells_an_agency_who_applied(plane: Plane) -> None:
    """Else a dry run, which changes nothing, would answer for any name whether it is here."""
    applied, unheard_of = (
        previewed(plane, "caisi", covers={"organizations": [name]})
        for name in ("Example Utility", "Nobody Here")
    )
    assert isinstance(applied, Refusal)
    assert isinstance(unheard_of, Refusal)
    assert applied.code == unheard_of.code == "organization_unknown"
    assert applied.message == unheard_of.message.replace("Nobody Here", "Example Utility")
    assert not isinstance(previewed(plane, "oncd", covers={"organizations": ["Example Utility"]}), Refusal)


def annexed(plane: Plane, who: str, name: str, **changes: Any) -> Any:
    """A preview of a directive with an annex that has one name."""
    value = directive_value(
        issuer=who, annexes={"listed": {"file": "listed.csv", "digest": "sha256:" + "0" * 64}}, **changes
    )
    annexes = {"listed": acts.AnnexNames(organizations=(name,))}
    return yes(plane.do(who, acts.PREVIEW, text=json.dumps(value), annexes=annexes))


@pytest.mark.parametrize("who", ["caisi", "oncd"])
def test_no_name_in_an_annex_tells_an_agency_who_applied(plane: Plane, who: str) -> None:
    applied, unheard_of, by_id = (
        json.dumps(
            annexed(plane, who, name, covers={"annexes": ["listed"]}).to_json() | {"document": None}
        ).replace(name, "")
        for name in ("Example Utility", "Nobody Here", *plane.pseudonyms("Example Utility"))
    )
    assert (applied == unheard_of) is (who == "caisi")
    assert (by_id == unheard_of) is (who == "caisi")
    assert json.loads(unheard_of)["unmatched"] == 1


@pytest.mark.parametrize(("who", "near"), [("caisi", ()), ("oncd", ("example utility",))])
def test_only_names_that_an_agency_sees_are_said_to_be_near(
    plane: Plane, who: str, near: tuple[str, ...]
) -> None:
    shown = annexed(plane, who, "Ex\u0430mple Utilities", covers={"annexes": ["listed"]})
    (unmatched,) = shown.unmatched_names
    assert (unmatched.nearest, unmatched.look_alikes) == (near, "\u0430")


@pytest.mark.parametrize(("others", "told"), [(1, 0), (4, 0), (5, 5)])
def test_a_description_that_few_fit_tells_an_agency_no_number(plane: Plane, others: int, told: int) -> None:
    for number in range(others - 1):
        plane.credential(plane.admit(name=f"Example Holder {number}"), f"key {number}")
    shown = yes(previewed(plane, "caisi", covers="everyone"))
    assert (shown.covered.organizations, shown.withheld) == (told, told == 0)
    assert shown.organizations == ()
    assert yes(previewed(plane, "oncd", covers="everyone")).covered.organizations == others


def test_an_exception_by_name_tells_an_agency_no_number_either(plane: Plane) -> None:
    for number in range(5):
        plane.credential(plane.admit(name=f"Example Holder {number}"), f"key {number}")
    shown = annexed(
        plane, "caisi", "Example Utility", covers="everyone", **{"except": {"annexes": ["listed"]}}
    )
    assert (shown.covered.organizations, shown.spared.organizations, shown.withheld) == (0, 0, True)


def test_the_developers_staff_is_told_every_name(plane: Plane) -> None:
    shown = yes(previewed(plane, "developer"))
    assert [each.name for each in shown.organizations] == ["example utility"]


@pytest.mark.parametrize("changes", [{}, {"surfaces": [CODEX]}, {"surfaces": ["nowhere"]}], ids=str)
def test_a_release_that_an_agency_may_not_know_of_is_none(plane: Plane, changes: dict[str, Any]) -> None:
    hidden, nothing = (
        previewed(plane, "caisi", models=[MODEL, model], **changes) for model in (HIDDEN, "atlas-9")
    )
    assert isinstance(hidden, Refusal)
    assert isinstance(nothing, Refusal)
    assert (hidden.code, hidden.message) == (nothing.code, nothing.message.replace("atlas-9", HIDDEN))
    assert not isinstance(previewed(plane, "oncd", models=[MODEL, HIDDEN]), Refusal)
