"""Aliases and identifiers that organizations state: they cover, and except no one who comes later."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import applications
from sluicegate.acts import directives as acts
from sluicegate.core.access import versions
from sluicegate.service import preview
from sluicegate_record.entries.people import OrganizationDescribed
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from tests import worlds
from tests.plane import Plane, no, yes
from tests.worlds import API, MODEL, covering, directive_value

LEI, OTHER_LEI = "00000EXAMPLEUTILIT31", "00000EXAMPLELABS0163"
NAME, RIVAL = "Example Utility", "Example Rival"
FILE: dict[str, Any] = {
    "name": NAME,
    "registeredIn": "US",
    "aliases": ["EGU"],
    "lei": LEI,
    "registry": ["US-DE 12345"],
}
BY = ["lei:" + LEI.lower(), "registry:us-de 0012345", "E.G.U."]
IDENTIFIERS = BY[:2]
EVERYONE_BUT: dict[str, Any] = {"covers": "everyone", "except": {"annexes": ["a"]}}


def written(**changes: Any) -> str:
    given = {**FILE, **changes}
    return json.dumps({key: value for key, value in given.items() if value is not None})


BARE = {"aliases": None, "lei": None, "registry": None}


@pytest.fixture
def plane() -> Plane:
    made = Plane()
    made.opened()
    return made


def admit(plane: Plane, **changes: Any) -> str:
    grant = plane.admit(organization=written(**changes))
    plane.credential(grant, key=str(changes.get("name", NAME)))
    return grant


def issued(plane: Plane, *rows: str, name: str = "d-1", **changes: Any) -> acts.AcceptedDirective:
    opened = {"annex.a": Opening(bytes(32), canonical.dumps({"organizations": list(rows)}))}
    stated = {"count": len(rows), "commitment": opened["annex.a"].commitment("sealed", "annex.a")}
    value = directive_value(name, **{"covers": {"annexes": ["a"]}, "annexes": {"a": stated}, **changes})
    answer = yes(plane.issue(worlds.directive(value), opened))
    found: acts.AcceptedDirective = yes(preview.counted(plane.ledger, plane.who["developer"], answer, opened))
    return found


def previewed(plane: Plane, *rows: str, **changes: Any) -> acts.DirectivePreview:
    annexes = {"a": {"file": "a.csv", "digest": "sha256:" + "0" * 64}}
    value = directive_value("d-2", annexes=annexes, **{"covers": {"annexes": ["a"]}, **changes})
    names = {"a": acts.AnnexNames(organizations=rows)}
    found: acts.DirectivePreview = yes(plane.do("oncd", acts.PREVIEW, text=json.dumps(value), annexes=names))
    return found


def is_covered(plane: Plane, name: str = NAME) -> bool:
    with plane.ledger.reading() as state:
        (organization,) = plane.pseudonyms(name)
        return bool(covering(state.table, MODEL, API, organization))


@pytest.mark.parametrize("row", [*BY, "\n".join(["Example Stranger", *BY])])
def test_who_states_it_is_covered(plane: Plane, row: str) -> None:
    admit(plane)
    shown = previewed(plane, row)
    assert (shown.covered.organizations, shown.unmatched) == (1, 0)
    assert not is_covered(plane)
    done = issued(plane, row)
    assert done.covered is not None
    assert (done.covered.organizations, done.unmatched) == (1, 0)
    assert is_covered(plane)


@pytest.mark.parametrize("row", BY)
def test_who_states_it_later_is_covered(plane: Plane, row: str) -> None:
    assert issued(plane, row).unmatched == 1
    admit(plane)
    assert is_covered(plane)


@pytest.mark.parametrize("row", BY)
def test_a_restart_finds_the_same(plane: Plane, row: str) -> None:
    admit(plane)
    issued(plane, row)
    plane.restart()
    assert is_covered(plane)


@pytest.mark.parametrize("row", IDENTIFIERS)
def test_an_identifier_that_one_states_excepts_that_one(plane: Plane, row: str) -> None:
    admit(plane)
    assert previewed(plane, row, **EVERYONE_BUT).spared.organizations == 1
    issued(plane, row, **EVERYONE_BUT)
    assert not is_covered(plane)


@pytest.mark.parametrize("row", BY)
def test_who_states_it_after_an_exception_was_made_is_not_excepted(plane: Plane, row: str) -> None:
    """Or a customer would state what it wishes to be."""
    issued(plane, row, **EVERYONE_BUT)
    admit(plane)
    assert is_covered(plane)


@pytest.mark.parametrize("row", IDENTIFIERS)
def test_an_identifier_that_two_state_excepts_no_one_and_is_listed_with_both(plane: Plane, row: str) -> None:
    admit(plane)
    admit(plane, name=RIVAL)
    shown = previewed(plane, row, **EVERYONE_BUT)
    assert (shown.spared.organizations, shown.unmatched) == (0, 1)
    assert set(shown.unmatched_names[0].nearest) == {NAME.lower(), RIVAL.lower()}
    issued(plane, row, **EVERYONE_BUT)
    assert is_covered(plane)
    assert is_covered(plane, RIVAL)


def test_an_alias_excepts_no_one_and_is_listed_with_who_states_it(plane: Plane) -> None:
    admit(plane)
    shown = previewed(plane, "EGU", **EVERYONE_BUT)
    assert (shown.spared.organizations, shown.unmatched) == (0, 1)
    assert shown.unmatched_names[0].nearest == (NAME.lower(),)
    issued(plane, "EGU", **EVERYONE_BUT)
    assert is_covered(plane)


def test_a_legal_name_that_is_written_as_an_identifier_is_not_excepted_by_it(plane: Plane) -> None:
    name = f"lei:{LEI}"
    issued(plane, name, **EVERYONE_BUT)
    admit(plane, name=name, **BARE)
    assert is_covered(plane, name)


def test_another_identifier_names_no_one(plane: Plane) -> None:
    admit(plane)
    assert previewed(plane, f"lei:{OTHER_LEI}").unmatched == 1
    assert previewed(plane, f"lei:{OTHER_LEI}\n{NAME}").unmatched == 0


def test_a_directive_itself_names_by_an_identifier(plane: Plane) -> None:
    admit(plane)
    assert plane.direct("d-1", [f"lei:{LEI}"]).covered.organizations == 1
    unknown = [f"lei:{OTHER_LEI}"]
    signed = worlds.directive(directive_value("d-2", covers=worlds.committed(unknown)))
    assert no(plane.issue(signed, {worlds.COVERED: worlds.opened_names(unknown)})) == "organization_unknown"


# What an organization may state, and when


@pytest.mark.parametrize("changes", [BARE, {"lei": OTHER_LEI}, {"aliases": ["EGU", "Example"]}])
def test_once_decided_other_identifiers_need_an_amendment(plane: Plane, changes: dict[str, Any]) -> None:
    """Or the agencies would admit one file, and directives go by another."""
    admit(plane)
    again = {"surface": "codex"}
    assert no(plane.submit(organization=written(**changes), **again)) == "identifiers_differ"
    yes(plane.submit(organization=written(), **again))


def test_an_open_application_binds_too_and_one_that_was_withdrawn_does_not(plane: Plane) -> None:
    case = yes(plane.submit(organization=written(lei=OTHER_LEI))).application
    assert no(plane.submit(organization=written(), surface="codex")) == "identifiers_differ"
    yes(plane.do("applicant", applications.WITHDRAW, case=case))
    admit(plane)
    assert previewed(plane, f"lei:{OTHER_LEI}").unmatched == 1
    issued(plane, f"lei:{LEI}")
    assert is_covered(plane)


def test_an_approved_amendment_changes_them(plane: Plane) -> None:
    grant = admit(plane, **BARE)
    asked = {"grant": grant, "organization": written(), "file": "organization.yaml"}
    case = yes(plane.do("applicant", applications.AMEND, **asked)).application
    assert previewed(plane, BY[0]).unmatched == 1
    for agency in ("oncd", "ostp"):
        plane.say(case, agency)
    assert previewed(plane, BY[0]).unmatched == 0
    issued(plane, BY[0])
    assert is_covered(plane)


def test_who_gives_an_identifier_up_is_still_covered_where_it_was(plane: Plane) -> None:
    grant = admit(plane)
    issued(plane, BY[0])
    asked = {"grant": grant, "organization": written(**BARE), "file": "organization.yaml"}
    case = yes(plane.do("applicant", applications.AMEND, **asked)).application
    for agency in ("oncd", "ostp"):
        plane.say(case, agency)
    assert is_covered(plane)
    assert previewed(plane, BY[0]).unmatched == 1


# What status shows


def names_of(plane: Plane, who: str) -> acts.DirectiveNames:
    found: acts.DirectiveNames = yes(plane.do(who, acts.NAMES, directive="d-1"))
    return found


def test_status_lists_what_matches_no_one_until_it_does(plane: Plane) -> None:
    issued(plane, "Example Utilitie", NAME)
    admit(plane, **BARE)
    for who in ("oncd", "developer"):
        found = names_of(plane, who)
        (unmatched,) = found.unmatched_names
        assert (found.unmatched, unmatched.name, unmatched.nearest) == (
            1,
            "Example Utilitie",
            (NAME.lower(),),
        )
    admit(plane, name="Example Utilitie", **BARE)
    assert names_of(plane, "oncd").unmatched == 0


def test_only_its_issuer_and_the_developer_see_the_names_of_a_directive(plane: Plane) -> None:
    issued(plane, "Example Utilitie")
    assert names_of(plane, "ostp") == acts.DirectiveNames(directive="d-1", unmatched=None, unmatched_names=())


def test_an_exception_that_matches_no_one_is_said_when_it_is_issued(plane: Plane) -> None:
    admit(plane)
    done = issued(plane, "Example Utilitie", **EVERYONE_BUT)
    (exception,) = done.exceptions
    assert (exception.exception, exception.spares.credentials, done.unmatched) == ("annexes/a", 0, 1)


# The fold


def test_only_a_log_with_other_names_needs_a_gateway_that_knows_them(plane: Plane) -> None:
    admit(plane, **BARE)
    admit(plane, name=RIVAL)
    described = [
        each for each in plane.store.log.entries(0, 1_000) if isinstance(each.body, OrganizationDescribed)
    ]
    assert [versions.fold_version(each) for each in described] == [2, 11]


@pytest.mark.parametrize("row", IDENTIFIERS)
def test_who_only_applied_takes_no_exception_away_and_gets_none(plane: Plane, row: str) -> None:
    """Or a stranger would state the identifier of a hospital, and have its exception fail."""
    yes(plane.submit("rival", organization=written(name=RIVAL)))
    assert previewed(plane, row, **EVERYONE_BUT).spared.organizations == 0
    admit(plane)
    assert previewed(plane, row, **EVERYONE_BUT).spared.organizations == 1
    issued(plane, row, **EVERYONE_BUT)
    assert not is_covered(plane)
    assert is_covered(plane, RIVAL)
