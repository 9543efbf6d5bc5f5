from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.people import persons
from sluicegate.core.people.persons import Assurance, Claim, Person, Standing, standing, standings

SELF, ORGANIZATION, PROVIDER = Assurance.SELF_ASSERTED, Assurance.ORGANIZATION, Assurance.IDENTITY_PROVIDER


def claim(
    status: str = "other",
    issuer: str = "org",
    assurance: Assurance = ORGANIZATION,
    until_ms: int | None = None,
) -> Claim:
    return Claim(issuer, status, assurance, until_ms)


def known(
    *statuses: str, assurance: Assurance = ORGANIZATION, until_ms: int | None = None, why: str = ""
) -> Standing:
    return Standing(frozenset(statuses), assurance, until_ms, why)


# A person's claims


def test_a_newer_claim_takes_the_place_of_the_same_issuers() -> None:
    person = Person("mem_1", "org-1")
    person.claim(claim("us_citizen"))
    person.claim(claim("other", "self"))
    person.claim(claim("other"))
    assert person.claims == (claim("other", "self"), claim("other"))


def test_a_revoked_claim_is_forgotten_and_no_other_one() -> None:
    person = Person("mem_1", "org-1")
    person.claim(claim(issuer="self"))
    person.claim(claim(issuer="org"))
    person.revoke("self")
    person.revoke("nobody")
    assert [each.issuer for each in person.claims] == ["org"]


# What claims come to


def test_nothing_claimed_is_unknown() -> None:
    assert standing((), 5) == known("unknown", assurance=SELF, why="not_claimed")


def test_a_claim_is_what_is_known_until_it_ends() -> None:
    claims = [claim(until_ms=10)]
    assert standing(claims, 9) == known("other", until_ms=10)
    assert standing(claims, 10) == known("unknown", assurance=SELF, why="expired")


def test_claims_that_agree_are_as_good_as_the_best_of_them_until_the_first_ends() -> None:
    claims = [
        claim(until_ms=10),
        claim(issuer="idp", assurance=PROVIDER, until_ms=20),
        claim(issuer="self", assurance=SELF),
    ]
    assert standing(claims, 9) == known("other", assurance=PROVIDER, until_ms=10)
    assert standing(claims, 10) == known("other", assurance=PROVIDER, until_ms=20)
    assert standing(claims, 20) == known("other", assurance=SELF)


def test_claims_that_differ_are_any_of_them_and_unknown() -> None:
    claims = [claim("other"), claim("us_citizen", "self", SELF)]
    assert standing(claims, 5) == known("other", "us_citizen", "unknown", why="disagreeing")
    claims = [claim("other"), claim("unknown", "self", SELF)]
    assert standing(claims, 5) == known("other", "unknown", why="disagreeing")


def test_who_says_unknown_says_what_would_settle_it() -> None:
    assert standing([claim("unknown")], 5) == known("unknown", why="said_unknown")


def test_every_reason_says_what_settles_it() -> None:
    for claims in ([], [claim(until_ms=1)], [claim("unknown")], [claim(), claim("us_citizen", "self")]):
        assert persons.SETTLED_BY[standing(claims, 5).why]


# At both bounds of the time


@pytest.mark.parametrize(
    ("early_ms", "late_ms", "count"), [(5, 9, 1), (5, 10, 2), (9, 10, 2), (10, 10, 1), (9, 9, 1)]
)
def test_a_claim_that_ends_between_the_bounds_counts_on_both_sides(
    early_ms: int, late_ms: int, count: int
) -> None:
    found = standings([claim(until_ms=10)], early_ms, late_ms)
    assert len(found) == count
    assert found[0] == standing([claim(until_ms=10)], late_ms)
    assert found[-1] == standing([claim(until_ms=10)], early_ms)


claims = st.lists(
    st.builds(
        Claim,
        st.sampled_from(["self", "org", "idp"]),
        st.sampled_from(persons.STATUSES),
        st.sampled_from(Assurance),
        st.none() | st.integers(0, 10),
    ),
    max_size=3,
    unique_by=lambda each: each.issuer,
)


@given(claims, st.integers(0, 10))
def test_nothing_changes_before_the_time_at_which_it_may(found: list[Claim], at_ms: int) -> None:
    now = standing(found, at_ms)
    for later_ms in range(at_ms, now.until_ms if now.until_ms is not None else 11):
        assert standing(found, later_ms) == now


@given(claims, st.integers(0, 10), st.sampled_from(persons.STATUSES))
def test_the_word_of_a_person_leaves_possible_what_others_say(
    found: list[Claim], at_ms: int, status: str
) -> None:
    others = [each for each in found if each.issuer != "self"]
    before = standing(others, at_ms)
    after = standing([*others, Claim("self", status, SELF, None)], at_ms)
    if before.why in ("", "said_unknown", "disagreeing"):
        assert before.statuses <= after.statuses
        assert before.assurance <= after.assurance


# Words


def test_assurance_has_one_order_and_one_word_each() -> None:
    assert persons.ASSURANCES == ("self-asserted", "organization", "identity-provider", "credential")
    assert [Assurance.of(word) for word in persons.ASSURANCES] == sorted(Assurance)
    for word in ("", "self_asserted!", "unknown", "sure"):
        with pytest.raises(KeyError):
            Assurance.of(word)


def test_definitions_say_where_they_are_written() -> None:
    for name, found in persons.DEFINITIONS.items():
        assert found.name == name
        assert found.source
        assert found.statuses <= set(persons.STATUSES) - persons.UNKNOWN


@pytest.mark.parametrize("text", ["", "alice", "Alice", "alice ", "\u00e9", "e\u0301", "\ud800", "x" * 512])
def test_an_identifier_is_exactly_its_text(text: str) -> None:
    others = {
        persons.identifier(each)
        for each in ("", "alice", "Alice", "alice ", "\u00e9", "e\u0301")
        if each != text
    }
    assert persons.identifier(text) not in others
    assert len(persons.identifier(text)) == persons.IDENTIFIER_BYTES
