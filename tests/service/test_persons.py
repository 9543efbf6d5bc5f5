from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import credentials
from sluicegate.core.people.persons import identifier
from sluicegate.errors import InvalidInput, Unauthorized
from sluicegate.ports import Principal
from sluicegate.service import access, attestations, persons, providers, tokens
from sluicegate_record.log import canonical
from sluicegate_record.statements.people import Attestation
from tests import worlds
from tests.core.people.test_assertion import AUDIENCE, ISSUER, jwk, token
from tests.plane import Plane, no, yes

SAYS = {"status": "us_citizen", "method": "document-seen", "assurance": "organization"}
ASKED = {
    "issuer": ISSUER,
    "audience": AUDIENCE,
    "algorithms": ["ES256"],
    "jwks": {"keys": [jwk("es")]},
    "jwks_url": "https://login.example.org/jwks.json",
    "max_age_s": 3_600,
}


class Staffed(Plane):
    """Two organizations of two applicants, a member each, known by the same identifier."""

    def __init__(self) -> None:
        super().__init__()
        self.opened()
        self.grant, self.rivals = self.admit(), self.admit("rival", "Rival Utility")
        self.ada = self.register("applicant", self.grant, "person-1", **SAYS)
        self.eve = self.register("rival", self.rivals, "person-1")

    def register(self, who: str, grant: str, name: str, **said: str) -> str:
        asked = {"rows": [{"identifiers": [identifier(name).hex()], **said}]}
        made = yes(persons.register(self.ledger, self.who[who], self.id(), grant, asked))
        return str(made["members"][0])

    def linked(self, member: str, who: str = "applicant") -> Principal:
        """Whom a new link of a member authenticates."""
        made = yes(persons.link(self.ledger, self.who[who], member))
        return access.authenticate(self.store.principals, made["token"])

    def correct(self, person: Principal, status: str | None) -> Any:
        return persons.correct(self.ledger, person, self.id(), status)

    def listed(self, who: str = "applicant") -> Any:
        return yes(persons.listed(self.ledger, self.who[who], self.grant))["members"]


@pytest.fixture
def plane() -> Staffed:
    return Staffed()


# Administrators


@pytest.mark.parametrize("who", ["rival", "developer"])
def test_to_everybody_else_an_organizations_people_do_not_exist(plane, who):
    ledger, by = plane.ledger, plane.who[who]
    asked = {"rows": [{"identifiers": [identifier("x").hex()]}]}
    size = plane.size
    assert no(persons.register(ledger, by, plane.id(), plane.grant, asked)) == "grant_unknown"
    assert no(persons.listed(ledger, by, plane.grant)) == "grant_unknown"
    assert no(persons.remove(ledger, by, plane.id(), plane.grant, [plane.ada])) == "grant_unknown"
    assert no(persons.claim(ledger, by, plane.id(), plane.ada, SAYS)) == "member_unknown"
    assert no(persons.revoke(ledger, by, plane.id(), plane.ada)) == "member_unknown"
    assert no(persons.link(ledger, by, plane.ada)) == "member_unknown"
    assert no(attestations.pin(ledger, by, plane.id(), plane.grant, jwk_text())) == "grant_unknown"
    assert no(attestations.retire(ledger, by, plane.id(), plane.grant, "sig_x")) == "grant_unknown"
    assert no(attestations.listed(ledger, by, plane.grant)) == "grant_unknown"
    assert no(providers.register(ledger, by, plane.id(), plane.grant, ASKED)) == "grant_unknown"
    assert no(providers.listed(ledger, by, plane.grant, {})) == "grant_unknown"
    assert plane.size == size


def jwk_text() -> str:
    return canonical.b64(worlds.public_key("signatory"))


def test_a_member_of_another_organization_is_not_reached_over_ones_own_grant(plane):
    ledger, by = plane.ledger, plane.who["applicant"]
    assert no(persons.remove(ledger, by, plane.id(), plane.grant, [plane.eve])) == "member_unknown"
    assert no(persons.claim(ledger, by, plane.id(), plane.eve, SAYS)) == "member_unknown"
    theirs = {"rows": [{"identifiers": [identifier("x").hex()], "member": plane.eve}]}
    assert no(persons.register(ledger, by, plane.id(), plane.grant, theirs)) == "member_unknown"
    issued = plane.do("applicant", credentials.ISSUE, grant=plane.grant, digest="0" * 64, member=plane.eve)
    assert no(issued) == "member_unknown"


def test_an_administrator_finds_a_member_by_identifier_and_sees_the_organizations_word(plane):
    plane.register("applicant", plane.grant, "person-2")
    found = yes(
        persons.listed(plane.ledger, plane.who["applicant"], plane.grant, identifier("person-1").hex())
    )
    claim = {"issuer": "organization", **SAYS, "until": None}
    assert found["members"] == [
        {
            "member": plane.ada,
            "identifiers": [identifier("person-1").hex()],
            "claims": [claim],
            "disputed": False,
        }
    ]
    assert len(plane.listed()) == 2
    stranger = persons.listed(plane.ledger, plane.who["applicant"], plane.grant, identifier("x").hex())
    assert yes(stranger)["members"] == []


@pytest.mark.parametrize("text", ["", "ada@example.org", "AA" * 16, "00" * 15, "00" * 17, " " + "00" * 16])
def test_an_identifier_comes_as_its_digest_or_not_at_all(plane, text):
    asked = {"rows": [{"identifiers": [text]}]}
    with pytest.raises(InvalidInput, match="hex digits"):
        persons.register(plane.ledger, plane.who["applicant"], plane.id(), plane.grant, asked)


@pytest.mark.parametrize(
    "changes", [{"until": "soon"}, {"assurance": "certain"}, {"until": "2027-02-30"}, {"status": ""}]
)
def test_a_claim_that_cannot_be_read_is_refused(plane, changes):
    with pytest.raises(InvalidInput):
        persons.claim(plane.ledger, plane.who["applicant"], plane.id(), plane.ada, {**SAYS, **changes})


def test_a_persons_word_is_not_the_administrators_to_take_back(plane):
    person = plane.linked(plane.ada)
    yes(plane.correct(person, "other"))
    by = plane.who["applicant"]
    assert no(persons.revoke(plane.ledger, by, plane.id(), plane.ada, "self")) == "claim_not_yours"
    yes(persons.revoke(plane.ledger, by, plane.id(), plane.ada))
    with plane.ledger.reading() as state:
        assert [claim.issuer for claim in state.table.people[plane.ada].claims] == ["self"]


def test_an_administrator_learns_that_a_person_differs_and_never_what_they_said(plane):
    person = plane.linked(plane.ada)
    before = json.dumps(plane.listed())
    told = set()
    for status in ("other", "us_permanent_resident", "us_protected_person", "unknown"):
        yes(plane.correct(person, status))
        [shown] = plane.listed()
        assert shown["disputed"] is True
        assert [claim["issuer"] for claim in shown["claims"]] == ["organization"]
        told.add(json.dumps(shown))
    assert len(told) == 1
    yes(plane.correct(person, "us_citizen"))
    assert json.dumps(plane.listed()) == before


def test_a_new_link_does_not_show_what_was_said_under_an_earlier_one(plane):
    person = plane.linked(plane.ada)
    yes(plane.correct(person, "other"))
    assert own(plane, person) == "other"
    administrator = plane.linked(plane.ada)
    assert own(plane, administrator) is None
    assert "other" not in json.dumps(yes(persons.show(plane.ledger, administrator)))
    with pytest.raises(Unauthorized):
        access.authorize_role(plane.who["applicant"], "person.read", access.roles_of("person.read"))


def test_whether_an_entry_follows_does_not_tell_what_was_said(plane):
    yes(plane.correct(plane.linked(plane.ada), "other"))
    administrator, grown = plane.linked(plane.ada), set()
    for status in ("other", "other", "us_citizen", None, None):
        size = plane.size
        yes(plane.correct(administrator, status))
        grown.add(plane.size - size)
    assert grown == {1}


def own(plane: Staffed, person: Principal) -> Any:
    claims = yes(persons.show(plane.ledger, person))["claims"]
    return next((claim["status"] for claim in claims if claim["yours"]), "nothing")


# Persons


def test_a_person_sees_every_claim_and_corrects_their_own(plane):
    provider = yes(providers.register(plane.ledger, plane.who["applicant"], plane.id(), plane.grant, ASKED))[
        "provider"
    ]
    signed = {"assertion": token(sluicegate_status="us_citizen"), "provider": provider}
    yes(persons.claim(plane.ledger, plane.who["applicant"], plane.id(), plane.ada, signed))
    person = plane.linked(plane.ada)
    yes(plane.correct(person, "other"))
    shown = yes(persons.show(plane.ledger, person))
    assert shown["organization"] == "example utility"
    told = {claim["issuer"]: (claim["status"], claim["assurance"]) for claim in shown["claims"]}
    assert told == {
        "example utility": ("us_citizen", "organization"),
        ISSUER: ("us_citizen", "identity-provider"),
        "you": ("other", "self-asserted"),
    }
    yes(plane.correct(person, None))
    assert own(plane, person) == "nothing"


def test_a_link_is_one_members_and_the_newest_alone(plane):
    first = yes(persons.link(plane.ledger, plane.who["applicant"], plane.ada))["token"]
    person = access.authenticate(plane.store.principals, first)
    other = plane.linked(plane.register("applicant", plane.grant, "person-2"))
    yes(plane.correct(other, "other"))
    assert own(plane, person) == "nothing"
    second = yes(persons.link(plane.ledger, plane.who["applicant"], plane.ada))["token"]
    for dead in (first, first[:-1], ""):
        with pytest.raises(Unauthorized):
            access.authenticate(plane.store.principals, dead)
    assert access.authenticate(plane.store.principals, second).name == plane.ada


def test_a_person_can_have_a_link_that_nobody_else_knows_and_stays_who_they_are(plane):
    given = yes(persons.link(plane.ledger, plane.who["applicant"], plane.ada))["token"]
    person = access.authenticate(plane.store.principals, given)
    yes(plane.correct(person, "other"))
    renewed = yes(persons.renew_link(plane.ledger, person))["token"]
    with pytest.raises(Unauthorized):
        access.authenticate(plane.store.principals, given)
    assert access.authenticate(plane.store.principals, renewed) == person
    assert own(plane, person) == "other"


def test_whoever_is_no_longer_registered_has_nothing_here(plane):
    person = plane.linked(plane.ada)
    yes(persons.remove(plane.ledger, plane.who["applicant"], plane.id(), plane.grant, [plane.ada]))
    assert no(persons.show(plane.ledger, person)) == "member_unknown"
    assert no(plane.correct(person, "other")) == "member_unknown"
    assert no(persons.renew_link(plane.ledger, person)) == "member_unknown"


@pytest.mark.parametrize("status", ["citizen", "", "US_CITIZEN"])
def test_a_person_says_one_of_the_statuses_or_nothing(plane, status):
    assert no(plane.correct(plane.linked(plane.ada), status)) == "status_unknown"


def test_no_token_is_issued_for_a_person_but_by_a_link(plane):
    assert no(tokens.issue(plane.ledger, access.PERSON, plane.ada)) == "role_unknown"


# Providers


def test_keys_that_were_fetched_are_an_entry_where_they_differ_and_lost_never(plane):
    by = plane.who["applicant"]
    name = yes(providers.register(plane.ledger, by, plane.id(), plane.grant, ASKED))["provider"]
    (asked,) = providers.due(plane.ledger)
    assert (asked.provider, asked.url) == (name, ASKED["jwks_url"])
    size = plane.size
    assert providers.fetched(plane.ledger, asked, key_set("es")) == ""
    assert plane.size == size
    for body in (b"", b"<html>", b"{}", b'{"keys":[]}', key_set("rsa"), b'{"keys":[{"kty":"oct","k":"AA"}]}'):
        assert providers.fetched(plane.ledger, asked, body)
    elsewhere = asked._replace(url="https://other.example.org/")
    assert providers.fetched(plane.ledger, elsewhere, key_set("new-es"))
    assert plane.size == size
    for names in (("es", "new-es"), ("new-es",), ("es",), ("new-es",)):
        assert providers.fetched(plane.ledger, asked, key_set(*names)) == ""
        with plane.ledger.reading() as state:
            [organization] = state.table.providers
            assert set(state.table.providers[organization][name].keys) == set(names)
    assert plane.size == size + 4


def key_set(*names: str) -> bytes:
    return json.dumps({"keys": [jwk(name) for name in names]}).encode()


def test_a_provider_is_its_organizations_to_rotate_and_remove(plane):
    name = yes(providers.register(plane.ledger, plane.who["applicant"], plane.id(), plane.grant, ASKED))[
        "provider"
    ]
    for who in ("rival", "developer"):
        by = plane.who[who]
        rotated = providers.rotate(plane.ledger, by, plane.id(), name, {"keys": [jwk("ed")]})
        assert no(rotated) == "provider_unknown"
        assert no(providers.remove(plane.ledger, by, plane.id(), name)) == "provider_unknown"
        assert no(providers.url_of(plane.ledger, by, name)) == "provider_unknown"
    mine = plane.who["applicant"]
    [shown] = yes(providers.listed(plane.ledger, mine, plane.grant, {name: "it is down"}))["providers"]
    assert (shown["kids"], shown["failure"]) == (["es"], "it is down")
    assert "x" not in shown
    yes(providers.rotate(plane.ledger, mine, plane.id(), name, {"keys": [jwk("new-es")]}))
    yes(providers.remove(plane.ledger, mine, plane.id(), name))
    assert yes(providers.listed(plane.ledger, mine, plane.grant, {}))["providers"] == []


# Attestations


def test_an_attestation_is_carried_by_the_organizations_own_token(plane):
    by = plane.who["applicant"]
    credential = plane.credential(plane.grant)["credential"]
    pinned = yes(attestations.pin(plane.ledger, by, plane.id(), plane.grant, jwk_text()))["signatory"]
    stated = Attestation(
        log=plane.ledger.vkey(),
        credential=credential,
        statuses=("us_citizen",),
        until_ms=worlds.AT_MS + worlds.DAY_MS,
    )
    envelope = worlds.signed(stated.payload(), "signatory").to_json()
    for who in ("rival", "developer"):
        carried = attestations.attest(plane.ledger, plane.who[who], plane.id(), envelope)
        assert no(carried) == "credential_unknown"
        withdrawn = attestations.withdraw(plane.ledger, plane.who[who], plane.id(), credential)
        assert no(withdrawn) == "credential_unknown"
    yes(attestations.attest(plane.ledger, by, plane.id(), envelope))
    shown = yes(attestations.listed(plane.ledger, by, plane.grant))
    assert [(each["credential"], each["signatory"]) for each in shown["attested"]] == [(credential, pinned)]
    yes(attestations.withdraw(plane.ledger, by, plane.id(), credential))
    assert no(attestations.attest(plane.ledger, by, plane.id(), envelope)) == "attestation_spent"
    yes(attestations.retire(plane.ledger, by, plane.id(), plane.grant, pinned))
    assert yes(attestations.listed(plane.ledger, by, plane.grant)) == {"signatories": [], "attested": []}
