from __future__ import annotations

import pytest

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, GATEWAY
from sluicegate.core.access import apikey
from sluicegate.core.lifecycle import Refusal
from sluicegate.service import access, tokens
from tests import worlds
from tests.plane import Plane, yes


@pytest.fixture
def plane() -> Plane:
    return Plane()


@pytest.mark.parametrize(
    ("role", "party"),
    [(DEVELOPER, None), (APPLICANT, None), (GATEWAY, None), (AGENCY, "oncd")],
)
def test_a_token_is_made_for_a_role(plane, role, party):
    made = yes(tokens.issue(plane.ledger, role, "somebody", party))
    assert apikey.is_well_formed(made.token, apikey.TOKEN_PREFIX)
    found = access.authenticate(plane.store.principals, made.token)
    assert (found.id, found.role, found.name, found.party) == (made.principal, role, "somebody", party)


def test_no_two_tokens_are_alike(plane):
    made = [yes(tokens.issue(plane.ledger, APPLICANT, "same")) for _ in range(5)]
    assert len({each.token for each in made}) == len({each.principal for each in made}) == 5


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
    refused = tokens.issue(plane.ledger, role, "somebody", party)
    assert isinstance(refused, Refusal)
    assert refused.code == code
    assert list(plane.store.principals.all()) == before


def test_a_token_is_kept_before_it_counts(plane):
    """Whoever could not ask for another one has it in hand when it becomes valid."""
    seen: list[bool] = []

    def keep(token: str) -> None:
        seen.append(plane.store.principals.by_token(apikey.digest(token)) is not None)

    made = yes(tokens.issue(plane.ledger, DEVELOPER, "somebody", keep=keep))
    assert seen == [False]
    assert access.authenticate(plane.store.principals, made.token).name == "somebody"


def test_a_token_is_in_no_entry(plane):
    tokens.issue(plane.ledger, APPLICANT, "somebody")
    assert b"sgt_" not in b"".join(plane.store.log.leaves(0, 1_000))
