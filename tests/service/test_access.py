from __future__ import annotations

from itertools import product

import pytest

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, GATEWAY, PERSON, ROLES
from sluicegate.acts.table import ACTS
from sluicegate.core.access import apikey
from sluicegate.errors import Unauthorized
from sluicegate.http import bearer
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.context import STRANGER
from tests.plane import Plane
from tests.worlds import plan_value

MAY = {
    "plan.preview": "D",
    "account.open": "D",
    "account.close": "D",
    "account.list": "D",
    "plan.apply": "D",
    "release.list": "DAP",
    "stage.opening": "D",
    "stage.closing": "D",
    "plan.schema": "*",
    "entry.list": "*",
    "entry.show": "*",
    "release.history": "*",
    "log.head": "*",
    "id.find": "DAP",
    "log.inclusion": "*",
    "log.consistency": "*",
    "application.submit": "DP",
    "draft.save": "DP",
    "draft.edit": "DP",
    "draft.list": "DP",
    "draft.show": "DP",
    "draft.submit": "DP",
    "draft.discard": "DP",
    "grant.amend": "DP",
    "nomination.add": "D",
    "nomination.list": "D",
    "case.answer": "DP",
    "case.accept": "DP",
    "case.withdraw": "DP",
    "case.return": "D",
    "case.reply": "DP",
    "case.appeal": "DP",
    "list.use": "D",
    "report.read": "DA",
    "grant.list": "DAP",
    "grant.show": "DAP",
    "grant.suspend": "D",
    "grant.resume": "D",
    "grant.surrender": "DP",
    "grant.fallback": "P",
    "grant.removal": "DA",
    "case.list": "DAP",
    "case.show": "DAP",
    "case.export": "DA",
    "position.import": "DA",
    "stage.open": "D",
    "stage.close": "D",
    "release.show": "DAP",
    "release.recalling": "D",
    "release.recall": "D",
    "release.restoring": "D",
    "release.restore": "D",
    "clearance.to-sign": "DA",
    "clearance.record": "DA",
    "designation.to-sign": "DA",
    "designation.record": "DA",
    "designation.reconsider": "D",
    "finding.to-sign": "DA",
    "finding.record": "DA",
    "observation.to-sign": "DA",
    "observation.record": "DA",
    "observation.list": "DA",
    "credential.explain": "DP",
    "dossier.make": "D",
    "dossier.of-finding": "D",
    "early-access.counts": "*",
    "early-access.list": "DAP",
    "directive.names": "DA",
    "finding.list": "DAP",
    "finding.show": "DAP",
    "keys.list": "DAP",
    "keys.effects": "DA",
    "keys.record": "DA",
    "deployment.show": "DAP",
    "deployment.attest": "D",
    "deployment.end": "D",
    "evidence.to-sign": "DA",
    "evidence.import": "DA",
    "evidence.withdraw": "DA",
    "evidence.list": "DAP",
    "evidence.show": "DAP",
    "evidence.log": "DAP",
    "credential.list": "DAP",
    "credential.issue": "DP",
    "credential.show": "DAP",
    "credential.usage": "DP",
    "credential.rotate": "DP",
    "credential.import": "D",
    "credential.complete": "D",
    "credential.discard": "D",
    "credential.imports": "D",
    "credential.revoke": "DP",
    "credential.attest": "DP",
    "credential.declare": "DP",
    "credential.withdraw": "DP",
    "member.list": "DP",
    "member.register": "DP",
    "member.remove": "DP",
    "member.claim": "DP",
    "member.revoke": "DP",
    "member.link": "DP",
    "signatory.list": "DP",
    "signatory.pin": "DP",
    "signatory.retire": "DP",
    "provider.list": "DP",
    "provider.register": "DP",
    "provider.rotate": "DP",
    "provider.remove": "DP",
    "person.show": "M",
    "person.claim": "M",
    "person.link": "M",
    "directive.preview": "DA",
    "directive.issue": "DA",
    "directive.confirm": "DA",
    "directive.list": "DA",
    "directive.show": "*",
    "directive.affected": "DP",
    "directive.status": "DA",
    "directive.lift": "DA",
    "directive.to-lift": "DA",
    "drill.end": "DA",
    "drill.report": "DA",
    "definition.add": "D",
    "definition.list": "*",
    "point.put": "D",
    "point.list": "DA",
    "point.to-state": "D",
    "point.state": "D",
    "licence.request": "P",
    "licence.list": "DAP",
    "licence.end": "DA",
    "promise.record": "DA",
    "release.close": "D",
    "release.report": "DAP",
    "ramp.move": "D",
    "ramp.to-sign": "D",
    "promise.to-sign": "DA",
    "promise.list": "DAP",
    "gateway.list": "DA",
    "subscription.add": "DAP",
    "subscription.list": "DAP",
    "subscription.confirm": "DAP",
    "subscription.remove": "DAP",
    "subscription.test": "DAP",
    "subscription.dead": "DAP",
    "subscription.replay": "DAP",
    "token.issue": "D",
    "token.list": "D",
    "token.revoke": "D",
    "sign-in.invite": "DAP",
    "sign-in.list": "DAP",
    "sign-in.end": "DAP",
    "sign-in.remove": "DAP",
    "colleague.list": "DAP",
    "colleague.promote": "DAP",
    "colleague.demote": "DAP",
    "colleague.end": "DAP",
    "token.renew": "DAP",
    "fleet.poll": "G",
    "fleet.report": "G",
}
"""The whole table, written a second time.

D developer, A agency, P applicant, G gateway, M member, * anyone.
"""
GUARDED = sorted(name for name, letters in MAY.items() if letters != "*")

LETTERS = {
    DEVELOPER: "D",
    AGENCY: "A",
    APPLICANT: "P",
    GATEWAY: "G",
    PERSON: "M",
}


def test_the_table_is_as_long_as_it_is_here():
    assert ACTS.keys() == MAY.keys()
    assert set(ROLES) == LETTERS.keys()
    assert MAY.keys() - GUARDED == {act.name for act in ACTS.values() if not act.roles}


@pytest.mark.parametrize(("action", "role"), list(product(GUARDED, ROLES)))
def test_each_role_may_do_what_the_table_says(action, role):
    principal = Principal("p_1", role, "name", "oncd" if role == AGENCY else None)
    if LETTERS[role] in MAY[action]:
        bearer.authorize(principal, ACTS[action])
    else:
        with pytest.raises(Unauthorized) as caught:
            bearer.authorize(principal, ACTS[action])
        assert caught.value.code == "forbidden"


@pytest.mark.parametrize("role", ["admin", "", "Developer", "root", "developer "])
@pytest.mark.parametrize("action", GUARDED)
def test_no_other_role_may_do_anything(role, action):
    with pytest.raises(Unauthorized):
        bearer.authorize(Principal("p_1", role, "name"), ACTS[action])


# Tokens


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    return plane


def test_a_token_says_who_acts(plane):
    for name, token in plane.tokens.items():
        assert bearer.authenticate(plane.store.principals, token) == plane.who[name]


def test_without_a_token_nobody_acts(plane):
    with pytest.raises(Unauthorized) as caught:
        bearer.authenticate(plane.store.principals, None)
    assert caught.value.code == "token_missing"


@pytest.mark.parametrize(
    "alter",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token.upper(),
        lambda token: token[:10] + ("A" if token[10] != "A" else "B") + token[11:],
        lambda token: apikey.make(apikey.TOKEN_PREFIX, bytes(32)),
        lambda token: apikey.make(apikey.KEY_PREFIX, bytes(32)),
        lambda token: "é" * len(token),
        lambda token: f"Bearer {token}",
    ],
)
def test_an_unknown_token_is_nobodys(plane, alter):
    with pytest.raises(Unauthorized) as caught:
        bearer.authenticate(plane.store.principals, alter(plane.tokens["developer"]))
    assert caught.value.code == "token_unknown"
    assert plane.tokens["developer"] not in str(caught.value)


def test_a_token_is_stored_by_its_digest_alone(plane):
    token = plane.tokens["developer"]
    assert plane.store.principals.by_token(apikey.digest(token)) is not None
    assert plane.store.principals.by_token(token.encode()) is None


# Who may still do it once their request is there


def test_who_asks_is_known_as_they_are_now(plane):
    known, by = plane.store.principals, plane.who["applicant"]
    assert access.still(known, by, ACTS["colleague.end"]) == by
    known.administer(by.id, administers=False)
    assert not access.still(known, by, ACTS["colleague.list"]).administers
    assert denied(plane, by, "colleague.end") == "forbidden"
    known.end(by.id)
    assert denied(plane, by, "colleague.list") == "token_unknown"


@pytest.mark.parametrize("role", ["admin", "", "Developer", "anyone", *ROLES])
def test_no_one_who_is_not_known_may_still_do_what_is_for_some(plane, role):
    for name in GUARDED:
        assert denied(plane, Principal("p_1", role, "name"), name) == "token_unknown"


@pytest.mark.parametrize("role", ["admin", "", "Developer", "anyone"])
def test_who_is_known_under_no_role_of_ours_may_do_nothing(plane, role):
    stranger = Principal("p_1", role, "name")
    plane.store.principals.add(bytes(32), stranger)
    for name in GUARDED:
        assert denied(plane, stranger, name) == "forbidden"


def test_of_who_does_what_anyone_may_nothing_is_looked_up(plane):
    for name in MAY.keys() - GUARDED:
        assert access.still(plane.store.principals, STRANGER, ACTS[name]) is STRANGER


def denied(plane: Plane, principal: Principal, action: str) -> str:
    with pytest.raises(Unauthorized) as caught:
        access.still(plane.store.principals, principal, ACTS[action])
    return caught.value.code


# Who sees what


def cases(plane: Plane, name: str) -> list[str]:
    with plane.ledger.reading() as state:
        return [case.id for case in state.cases.values() if access.sees(plane.who[name], case)]


def test_each_sees_the_cases_that_concern_it(plane):
    terms = cases(plane, "developer")
    mine = plane.submit("applicant").application
    theirs = plane.submit("rival", "Example Grid").application
    assert cases(plane, "developer") == [*terms, mine, theirs]
    assert cases(plane, "oncd") == [*terms, mine, theirs]
    assert cases(plane, "caisi") == []
    assert cases(plane, "applicant") == [mine]
    assert cases(plane, "rival") == [theirs]
    assert cases(plane, "gateway-1") == []


def test_an_application_by_the_staff_is_no_applicants(plane):
    plane.submit("developer")
    assert cases(plane, "applicant") == []


def knows_of(plane, state, name, release):
    return access.known(plane.who[name], state, plane.ledger.directs)(state.releases[release])


@pytest.mark.parametrize(
    ("name", "knows"),
    [
        ("developer", True),
        ("oncd", True),
        ("caisi", True),
        ("applicant", False),
        ("rival", False),
        ("gateway-1", False),
    ],
)
def test_an_unannounced_release_is_known_to_those_it_concerns(plane, name, knows):
    plane.apply(plan_value("secret", models=["m"], announced=False))
    with plane.ledger.reading() as state:
        assert knows_of(plane, state, name, "secret") is knows
        assert knows_of(plane, state, name, "gpt-5.6")


def test_an_agency_that_an_unannounced_release_does_not_name_does_not_know_it(plane):
    named = {"oncd": {"name": "x"}, "ostp": {"name": "y"}}
    plane.apply(plan_value("secret", models=["m"], announced=False, agencies=named))
    with plane.ledger.reading() as state:
        assert not knows_of(plane, state, "caisi", "secret")
        assert knows_of(plane, state, "oncd", "secret")


def test_who_has_a_case_in_an_unannounced_release_knows_it(plane):
    hidden = plan_value("secret", models=["m"], announced=False)
    plane.apply(plan_value("secret", models=["m"]))
    plane.submit("applicant", release="secret")
    plane.apply(hidden)
    with plane.ledger.reading() as state:
        assert knows_of(plane, state, "applicant", "secret")
        assert not knows_of(plane, state, "rival", "secret")


def test_an_agency_that_directs_a_model_by_the_trust_file_knows_its_release(plane):
    """As a directive about the model shows: it is not refused as unknown."""
    named = {"oncd": {"name": "x"}, "ostp": {"name": "y"}}
    plane.apply(plan_value("secret", models=["m"], announced=False, agencies=named))
    plane.ledger.directs = {"caisi": frozenset({"m"})}
    with plane.ledger.reading() as state:
        assert knows_of(plane, state, "caisi", "secret")
