from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts import cases
from sluicegate.acts import tokens as acts
from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, GATEWAY
from sluicegate.acts.tokens import TokenRequest
from sluicegate.core.access import apikey
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import Unauthorized
from sluicegate.http import bearer
from sluicegate.ports import Principal
from sluicegate.service import tokens
from tests import worlds
from tests.plane import Plane, no, yes


@pytest.fixture
def plane() -> Plane:
    return Plane()


@pytest.mark.parametrize(
    ("role", "party"),
    [(DEVELOPER, None), (APPLICANT, None), (GATEWAY, None), (AGENCY, "oncd")],
)
def test_a_token_is_made_for_a_role(plane, role, party):
    made = yes(issued(plane, role, "somebody", party))
    assert apikey.is_well_formed(made.token, apikey.TOKEN_PREFIX)
    found = bearer.authenticate(plane.store.principals, made.token)
    assert (found.id, found.role, found.name, found.party) == (made.principal, role, "somebody", party)


def test_no_two_tokens_are_alike(plane):
    made = [yes(issued(plane, APPLICANT, f"one-{i}")) for i in range(5)]
    assert len({each.token for each in made}) == len({each.principal for each in made}) == 5


def issued(plane: Plane, role: str, name: str, party: str | None = None, *, replace: bool = False) -> Any:
    return plane.do("developer", acts.ISSUE, role=role, name=name, party=party, replace=replace)


def valid(plane: Plane, token: str) -> bool:
    return plane.store.principals.by_token(apikey.digest(token)) is not None


def states(plane: Plane) -> dict[str, str]:
    return {each.name: each.state for each in yes(plane.do("developer", acts.LIST)).tokens}


def test_a_role_and_a_name_are_of_one_principal(plane):
    made = yes(issued(plane, APPLICANT, "same"))
    refused = issued(plane, APPLICANT, "same")
    assert no(refused) == "token_exists"
    assert made.principal in refused.message
    assert "--replace" in refused.remedy
    assert valid(plane, made.token)
    assert yes(issued(plane, GATEWAY, "same")).principal != made.principal


def test_another_token_is_of_the_same_principal_and_ends_the_one_before(plane):
    first = plane.tokens["oncd"]
    made = yes(issued(plane, AGENCY, "oncd", "oncd", replace=True))
    assert not valid(plane, first)
    assert bearer.authenticate(plane.store.principals, made.token) == plane.who["oncd"]


@pytest.mark.parametrize(
    ("role", "name", "party"),
    [(AGENCY, "nobody", "oncd"), (AGENCY, "oncd", "ostp"), (GATEWAY, "oncd", None)],
)
def test_what_is_not_there_is_not_replaced(plane, role, name, party):
    before = list(plane.store.principals.all())
    assert no(issued(plane, role, name, party, replace=True)) == "token_unknown"
    assert list(plane.store.principals.all()) == before


def test_of_two_principals_with_one_name_none_is_replaced(plane):
    """An earlier build could make them."""
    for number in (1, 2):
        plane.store.principals.add(bytes([number]) * 32, Principal(f"gateway_{number}", GATEWAY, "twice"))
    assert no(issued(plane, GATEWAY, "twice", replace=True)) == "token_ambiguous"
    assert plane.store.principals.by_token(b"\x01" * 32) is not None


def test_a_revoked_token_ends_and_its_principal_keeps_its_cases(plane):
    plane.opened()
    case = yes(plane.submit()).application
    for _ in range(2):
        ended = yes(plane.do("developer", acts.REVOKE, principal=plane.who["applicant"].id))
        assert (ended.name, ended.state) == ("applicant", "ended")
        with pytest.raises(Unauthorized) as caught:
            bearer.authenticate(plane.store.principals, plane.tokens["applicant"])
        assert caught.value.code == "token_unknown"
    assert (states(plane)["applicant"], states(plane)["oncd"]) == ("ended", "valid")
    again = yes(issued(plane, APPLICANT, "applicant", replace=True))
    holder = bearer.authenticate(plane.store.principals, again.token)
    assert yes(plane.do(holder, cases.SHOW, case=case)).case == case
    assert states(plane)["applicant"] == "valid"


def test_no_one_revokes_the_token_in_use_or_one_that_is_not_there(plane):
    def revoked(principal: str) -> str:
        return no(plane.do("developer", acts.REVOKE, principal=principal))

    assert revoked(plane.who["developer"].id) == "token_in_use"
    assert revoked("gateway_9") == "token_unknown"
    known = plane.store.principals
    person = bearer.authenticate(known, tokens.link(plane.ledger, known, "mem_1"))
    assert revoked(person.id) == "token_unknown"
    assert set(states(plane).values()) == {"valid"}
    assert "mem_1" not in states(plane)


@pytest.mark.parametrize(
    ("role", "party", "code"),
    [
        ("admin", None, "role_unknown"),
        ("", None, "role_unknown"),
        ("Developer", None, "role_unknown"),
        (AGENCY, None, "party_unknown"),
        (AGENCY, "commerce", "party_unknown"),
        (AGENCY, "", "party_unknown"),
        (AGENCY, worlds.DEVELOPER, "party_unknown"),  # the developer is no agency
        (DEVELOPER, "oncd", "party_unknown"),
        (APPLICANT, "oncd", "party_unknown"),
        (GATEWAY, worlds.DEVELOPER, "party_unknown"),
    ],
)
def test_what_is_no_role_or_no_party_is_refused(plane, role, party, code):
    before = list(plane.store.principals.all())
    refused = tokens.issue(plane.ledger, TokenRequest(role=role, name="somebody", party=party))
    assert isinstance(refused, Refusal)
    assert refused.code == code
    assert list(plane.store.principals.all()) == before


def test_a_token_is_kept_before_it_counts(plane):
    """Whoever could not ask for another one has it in hand when it becomes valid."""
    seen: list[bool] = []

    def keep(token: str) -> None:
        seen.append(plane.store.principals.by_token(apikey.digest(token)) is not None)

    made = yes(tokens.issue(plane.ledger, TokenRequest(role=DEVELOPER, name="somebody"), keep))
    assert seen == [False]
    assert bearer.authenticate(plane.store.principals, made.token).name == "somebody"


def test_a_token_is_in_no_entry(plane):
    yes(issued(plane, APPLICANT, "somebody"))
    assert b"sgt_" not in b"".join(plane.store.log.leaves(0, 1_000))


def test_a_token_that_is_rotated_counts_beside_the_new_one_for_the_overlap(plane):
    first = plane.tokens["oncd"]
    asked = {"role": AGENCY, "name": "oncd", "party": "oncd", "replace": True}
    made = yes(plane.do("developer", acts.ISSUE, **asked, overlap="P1D"))
    assert valid(plane, first)
    assert valid(plane, made.token)
    (row,) = [each for each in yes(plane.do("developer", acts.LIST)).tokens if each.name == "oncd"]
    assert (row.state, row.created_ms) == ("valid", plane.ledger.now_ms())
    yes(plane.do("developer", acts.REVOKE, principal=made.principal))
    assert not valid(plane, first)
    assert not valid(plane, made.token)


@pytest.mark.parametrize(
    ("overlap", "replace"), [("P8D", True), ("PT0S", True), ("an hour", True), ("PT1H", False)]
)
def test_an_overlap_is_of_a_token_that_is_replaced_and_at_most_a_week(plane, overlap, replace):
    asked = {"role": AGENCY, "name": "oncd", "party": "oncd", "replace": replace, "overlap": overlap}
    assert no(plane.do("developer", acts.ISSUE, **asked)) == "overlap_wrong"
