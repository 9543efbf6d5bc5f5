from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import credentials, members, providers, signatories
from sluicegate.acts import person as own_acts
from sluicegate.acts.act import PERSON, AnyAct
from sluicegate.acts.members import MemberRow
from sluicegate.acts.tokens import TokenRequest
from sluicegate.core.people.assertion import ALGORITHMS, TOKEN_MAX_BYTES, URI_MAX
from sluicegate.core.people.persons import identifier
from sluicegate.errors import InvalidInput, Unauthorized
from sluicegate.http import bearer
from sluicegate.ports import Principal
from sluicegate.service import tokens
from sluicegate.service.providers import due, fetched
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
        rows = [row(name, **said)]
        return str(yes(self.do(who, members.REGISTER, grant=grant, rows=rows)).members[0])

    def linked(self, member: str, who: str = "applicant") -> Principal:
        """The person that a new link of a member authenticates."""
        return bearer.authenticate(self.store.principals, self.link(member, who))

    def link(self, member: str, who: str = "applicant") -> str:
        """The token of a new link of a member."""
        return str(yes(self.do(who, members.LINK, member=member)).token)

    def correct(self, by: Principal, status: str | None) -> Any:
        return self.do(by, own_acts.CLAIM, status=status)

    def listed(self, **given: Any) -> Any:
        """The members of the applicant's organization, in JSON."""
        return yes(self.do("applicant", members.LIST, grant=self.grant, **given)).to_json()["members"]

    def provider(self, **changes: Any) -> str:
        """A new provider of the applicant's organization."""
        asked = {"grant": self.grant, **ASKED, **changes}
        return str(yes(self.do("applicant", providers.REGISTER, **asked)).provider)


def row(name: str, **said: Any) -> MemberRow:
    """A row about a member by one identifier."""
    return MemberRow(identifiers=(identifier(name),), **said)


@pytest.fixture
def plane() -> Staffed:
    return Staffed()


# Administrators


def jwk_text() -> str:
    return canonical.b64(worlds.public_key("signatory"))


OF_A_GRANT: list[tuple[AnyAct, dict[str, Any]]] = [
    (members.REGISTER, {"rows": [row("x")]}),
    (members.LIST, {}),
    (members.REMOVE, {"members": ["mem_x"]}),
    (signatories.PIN, {"key": jwk_text()}),
    (signatories.RETIRE, {"signatory": "sig_x"}),
    (signatories.LIST, {}),
    (providers.REGISTER, ASKED),
    (providers.LIST, {}),
]
OF_A_MEMBER: list[tuple[AnyAct, dict[str, Any]]] = [
    (members.CLAIM, SAYS),
    (members.REVOKE, {}),
    (members.LINK, {}),
]


@pytest.mark.parametrize("who", ["rival", "developer"])
def test_to_everybody_else_an_organizations_people_do_not_exist(plane, who):
    size = plane.size
    for act, asked in OF_A_GRANT:
        assert no(plane.do(who, act, grant=plane.grant, **asked)) == "grant_unknown", act.name
    for act, asked in OF_A_MEMBER:
        assert no(plane.do(who, act, member=plane.ada, **asked)) == "member_unknown", act.name
    assert plane.size == size


def test_a_member_of_another_organization_is_not_reached_over_ones_own_grant(plane):
    theirs = MemberRow(identifiers=(identifier("x"),), member=plane.eve)
    for act, asked in (
        (members.REMOVE, {"grant": plane.grant, "members": [plane.eve]}),
        (members.CLAIM, {"member": plane.eve, **SAYS}),
        (members.REGISTER, {"grant": plane.grant, "rows": [theirs]}),
        (credentials.ISSUE, {"grant": plane.grant, "digest": "0" * 64, "member": plane.eve}),
    ):
        assert no(plane.do("applicant", act, **asked)) == "member_unknown", act.name


def test_an_administrator_finds_a_member_by_identifier_and_sees_the_organizations_word(plane):
    plane.register("applicant", plane.grant, "person-2")
    claim = {"issuer": "organization", **SAYS, "until": None}
    assert plane.listed(identifier=identifier("person-1")) == [
        {
            "member": plane.ada,
            "identifiers": [identifier("person-1").hex()],
            "claims": [claim],
            "disputed": False,
        }
    ]
    assert len(plane.listed()) == 2
    assert plane.listed(identifier=identifier("x")) == []


@pytest.mark.parametrize("text", ["", "ada@example.org", "AA" * 16, "00" * 15, "00" * 17, " " + "00" * 16])
def test_an_identifier_comes_as_its_digest_or_not_at_all(text):
    for form, asked in (
        (members.MemberRows, {"grant": "grant_x", "rows": [{"identifiers": [text]}]}),
        (members.MemberSearch, {"grant": "grant_x", "identifier": text}),
    ):
        with pytest.raises(InvalidInput, match="hex digits"):
            form.from_json(asked)


@pytest.mark.parametrize(
    "changes",
    [
        {"until": "soon"},
        {"assurance": "certain"},
        {"until": "2027-02-30"},
        {"status": ""},
        {"status": None},
        {"assertion": "a.b.c", "provider": "idp_x"},
        {"provider": "idp_x"},
        {"status": None, "assertion": "a.b.c"},
    ],
)
def test_a_claim_that_cannot_be_read_is_refused(plane, changes):
    size = plane.size
    with pytest.raises(InvalidInput):
        plane.do("applicant", members.CLAIM, member=plane.ada, **{**SAYS, **changes})
    assert plane.size == size


def test_a_row_that_cannot_be_read_is_named(plane):
    rows = [row("x"), row("y", status="other", until="soon")]
    with pytest.raises(InvalidInput, match="row 2: 'soon'"):
        plane.do("applicant", members.REGISTER, grant=plane.grant, rows=rows)


def test_a_claim_and_a_word_taken_back_answer_what_they_are_about(plane):
    by = plane.linked(plane.ada)
    assert yes(plane.correct(by, "other")).to_json() == {
        "member": plane.ada,
        "status": "other",
        "size": plane.size,
    }
    assert yes(plane.correct(by, None)).to_json() == {
        "member": plane.ada,
        "issuer": "self",
        "size": plane.size,
    }
    claimed = yes(plane.do("applicant", members.CLAIM, member=plane.ada, **SAYS))
    assert claimed.to_json() == {"member": plane.ada, "status": "us_citizen", "size": plane.size}


def test_a_persons_word_is_not_the_administrators_to_take_back(plane):
    yes(plane.correct(plane.linked(plane.ada), "other"))
    taken_back = plane.do("applicant", members.REVOKE, member=plane.ada, provider="self")
    assert no(taken_back) == "claim_not_yours"
    yes(plane.do("applicant", members.REVOKE, member=plane.ada))
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
    assert "other" not in json.dumps(yes(plane.do(administrator, own_acts.SHOW)).to_json())
    with pytest.raises(Unauthorized):
        bearer.authorize(plane.who["applicant"], own_acts.SHOW)


def test_whether_an_entry_follows_does_not_tell_what_was_said(plane):
    yes(plane.correct(plane.linked(plane.ada), "other"))
    administrator, grown = plane.linked(plane.ada), set()
    for status in ("other", "other", "us_citizen", None, None):
        size = plane.size
        yes(plane.correct(administrator, status))
        grown.add(plane.size - size)
    assert grown == {1}


def own(plane: Staffed, person: Principal) -> Any:
    claims = yes(plane.do(person, own_acts.SHOW)).claims
    return next((claim.status for claim in claims if claim.yours), "nothing")


# Persons


def test_a_person_sees_every_claim_and_corrects_their_own(plane):
    signed = {"assertion": token(sluicegate_status="us_citizen"), "provider": plane.provider()}
    yes(plane.do("applicant", members.CLAIM, member=plane.ada, **signed))
    person = plane.linked(plane.ada)
    yes(plane.correct(person, "other"))
    shown = yes(plane.do(person, own_acts.SHOW))
    assert (shown.member, shown.organization) == (plane.ada, "example utility")
    told = {claim.issuer: (claim.status, claim.assurance) for claim in shown.claims}
    assert told == {
        "example utility": ("us_citizen", "organization"),
        ISSUER: ("us_citizen", "identity-provider"),
        "you": ("other", "self-asserted"),
    }
    yes(plane.correct(person, None))
    assert own(plane, person) == "nothing"


def test_a_link_is_one_members_and_the_newest_alone(plane):
    first = plane.link(plane.ada)
    person = bearer.authenticate(plane.store.principals, first)
    other = plane.linked(plane.register("applicant", plane.grant, "person-2"))
    yes(plane.correct(other, "other"))
    assert own(plane, person) == "nothing"
    second = plane.link(plane.ada)
    for dead in (first, first[:-1], ""):
        with pytest.raises(Unauthorized):
            bearer.authenticate(plane.store.principals, dead)
    assert bearer.authenticate(plane.store.principals, second).name == plane.ada


def test_a_person_can_have_a_link_that_nobody_else_knows_and_stays_who_they_are(plane):
    given = plane.link(plane.ada)
    person = bearer.authenticate(plane.store.principals, given)
    yes(plane.correct(person, "other"))
    renewed = yes(plane.do(person, own_acts.LINK)).token
    with pytest.raises(Unauthorized):
        bearer.authenticate(plane.store.principals, given)
    assert bearer.authenticate(plane.store.principals, renewed) == person
    assert own(plane, person) == "other"


def test_who_had_a_link_that_was_replaced_makes_no_other_one(plane):
    person = plane.linked(plane.ada)
    current = plane.link(plane.ada)
    assert plane.denied(person, own_acts.LINK) == "token_unknown"
    assert bearer.authenticate(plane.store.principals, current) != person


def test_whoever_is_no_longer_registered_has_nothing_here(plane):
    person = plane.linked(plane.ada)
    yes(plane.do("applicant", members.REMOVE, grant=plane.grant, members=[plane.ada]))
    assert no(plane.do(person, own_acts.SHOW)) == "member_unknown"
    assert no(plane.correct(person, "other")) == "member_unknown"
    assert no(plane.do(person, own_acts.LINK)) == "member_unknown"


@pytest.mark.parametrize("status", ["citizen", "", "US_CITIZEN"])
def test_a_person_says_one_of_the_statuses_or_nothing(plane, status):
    assert no(plane.correct(plane.linked(plane.ada), status)) == "status_unknown"


def test_no_token_is_issued_for_a_person_but_by_a_link(plane):
    assert no(tokens.issue(plane.ledger, TokenRequest(role=PERSON, name=plane.ada))) == "role_unknown"


# Providers


def test_keys_that_were_fetched_are_an_entry_where_they_differ_and_lost_never(plane):
    name = plane.provider()
    (asked,) = due(plane.ledger)
    assert (asked.provider, asked.url) == (name, ASKED["jwks_url"])
    size = plane.size
    assert fetched(plane.ledger, asked, key_set("es")) == ""
    assert plane.size == size
    for body in (b"", b"<html>", b"{}", b'{"keys":[]}', key_set("rsa"), b'{"keys":[{"kty":"oct","k":"AA"}]}'):
        assert fetched(plane.ledger, asked, body)
    elsewhere = asked._replace(url="https://other.example.org/")
    assert fetched(plane.ledger, elsewhere, key_set("new-es"))
    assert plane.size == size
    for names in (("es", "new-es"), ("new-es",), ("es",), ("new-es",)):
        assert fetched(plane.ledger, asked, key_set(*names)) == ""
        with plane.ledger.reading() as state:
            [organization] = state.table.providers
            assert set(state.table.providers[organization][name].keys) == set(names)
    assert plane.size == size + 4


def key_set(*names: str) -> bytes:
    return json.dumps({"keys": [jwk(name) for name in names]}).encode()


def test_a_provider_is_its_organizations_to_rotate_and_remove(plane):
    name = plane.provider()
    for who in ("rival", "developer"):
        for act, asked in ((providers.ROTATE, {"jwks": {"keys": [jwk("ed")]}}), (providers.REMOVE, {})):
            assert no(plane.do(who, act, provider=name, **asked)) == "provider_unknown"
    plane.services.key_failures[name] = "it is down"
    [shown] = provided(plane)
    assert (shown.kids, shown.failure) == (("es",), "it is down")
    assert "x" not in shown.to_json()
    rotated = plane.do("applicant", providers.ROTATE, provider=name, jwks={"keys": [jwk("new-es")]})
    assert yes(rotated).keys == ("new-es",)
    yes(plane.do("applicant", providers.REMOVE, provider=name))
    assert provided(plane) == ()


def test_a_page_of_providers_or_signatories_goes_on_where_the_one_before_ended(plane):
    known = [plane.provider(issuer=f"https://{at}.example") for at in range(2)]
    keys = [canonical.b64(worlds.public_key(name)) for name in ("signatory", "other")]
    pins = [plane.do("applicant", signatories.PIN, grant=plane.grant, key=each) for each in keys]
    for act, name, ids in (
        (providers.LIST, "provider", known),
        (signatories.LIST, "signatory", [yes(each).signatory for each in pins]),
    ):
        first = yes(plane.do("applicant", act, grant=plane.grant, limit=1)).to_json()
        rest = yes(plane.do("applicant", act, grant=plane.grant, before=first["next"])).to_json()
        rows = act.name.replace(".list", "s").replace("ys", "ies")
        assert [each[name] for each in (*first[rows], *rest[rows])] == ids
        assert (first["next"], rest.get("next")) == (ids[0], None)


def provided(plane: Staffed) -> Any:
    return yes(plane.do("applicant", providers.LIST, grant=plane.grant)).providers


def test_what_may_be_asked_is_as_long_as_what_is_believed(plane):
    """The bounds of the arguments are those of providers and of assertions."""
    longest = "https://" + "x" * (URI_MAX - 8)
    plane.provider(issuer=longest, algorithms=sorted(ALGORITHMS))
    for changes in ({"issuer": longest + "x"}, {"audience": longest + "x"}, {"algorithms": ["ES256"] * 8}):
        with pytest.raises(InvalidInput):
            plane.provider(**changes)

    def claim(length: int) -> Any:
        given = {"assertion": "x" * length, "provider": plane.provider()}
        return plane.do("applicant", members.CLAIM, member=plane.ada, **given)

    assert no(claim(TOKEN_MAX_BYTES)) == "assertion_invalid"
    with pytest.raises(InvalidInput):
        claim(TOKEN_MAX_BYTES + 1)


# Attestations


def test_an_attestation_is_carried_by_the_organizations_own_token(plane):
    credential = plane.credential(plane.grant).credential
    pinned = yes(plane.do("applicant", signatories.PIN, grant=plane.grant, key=jwk_text())).signatory
    stated = Attestation(
        log=plane.ledger.vkey(),
        credential=credential,
        statuses=("us_citizen",),
        until_ms=worlds.AT_MS + worlds.DAY_MS,
    )
    envelope = worlds.signed(stated.payload(), "signatory").to_json()
    attest = (signatories.ATTEST, {"envelope": envelope})
    withdraw = (signatories.WITHDRAW, {"credential": credential})

    def do(act: AnyAct, asked: dict[str, Any], who: str = "applicant") -> Any:
        return plane.do(who, act, **asked)

    for who in ("rival", "developer"):
        assert no(do(*attest, who)) == no(do(*withdraw, who)) == "credential_unknown"
    assert yes(do(*attest)).until_ms == stated.until_ms
    [shown] = signing(plane).attested
    assert (shown.credential, shown.signatory) == (credential, pinned)
    yes(do(*withdraw))
    assert no(do(*attest)) == "attestation_spent"
    yes(plane.do("applicant", signatories.RETIRE, grant=plane.grant, signatory=pinned))
    assert signing(plane).to_json() == {"signatories": [], "attested": []}


def signing(plane: Staffed) -> Any:
    return yes(plane.do("applicant", signatories.LIST, grant=plane.grant))
