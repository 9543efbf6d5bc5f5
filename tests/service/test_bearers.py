"""Names in lists that another office wrote: matched, or shown with what may have been meant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import directives as acts
from sluicegate.core.lifecycle import Refusal
from sluicegate.service import preview
from sluicegate.service.ledger import Ledger
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from tests import worlds
from tests.plane import Plane, yes
from tests.worlds import API, MODEL, covering, directive_value

NAME = "O'Example-Brown Labs, Inc."
MATCHED = [
    NAME,
    "O\u2019Example-Brown Labs, Inc.",
    "O'Example\u2011Brown Labs, Inc.",
    "O'Example-Brown Labs Inc.",
    "o'EXAMPLE brown labs, inc",
]
LISTED = {
    "O'Example-Brown Labs, Inc. (a.k.a. OEB)": "",
    "O'\u0415x\u0430mple-Brown L\u0430bs, Inc.": "\u0415\u0430",
    "OExampel-Brown Labs": "",
}


class SpellingLedger(Ledger):
    """One of a build that went by how names are spelled."""

    def tags(self, name: str) -> tuple[str, ...]:
        return super().tags(name)[:1]


class Earlier(Plane):
    ledger_type: type[Ledger] = SpellingLedger

    def bring_up_to_date(self) -> None:
        self.ledger_type = Ledger
        self.restart()


def admitted(plane: Plane) -> Plane:
    plane.opened()
    plane.credential(plane.admit(name=NAME))
    return plane


@pytest.fixture
def plane() -> Plane:
    return admitted(Plane())


def previewed(plane: Plane, name: str, **changes: Any) -> acts.DirectivePreview:
    annexes = {"a": {"file": "a.csv", "digest": "sha256:" + "0" * 64}}
    value = directive_value(annexes=annexes, **{"covers": {"annexes": ["a"]}, **changes})
    names = {"a": acts.AnnexNames(organizations=(name,))}
    found: acts.DirectivePreview = yes(plane.do("oncd", acts.PREVIEW, text=json.dumps(value), annexes=names))
    return found


def annexed(plane: Plane, *names: str) -> acts.AcceptedDirective:
    """A directive over those that an annex names, who may be strangers."""
    value = {"organizations": list(names)}
    opened = {"annex.a": Opening(bytes(32), canonical.dumps(value))}
    stated = {"count": len(names), "commitment": opened["annex.a"].commitment("sealed", "annex.a")}
    signed = worlds.directive(directive_value(covers={"annexes": ["a"]}, annexes={"a": stated}))
    issued = yes(plane.issue(signed, opened))
    found: acts.AcceptedDirective = yes(preview.counted(plane.ledger, plane.who["oncd"], issued, opened))
    return found


def is_covered(plane: Plane, name: str = NAME) -> bool:
    with plane.ledger.reading() as state:
        (organization,) = plane.pseudonyms(name)
        return bool(covering(state.table, MODEL, API, organization))


@pytest.mark.parametrize("name", MATCHED)
def test_a_name_that_has_other_punctuation_is_covered(plane: Plane, name: str) -> None:
    shown = previewed(plane, name)
    assert (shown.covered.organizations, shown.unmatched, shown.unmatched_names) == (1, 0, ())
    assert plane.direct("d-1", [name]).covered.organizations == 1
    assert is_covered(plane)


@pytest.mark.parametrize("name", MATCHED)
def test_a_name_that_has_other_punctuation_is_excepted(plane: Plane, name: str) -> None:
    shown = previewed(plane, name, covers="everyone", **{"except": {"annexes": ["a"]}})
    assert (shown.covered.organizations, shown.spared.organizations, shown.unmatched) == (0, 1, 0)


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("part", ["covers", "except"])
def test_a_name_that_matches_no_one_is_listed_with_the_nearest(plane: Plane, name: str, part: str) -> None:
    changes = {part: {"annexes": ["a"]}} | ({"covers": "everyone"} if part == "except" else {})
    shown = previewed(plane, name, **changes)
    assert shown.spared.organizations == (part == "covers")
    (unmatched,) = shown.unmatched_names
    assert (unmatched.name, unmatched.listed, shown.unmatched) == (name, "annex.a", 1)
    assert unmatched.nearest == (NAME.lower(),)
    assert unmatched.look_alikes == LISTED[name]


def test_a_name_like_no_other_has_none_that_is_near(plane: Plane) -> None:
    (unmatched,) = previewed(plane, "Zyx").unmatched_names
    assert (unmatched.nearest, unmatched.look_alikes) == ((), "")


@pytest.mark.parametrize("name", LISTED)
def test_a_name_that_an_order_itself_misspells_is_refused_with_the_nearest(plane: Plane, name: str) -> None:
    value = directive_value(covers={"organizations": [name]})
    refused = plane.do("oncd", acts.PREVIEW, text=json.dumps(value))
    assert isinstance(refused, Refusal)
    assert refused.code == "organization_unknown"
    assert refused.remedy.startswith(f"similar names here: {NAME.lower()}; ")


def test_what_was_issued_says_which_of_its_names_match_no_one(plane: Plane) -> None:
    directed = annexed(plane, NAME, "Example Nobody")
    (unmatched,) = directed.unmatched_names
    assert (unmatched.name, unmatched.listed, directed.unmatched) == ("Example Nobody", "annex.a", 1)


@pytest.mark.parametrize("later", MATCHED)
def test_an_organization_that_comes_later_under_a_name_that_has_other_punctuation_is_covered(
    later: str,
) -> None:
    plane = Plane()
    plane.opened()
    annexed(plane, NAME)
    plane.credential(plane.admit(name=later))
    assert is_covered(plane, later)


@pytest.mark.parametrize("name", MATCHED)
def test_one_that_an_earlier_build_described_is_covered(name: str) -> None:
    plane = Earlier()
    admitted(plane)
    plane.bring_up_to_date()
    plane.direct("d-1", [name])
    assert is_covered(plane)


@pytest.mark.parametrize("later", MATCHED[:2])
def test_a_directive_of_an_earlier_build_covers_who_comes_under_its_spelling(later: str) -> None:
    plane = Earlier()
    plane.opened()
    annexed(plane, later)
    plane.bring_up_to_date()
    plane.credential(plane.admit(name=later))
    assert is_covered(plane, later)


def test_names_of_applicants_are_offered_to_no_agency_that_may_not_know_them() -> None:
    plane = Plane()
    plane.opened()
    plane.submit("rival", "Grid Secret Works")
    opened = {worlds.COVERED: worlds.opened_names(["Grid Secret Work"])}
    offered = {who: plane.do(who, acts.ISSUE, envelope={}, opened=opened).remedy for who in ("ostp", "caisi")}
    assert "similar names here: grid secret works" in offered["ostp"]
    assert "similar" not in offered["caisi"]
