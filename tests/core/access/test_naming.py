from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sluicegate.core.access import naming
from sluicegate.core.access.naming import NOBODY, Identification, Naming, VerifiedAssertion
from sluicegate.core.access.rows import CredentialRow, GrantRow, KeyState
from sluicegate.core.access.table import Table
from sluicegate.core.directives.cover import Whom
from sluicegate.core.people import persons
from sluicegate.core.people.persons import Claim, CredentialAttestation, Person
from sluicegate_record.directives.status import Assurance

SELF, ORGANIZATION = Assurance.SELF_ASSERTED, Assurance.ORGANIZATION
PROVIDER, CREDENTIAL = Assurance.IDENTITY_PROVIDER, Assurance.CREDENTIAL
ALICE, BOB, STRANGER = (persons.identifier(name) for name in ("alice", "bob", "stranger"))
US, OTHER, UNKNOWN = (frozenset({status}) for status in ("us_citizen", "other", "unknown"))


def person(name: str, *claims: Claim) -> Person:
    found = Person(name, "org-1")
    for claim in claims:
        found.claim(claim)
    return found


def provider(kid: str) -> Any:
    """A provider of whom only its keys' names are looked at."""
    return SimpleNamespace(keys={kid})


def by_organization(status: str, until_ms: int | None = None) -> Claim:
    return Claim("org", status, ORGANIZATION, until_ms)


@pytest.fixture
def table() -> Table:
    """Alice is a citizen says her employer, of Bob nobody said anything."""
    table = Table()
    alice, bob = person("mem_a", by_organization("us_citizen")), person("mem_b")
    table.people = {"mem_a": alice, "mem_b": bob}
    table.registry = {"org-1": {ALICE: alice, BOB: bob}, "org-2": {STRANGER: person("mem_s")}}
    table.providers = {
        "org-1": {"idp": provider("k1")},
        "org-2": {"other": provider("k2")},
    }
    return table


def credential(member: Person | None = None, attested: CredentialAttestation | None = None) -> CredentialRow:
    grant = GrantRow("g", "org-1", "r", "s", "api", "t", {"m": "up"}, 0, None, None)
    return CredentialRow("cred", grant, member, KeyState(attested=attested))


def known(
    named: Naming, table: Table, used: CredentialRow | None = None, *, early_ms: int = 5, late_ms: int = 5
) -> Identification:
    return naming.known(named, used or credential(), "m", table, early_ms, late_ms)


def attested(*excluded: str, models: set[str] | None = None, until_ms: int = 10) -> CredentialAttestation:
    return CredentialAttestation(US, frozenset(models) if models else None, frozenset(excluded), until_ms)


# Who is named


@pytest.mark.parametrize("about", ["cred", "g"])
def test_what_an_organization_declares_to_name_no_one_names_no_one(table: Table, about: str) -> None:
    table.unnaming.add(about)
    bound = credential(table.people["mem_a"])
    assert known(Naming((STRANGER,)), table, bound) == known(NOBODY, table, bound)
    signed = Naming(signed=VerifiedAssertion("idp", "k1", ALICE, None))
    assert known(signed._replace(identifiers=(STRANGER,)), table) == known(signed, table)
    assert known(Naming((STRANGER,)), table).whoms == (Whom(None, UNKNOWN, SELF, "declared_none"),)
    assert naming.members(Naming((STRANGER,)), bound, table) == ("mem_a",)


def test_a_declaration_makes_no_one_who_is_named_unknown(table: Table) -> None:
    """Nor does it help where a request names someone in another way, or no one is known."""
    bound = credential(table.people["mem_a"])
    before = [
        known(named, table, bound)
        for named in (
            Naming((BOB,)),
            Naming((), is_unclear=True),
            Naming((), is_forged=True),
            Naming((), is_session=True),
        )
    ]
    table.unnaming.add("cred")
    assert before == [
        known(named, table, bound)
        for named in (
            Naming((BOB, STRANGER)),
            Naming((STRANGER,), is_unclear=True),
            Naming((STRANGER,), is_forged=True),
            Naming((STRANGER,), is_session=True),
        )
    ]


def test_a_declaration_is_of_its_own_key_or_grant(table: Table) -> None:
    table.unnaming |= {"other", "org-1"}
    assert known(Naming((STRANGER,)), table).whoms[0].why == "not_registered"


def test_what_is_attested_of_a_key_counts_where_no_one_is_named(table: Table) -> None:
    table.unnaming.add("cred")
    used = credential(attested=attested())
    assert known(Naming((STRANGER,)), table, used) == known(NOBODY, table, used)
    excluding = credential(attested=attested("mem_b"))
    assert known(Naming((STRANGER,)), table, excluding).whoms[0].statuses == UNKNOWN


def test_nobody_is_somebody_unknown(table: Table) -> None:
    assert known(NOBODY, table) == Identification((Whom(None, UNKNOWN, SELF, "not_named"),), None)


def test_the_member_of_a_key_is_named_by_it(table: Table) -> None:
    table.people["mem_a"].claim(Claim("idp", "us_citizen", PROVIDER, None))
    found = known(NOBODY, table, credential(table.people["mem_a"]))
    assert found == Identification((Whom("mem_a", US, PROVIDER),), None)


def test_an_identifier_is_the_word_of_the_organizations_application(table: Table) -> None:
    table.people["mem_a"].claim(Claim("idp", "us_citizen", PROVIDER, None))
    assert known(Naming((ALICE,)), table).whoms == (Whom("mem_a", US, ORGANIZATION),)


def test_the_weaker_of_claim_and_naming_counts(table: Table) -> None:
    signed = Naming(signed=VerifiedAssertion("idp", "k1", ALICE, None))
    assert known(signed, table).whoms == (Whom("mem_a", US, ORGANIZATION),)
    table.people["mem_a"].claim(Claim("idp", "us_citizen", PROVIDER, None))
    assert known(signed, table).whoms == (Whom("mem_a", US, PROVIDER),)


def test_everyone_named_counts(table: Table) -> None:
    """A colleague's identifier beside one's own key helps nobody."""
    found = known(Naming((ALICE, STRANGER)), table, credential(table.people["mem_b"]))
    assert [whom.person for whom in found.whoms] == ["mem_b", "mem_a", None]
    assert [whom.why for whom in found.whoms] == ["not_claimed", "", "not_registered"]
    assert not found.has_person
    assert known(Naming((ALICE,)), table, credential(table.people["mem_b"])).has_person


def test_a_member_of_another_organization_is_nobodys_colleague(table: Table) -> None:
    assert known(Naming((STRANGER,)), table).whoms == (Whom(None, UNKNOWN, SELF, "not_registered"),)


@pytest.mark.parametrize(
    "signed",
    [
        VerifiedAssertion("idp", "k2", ALICE, None),
        VerifiedAssertion("other", "k2", ALICE, None),
        VerifiedAssertion("idp", "", ALICE, None),
        VerifiedAssertion("idp", "k1", ALICE, "cred-2"),
        VerifiedAssertion("idp", "k1", ALICE, ""),
    ],
    ids=["another's key", "another's provider", "no key", "for another credential", "for none"],
)
def test_an_assertion_that_does_not_hold_names_somebody_unknown(
    table: Table, signed: VerifiedAssertion
) -> None:
    found = known(Naming(signed=signed), table, credential(attested=attested()))
    assert found.whoms == (Whom(None, UNKNOWN, SELF, "assertion_invalid"),)


def test_an_assertion_for_this_credential_holds(table: Table) -> None:
    assert known(Naming(signed=VerifiedAssertion("idp", "k1", ALICE, "cred")), table).has_person


def test_a_forged_assertion_names_somebody_unknown_beside_those_named(table: Table) -> None:
    found = known(Naming((ALICE,), is_forged=True), table, credential(attested=attested()))
    assert found.whoms[0] == Whom(None, UNKNOWN, SELF, "assertion_invalid")
    assert len(found.whoms) == 2
    assert not found.has_person


# What is attested of everyone able to reach a key


@pytest.mark.parametrize("named", [NOBODY, Naming((STRANGER,))])
def test_an_attestation_stands_in_where_nobody_is_known(table: Table, named: Naming) -> None:
    found = known(named, table, credential(attested=attested()))
    assert found == Identification((Whom(None, US, CREDENTIAL),), 10)
    assert not found.has_person


def test_an_attestation_with_exclusions_says_nothing_of_who_keeps_silent(table: Table) -> None:
    used = credential(attested=attested("mem_b"))
    assert known(NOBODY, table, used).whoms == (Whom(None, UNKNOWN, SELF, "not_named"),)
    assert known(Naming((BOB,)), table, used).whoms == (Whom("mem_b", UNKNOWN, SELF, "not_claimed"),)


def test_an_attestation_with_exclusions_speaks_of_a_member_it_does_not_exclude(table: Table) -> None:
    used = credential(attested=attested("mem_a"))
    assert known(Naming((BOB,)), table, used).whoms == (Whom("mem_b", US, ORGANIZATION),)


@pytest.mark.parametrize(
    ("said", "late_ms"),
    [(attested(models={"other"}), 5), (attested(until_ms=5), 5), (attested(until_ms=1), 5)],
)
def test_an_attestation_that_has_ended_or_is_of_another_model_says_nothing(
    table: Table, said: CredentialAttestation, late_ms: int
) -> None:
    assert known(NOBODY, table, credential(attested=said)).whoms == (Whom(None, UNKNOWN, SELF, "not_named"),)


def test_what_is_claimed_of_a_member_goes_before_what_is_attested(table: Table) -> None:
    table.people["mem_b"].claim(by_organization("other"))
    found = known(Naming((BOB,)), table, credential(attested=attested()))
    assert found.whoms == (Whom("mem_b", OTHER, ORGANIZATION),)


def test_the_word_of_a_member_alone_does_not_undo_what_is_attested(table: Table) -> None:
    table.people["mem_b"].claim(Claim("self", "other", SELF, None))
    found = known(Naming((BOB,)), table, credential(attested=attested()))
    assert found.whoms == (Whom("mem_b", US | OTHER | UNKNOWN, ORGANIZATION, "disagreeing"),)
    table.people["mem_b"].claim(Claim("self", "us_citizen", SELF, None))
    assert known(Naming((BOB,)), table, credential(attested=attested())).whoms == (
        Whom("mem_b", US, ORGANIZATION),
    )


# Time


def test_until_is_the_first_end_of_anything_it_rests_on(table: Table) -> None:
    table.people["mem_a"].claim(by_organization("us_citizen", 9))
    assert known(Naming((ALICE,)), table).until_ms == 9
    assert known(Naming((ALICE, STRANGER)), table, credential(attested=attested(until_ms=7))).until_ms == 7
    assert known(Naming((BOB,)), table).until_ms is None


def test_what_ends_between_the_bounds_counts_on_both_sides(table: Table) -> None:
    table.people["mem_a"].claim(by_organization("us_citizen", 6))
    found = known(Naming((ALICE,)), table, early_ms=5, late_ms=6)
    assert [whom.statuses for whom in found.whoms] == [UNKNOWN, US]
    found = known(NOBODY, table, credential(attested=attested(until_ms=6)), early_ms=5, late_ms=6)
    assert [whom.statuses for whom in found.whoms] == [UNKNOWN, US]
    assert found.until_ms is None
