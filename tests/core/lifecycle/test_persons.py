from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from sluicegate.acts.members import IDENTIFIERS_MAX, ROWS_MAX
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.persons import (
    SELF,
    ClaimStatus,
    MemberRegistration,
    RegisterMembers,
    RemoveMembers,
    RevokeClaim,
    StatusClaim,
)
from sluicegate.core.people import persons
from sluicegate.core.people.members import PART_ROWS
from sluicegate.core.people.persons import METHOD_MAX, identifier, standing
from sluicegate_record.directives.status import UNKNOWN, Assurance
from tests.forging import gate_value
from tests.worlds import AT_MS, DAY_MS, World

CITIZEN = StatusClaim("us_citizen", Assurance.ORGANIZATION, "document-seen")
LONGEST = StatusClaim("us_permanent_resident", Assurance.SELF_ASSERTED, "x" * METHOD_MAX, AT_MS + DAY_MS)


@pytest.fixture
def world() -> World:
    made = World.opened()
    for organization in ("org-1", "org-2"):
        made.admit(organization)
    return made


def row(*names: str, member: str | None = None, said: StatusClaim | None = None) -> MemberRegistration:
    return MemberRegistration(tuple(identifier(name) for name in names), member, said)


def register(
    world: World, *rows: MemberRegistration, organization: str = "org-1", is_update: bool = False
) -> list[str]:
    members: list[str] = world.must(RegisterMembers(organization, rows, is_update))["members"]
    return members


def standing_of(world: World, member: str) -> persons.Standing:
    return standing(world.state.table.people[member].claims, world.now_ms)


# Members


def test_members_are_known_by_their_identifiers_and_to_nobody_else(world):
    ada, ben = register(world, row("ada", "ada@example.org"), row("ben"))
    registry = world.state.table.registry
    assert {person.id for person in registry["org-1"].values()} == {ada, ben}
    assert registry["org-1"][identifier("ada@example.org")].id == ada
    assert "org-2" not in registry
    entry = world.entries[-1]
    assert (entry.type, dict(entry.public)) == ("members.registered", {})
    assert b"ada" not in entry.leaf


def test_the_same_identifier_is_another_person_in_another_organization(world):
    (mine,) = register(world, row("ada", said=CITIZEN))
    (theirs,) = register(world, row("ada"), organization="org-2")
    assert mine != theirs
    assert standing_of(world, theirs).statuses == UNKNOWN


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ((), "rows_out_of_range"),
        ((row(),) * (ROWS_MAX + 1), "rows_out_of_range"),
        ((row("new"), row("ada")), "identifier_taken"),
        ((row("new", "ada"),), "identifier_taken"),
        ((row("new"), row("new")), "identifier_twice"),
        ((row("new", "other"), row("third", "new")), "identifier_twice"),
        ((row("new", "new"),), "identifier_twice"),
        ((row("new", member="mem_nobody"),), "member_unknown"),
        ((row(*(f"new-{n}" for n in range(IDENTIFIERS_MAX + 1))),), "too_many_identifiers"),
        ((row("new", said=StatusClaim("citizen")),), "status_unknown"),
        ((row("new", said=StatusClaim("other", Assurance.IDENTITY_PROVIDER)),), "assurance_not_yours"),
        ((row("new", said=StatusClaim("other", Assurance.CREDENTIAL)),), "assurance_not_yours"),
        ((row("new", said=StatusClaim("other", method="Passport X1234567")),), "method_invalid"),
        ((row("new", said=StatusClaim("other", method="x" * 41)),), "method_invalid"),
        ((row("new", said=StatusClaim("other", method="")),), "method_invalid"),
        ((row("new", said=StatusClaim("other", until_ms=AT_MS)),), "until_passed"),
    ],
)
def test_rows_that_may_not_stand_leave_no_trace(world, rows, code):
    register(world, row("ada"))
    assert world.refused(RegisterMembers("org-1", rows)) == code
    assert len(world.state.table.people) == 1


def test_a_refusal_says_which_row_and_whose_it_is(world):
    (ada,) = register(world, row("ada"))
    refusal: Any = world.do(RegisterMembers("org-1", [row("x"), row("y"), row("ada")]))
    assert refusal.message == f"row 3: an identifier of it is that of the member {ada!r}"
    twice: Any = world.do(RegisterMembers("org-1", [row("x"), row("y"), row("x")]))
    assert twice.message == "row 3: whom it names row 1 names too"


def test_a_member_of_another_organization_gets_no_identifier(world):
    (theirs,) = register(world, row("eve"), organization="org-2")
    assert world.refused(RegisterMembers("org-1", [row("ada", member=theirs)])) == "member_unknown"


def test_a_known_member_gets_another_identifier_and_no_identifier_changes_hands(world):
    ada, ben = register(world, row("ada"), row("ben"))
    assert register(world, row("ada@example.org", member=ada)) == [ada]
    assert world.state.table.registry["org-1"][identifier("ada@example.org")].id == ada
    assert world.refused(RegisterMembers("org-1", [row("ben", member=ada)])) == "identifier_taken"
    both = [row("a", member=ada), row("b", member=ada)]
    assert world.refused(RegisterMembers("org-1", both)) == "identifier_twice"
    assert world.state.registry.members["org-1"][ben] == (identifier("ben"),)


def test_an_update_is_about_whoever_is_known_and_writes_only_what_is_new(world):
    (ada,) = register(world, row("ada", said=CITIZEN))
    size = world.state.size
    assert register(world, row("ada", said=CITIZEN), is_update=True) == [ada]
    assert world.state.size == size
    other = dataclasses.replace(CITIZEN, method="i-9")
    found = register(world, row("ada", said=other), row("ben", said=CITIZEN), is_update=True)
    assert found[0] == ada
    assert world.types(size) == ["members.registered", "status.claimed"]
    assert len(gate_value(world.entries[-1], "claims")) == 2


def test_an_update_that_joins_two_members_is_refused(world):
    register(world, row("ada"), row("ben"))
    assert world.refused(RegisterMembers("org-1", [row("ada", "ben")], is_update=True)) == "identifier_taken"


def test_thousands_of_rows_are_one_command_in_several_entries(world):
    size = world.state.size
    ids = [[f"person-{n}", *(f"{n}-{one}" for one in range(IDENTIFIERS_MAX - 1))] for n in range(ROWS_MAX)]
    rows = [row(*(names if n < PART_ROWS else names[:1]), said=LONGEST) for n, names in enumerate(ids)]
    assert len(set(register(world, *rows))) == ROWS_MAX
    written = world.entries[size:]
    assert len(written) == 2 * ROWS_MAX // PART_ROWS
    assert {entry.id for entry in written} == {written[0].id}
    for entry in written:
        assert all(len(opened.body) <= 524_288 for opened in entry.gate.values())
    known = world.state.table.registry["org-1"]
    assert len(known) == ROWS_MAX + PART_ROWS * (IDENTIFIERS_MAX - 1)


def test_a_key_bound_to_a_member_ends_with_them_and_a_colleagues_does_not(world):
    ada, ben = register(world, row("ada"), row("ben"))
    grant = next(iter(world.state.table.grants_by_id))
    issued = {
        member: world.must(IssueCredential(grant, f"{n:064x}", member))["credential"]
        for n, member in enumerate((ada, ben))
    }
    _, shared = world.credential(grant)
    size = world.state.size
    assert world.must(RemoveMembers("org-1", [ada]))["revoked"] == [issued[ada]]
    assert world.types(size) == ["credential.revoked", "members.removed"]
    assert world.state.table.credentials_by_id[issued[ada]].state.revoked
    assert not world.state.table.credentials_by_id[issued[ben]].state.revoked
    assert not world.state.table.credentials_by_id[shared].state.revoked
    assert identifier("ada") not in world.state.table.registry["org-1"]
    assert world.refused(RemoveMembers("org-1", [ada])) == "member_unknown"
    assert register(world, row("ada")) != [ada]


@pytest.mark.parametrize("members", [[], ["mem_nobody"], ["mem_x"] * (ROWS_MAX + 1)])
def test_nobody_is_removed_who_is_not_there(world, members):
    code = "member_unknown" if members == ["mem_nobody"] else "rows_out_of_range"
    assert world.refused(RemoveMembers("org-1", members)) == code


def test_a_member_of_another_organization_is_neither_removed_nor_given_a_key(world):
    (eve,) = register(world, row("eve"), organization="org-2")
    (ada,) = register(world, row("ada"))
    assert world.refused(RemoveMembers("org-1", [ada, eve])) == "member_unknown"
    grant = next(iter(world.state.table.grants_by_id.values()))
    assert grant.organization == "org-1"
    assert world.refused(IssueCredential(grant.id, "0" * 64, eve)) == "member_unknown"


# Claims


def test_a_claim_says_how_but_only_to_people(world):
    (ada,) = register(world, row("ada"))
    world.must(ClaimStatus(ada, "org-1", dataclasses.replace(CITIZEN, until_ms=AT_MS + DAY_MS)))
    found = standing_of(world, ada)
    assert found.statuses == {"us_citizen"}
    assert found.assurance is Assurance.ORGANIZATION
    assert world.state.registry.told[ada]["org-1"].method == "document-seen"
    assert dict(world.entries[-1].public) == {}
    world.now_ms += DAY_MS
    assert standing_of(world, ada).why == "expired"


def test_a_person_who_says_otherwise_makes_the_status_unknown_until_it_is_settled(world):
    (ada,) = register(world, row("ada", said=CITIZEN))
    world.must(ClaimStatus(ada, SELF, StatusClaim("other", Assurance.SELF_ASSERTED)))
    assert standing_of(world, ada).why == "disagreeing"
    world.must(ClaimStatus(ada, "org-1", dataclasses.replace(CITIZEN, status="other")))
    assert standing_of(world, ada).statuses == {"other"}
    world.must(RevokeClaim(ada, SELF))
    assert [claim.issuer for claim in world.state.table.people[ada].claims] == ["org-1"]


@pytest.mark.parametrize(
    ("issuer", "said", "code"),
    [
        (SELF, StatusClaim("us_citizen", Assurance.ORGANIZATION), "assurance_not_yours"),
        (SELF, StatusClaim("us_citizen", Assurance.CREDENTIAL), "assurance_not_yours"),
        ("org-1", StatusClaim("us_citizen", Assurance.IDENTITY_PROVIDER), "assurance_not_yours"),
        ("org-2", CITIZEN, "member_unknown"),
        ("idp_x", CITIZEN, "member_unknown"),
        ("", CITIZEN, "member_unknown"),
        ("org-1", StatusClaim("alien"), "status_unknown"),
        ("org-1", StatusClaim("other", until_ms=AT_MS - 1), "until_passed"),
    ],
)
def test_nobody_claims_what_is_not_theirs_to_claim(world, issuer, said, code):
    (ada,) = register(world, row("ada"))
    assert world.refused(ClaimStatus(ada, issuer, said)) == code
    assert standing_of(world, ada).why == "not_claimed"


def test_claiming_and_revoking_twice_is_done_once(world):
    (ada,) = register(world, row("ada"))
    for command in (ClaimStatus(ada, "org-1", CITIZEN), RevokeClaim(ada, "org-1")):
        world.must(command)
        size = world.state.size
        world.must(command)
        assert world.state.size == size


def test_nobody_is_claimed_or_revoked_who_is_not_there(world):
    assert world.refused(ClaimStatus("mem_x", SELF, CITIZEN)) == "member_unknown"
    assert world.refused(RevokeClaim("mem_x", SELF)) == "member_unknown"
