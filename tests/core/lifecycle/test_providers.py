from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle.persons import (
    HandInAssertion,
    MemberRegistration,
    RegisterMembers,
    RevokeClaim,
)
from sluicegate.core.lifecycle.providers import PROVIDERS_MAX, RegisterProvider, RemoveProvider, RotateKeys
from sluicegate.core.people.assertion import read_jwks
from sluicegate.core.people.persons import identifier
from sluicegate.errors import BadKey
from sluicegate_record.directives.status import Assurance
from tests.core.people.test_assertion import AT_S, jwk, provider, token
from tests.worlds import AT_MS, DAY_MS, World, plan_value

URL = "https://login.example.org/jwks.json"


@pytest.fixture
def world() -> World:
    made = World.opened()
    for organization in ("org-1", "org-2"):
        made.admit(organization)
    return made


def register(world: World, organization: str = "org-1", **changes: Any) -> str:
    name: str = world.must(RegisterProvider(organization, provider("es", **changes), URL))["provider"]
    return name


def keys(*names: str) -> dict[str, dict[str, str]]:
    return read_jwks({"keys": [jwk(name) for name in names]}).keys


def test_a_provider_stands_in_the_table_and_names_its_customer_to_nobody(world):
    name = register(world)
    assert world.state.table.providers["org-1"][name] == provider("es")
    entry = world.entries[-1]
    assert dict(entry.public) == {"provider": name}
    assert b"example.org" not in entry.leaf
    size = world.state.size
    assert register(world) == name
    assert world.state.size == size


def test_an_issuer_is_one_provider_of_an_organization(world):
    register(world)
    again = RegisterProvider("org-1", provider("ed"), URL)
    assert world.refused(again) == "issuer_taken"
    assert register(world, "org-2") != register(world, audience="x", issuer="https://other.example.org/")
    for number in range(PROVIDERS_MAX - 2):
        register(world, issuer=f"https://{number}.example.org/")
    last = RegisterProvider("org-1", provider("es", issuer="https://last.example.org/"))
    assert world.refused(last) == "too_many_providers"


def test_keys_rotate_and_the_same_keys_change_nothing(world):
    name = register(world)
    world.must(RotateKeys(name, keys("es", "new-es"), URL))
    assert set(world.state.table.providers["org-1"][name].keys) == {"es", "new-es"}
    size = world.state.size
    world.must(RotateKeys(name, keys("new-es", "es"), URL))
    assert world.state.size == size
    world.must(RotateKeys(name, keys("new-es")))
    assert set(world.state.table.providers["org-1"][name].keys) == {"new-es"}


def test_keys_that_cannot_be_the_providers_change_nothing(world):
    name = register(world, algorithms=frozenset({"ES256"}))
    with pytest.raises(BadKey, match="no key fits"):
        world.do(RotateKeys(name, keys("rsa"), URL))
    assert world.refused(RotateKeys(name, keys("es"), "https://elsewhere.example.org/")) == "other_url"
    assert world.refused(RotateKeys("idp_nobody", keys("es"))) == "provider_unknown"
    assert set(world.state.table.providers["org-1"][name].keys) == {"es"}


def test_a_removed_provider_is_gone(world):
    name = register(world)
    world.must(RemoveProvider(name))
    assert world.state.table.providers["org-1"] == {}
    assert world.types()[-1] == "provider.removed"
    assert world.refused(RemoveProvider(name)) == "provider_unknown"
    assert world.refused(RotateKeys(name, keys("es"))) == "provider_unknown"


# Statuses that providers assert


class Asserting(World):
    """Two organizations with a provider each, and a member each of the same name."""

    def __init__(self) -> None:
        super().__init__()
        self.apply(plan_value())
        self.agree()
        self.open()
        for organization in ("org-1", "org-2"):
            self.admit(organization)
        self.provider, self.theirs = (register(self, each) for each in ("org-1", "org-2"))
        rows = [MemberRegistration((identifier("person-1"),)), MemberRegistration((identifier("person-2"),))]
        self.ada, self.ben = self.must(RegisterMembers("org-1", rows))["members"]
        self.eve = self.must(RegisterMembers("org-2", rows))["members"][0]


@pytest.fixture
def asserting() -> Asserting:
    return Asserting()


def said(status: Any = "us_citizen", **changes: Any) -> str:
    return token(sluicegate_status=status, **changes)


def test_a_provider_claims_by_what_it_signed_and_only_its_digest_is_kept(asserting):
    world, signed = asserting, said()
    until_ms = AT_MS + DAY_MS
    world.must(HandInAssertion(world.ada, world.provider, signed, until_ms))
    (claim,) = world.state.table.people[world.ada].claims
    assert (claim.issuer, claim.assurance) == (world.provider, Assurance.IDENTITY_PROVIDER)
    assert (claim.status, claim.until_ms) == ("us_citizen", until_ms)
    kept = b"".join(opened.body for opened in world.entries[-1].gate.values())
    assert signed.encode() not in kept
    assert signed.encode().split(b".")[1] not in kept
    assert b"sha256:" in kept


@pytest.mark.parametrize(
    ("forged", "code"),
    [
        (said(name="other-es", header={"alg": "ES256", "kid": "es"}), "assertion_invalid"),
        (said(algorithm="EdDSA", name="ed"), "assertion_invalid"),
        (said(header={"alg": "none", "kid": "es"}), "assertion_invalid"),
        (said(aud="https://gateway.example.com/org-2"), "assertion_invalid"),
        (said(iss="https://evil.example.org/"), "assertion_invalid"),
        (said(exp=AT_S), "assertion_invalid"),
        (said(iat=AT_S - 86_400, exp=AT_S + 1), "assertion_invalid"),
        ("a.b.c", "assertion_invalid"),
        ("", "assertion_invalid"),
        (token(), "status_not_asserted"),
        (said("citizen"), "status_not_asserted"),
        (said(["us_citizen"]), "status_not_asserted"),
        (said(None), "status_not_asserted"),
        (said(sub="person-2"), "assertion_of_another"),
        (said(sub="stranger"), "assertion_of_another"),
    ],
)
def test_an_assertion_that_does_not_hold_claims_nothing(asserting, forged, code):
    world = asserting
    assert world.refused(HandInAssertion(world.ada, world.provider, forged)) == code
    assert world.state.table.people[world.ada].claims == ()


def test_a_provider_of_another_organization_claims_nothing_here(asserting):
    world = asserting
    assert world.refused(HandInAssertion(world.ada, world.theirs, said())) == "provider_unknown"
    assert world.refused(HandInAssertion(world.eve, world.provider, said())) == "provider_unknown"
    assert world.refused(HandInAssertion("mem_x", world.provider, said())) == "member_unknown"
    past = HandInAssertion(world.ada, world.provider, said(), AT_MS)
    assert world.refused(past) == "until_passed"


def test_an_assertion_counts_once(asserting):
    world, first = asserting, said()
    world.must(HandInAssertion(world.ada, world.provider, first))
    size = world.state.size
    world.must(HandInAssertion(world.ada, world.provider, first))
    assert world.state.size == size
    world.must(HandInAssertion(world.ada, world.provider, said("other")))
    assert world.refused(HandInAssertion(world.ada, world.provider, first)) == "assertion_spent"
    world.must(RevokeClaim(world.ada, world.provider))
    assert world.refused(HandInAssertion(world.ada, world.provider, first)) == "assertion_spent"
    assert world.state.table.people[world.ada].claims == ()
