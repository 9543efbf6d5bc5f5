"""The people of an organization: they share its things and counts, and administrators say who they are."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sluicegate.acts import (
    applications,
    cases,
    colleagues,
    credentials,
    directives,
    drafts,
    explanations,
    grants,
    licences,
    members,
    releases,
    sign_ins,
    subscriptions,
    tokens,
)
from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, AnyAct
from sluicegate.acts.colleagues import PEOPLE_MAX
from sluicegate.core.access import apikey
from sluicegate.errors import Unauthorized
from sluicegate.http import bearer
from sluicegate.ports import Passkey, Principal
from sluicegate.service.applications import can_apply
from sluicegate.service.context import Services
from sluicegate.service.telling import Telling
from sluicegate.settings import DailyLimits
from sluicegate_record.form import Misread
from sluicegate_record.statements.releases import StageClosing
from tests.plane import Plane, no, yes
from tests.worlds import API, OFFICER, RELEASE, STAGE, signed

MARKED = ("प्रिया शर्मा", "தமிழ்", "مُحَمَّد", "Zoe\u0301")
"""Names with marks."""
UNSEEN = (" ana", "\u3164", "ana\u3164", "ana\u115f", "\uffa0", "ana ", "a  na", "\u0301ana")
"""Names that look like another one, or like none."""


@pytest.fixture
def plane() -> Plane:
    return Plane()


def now(plane: Plane, who: str | Principal) -> Principal:
    """Somebody as they are now, as a token or session finds them."""
    by = plane.who[who] if isinstance(who, str) else who
    found = plane.store.principals.holder(by.id)
    assert found is not None
    return found


def invite(plane: Plane, by: str | Principal, **asked: Any) -> Any:
    return plane.do(now(plane, by), sign_ins.INVITE, **asked)


def joined(plane: Plane, by: str | Principal, name: str, *, administrator: bool = False) -> Principal:
    """A colleague who was invited, and has used their link."""
    made = yes(invite(plane, by, name=name, administrator=administrator))
    found = plane.store.sign_ins.take_invitation(digest(made.path), plane.ledger.now_ms())
    assert found is not None
    assert found == made.principal
    return now(plane, Principal(found, "", ""))


def digest(path: str) -> bytes:
    return apikey.digest(path.removeprefix("/welcome/"))


def counts(plane: Plane, made: Any) -> bool:
    """Whether a link counts, and its principal may come in."""
    found = plane.store.sign_ins.invited(digest(made.path), plane.ledger.now_ms())
    return found is not None and plane.store.principals.holder(found) is not None


def people(plane: Plane, by: str | Principal) -> dict[str, tuple[bool, str]]:
    found = yes(plane.do(now(plane, by), colleagues.LIST)).people
    return {each.name: (each.administrator, each.state) for each in found}


def keep(plane: Plane, by: Principal | str, name: str = "Example Utility") -> Any:
    organization = json.dumps({"name": name, "registeredIn": "US"})
    asked = {"release": RELEASE, "stage": STAGE, "surface": API, "organization": organization}
    return plane.do(by, drafts.SAVE, **asked)


# Who comes in


@pytest.mark.parametrize("who", ["applicant", "oncd", "developer"])
def test_an_administrator_invites_a_colleague_who_has_an_id_of_their_own(plane: Plane, who: str) -> None:
    ana = joined(plane, who, "ana")
    assert ana.id != plane.who[who].id
    assert (ana.role, ana.party) == (plane.who[who].role, plane.who[who].party)
    assert people(plane, ana) == {who: (True, "valid"), "ana": (False, "valid")}


@pytest.mark.parametrize("who", ["applicant", "oncd", "developer"])
def test_a_colleague_who_is_no_administrator_neither_invites_nor_changes_who_comes_in(
    plane: Plane, who: str
) -> None:
    ana, bo = joined(plane, who, "ana"), joined(plane, who, "bo")
    assert plane.denied(ana, sign_ins.INVITE, name="cy") == "forbidden"
    assert plane.denied(ana, sign_ins.INVITE, role=ana.role, name="cy", party=ana.party) == "forbidden"
    assert plane.denied(ana, sign_ins.INVITE, name="ana", administrator=True) == "forbidden"
    for act, whom in [
        (colleagues.END, plane.who[who].id),
        (colleagues.END, bo.id),
        (colleagues.DEMOTE, plane.who[who].id),
        (colleagues.PROMOTE, ana.id),
        (colleagues.PROMOTE, bo.id),
    ]:
        assert plane.denied(ana, act, principal=whom) == "forbidden", act.name
        with pytest.raises(Unauthorized):
            bearer.authorize(ana, act)
    assert people(plane, who) == {who: (True, "valid"), "ana": (False, "valid"), "bo": (False, "valid")}
    assert no(plane.do(ana, sign_ins.LIST, principal=bo.id)) == "principal_unknown"
    assert yes(invite(plane, ana)).principal == ana.id


@pytest.mark.parametrize("act", [tokens.ISSUE, tokens.REVOKE])
def test_staff_who_are_no_administrators_make_and_end_no_tokens(plane: Plane, act: AnyAct) -> None:
    ana = joined(plane, "developer", "ana")
    with pytest.raises(Unauthorized) as caught:
        bearer.authorize(ana, act)
    assert caught.value.code == "forbidden"
    bearer.authorize(now(plane, "developer"), act)


def test_staff_invite_those_with_whom_another_organization_begins_and_they_administer_it(
    plane: Plane,
) -> None:
    made = yes(invite(plane, "developer", role=APPLICANT, name="grid"))
    assert now(plane, Principal(made.principal, "", "")).administers
    assert no(invite(plane, "applicant", role=APPLICANT, name="grid", party="oncd")) == "forbidden"
    assert no(invite(plane, "developer", role=APPLICANT, name="Ana Alvarez")) == "name_unfit"
    assert no(invite(plane, "applicant", role=AGENCY, name="ana", party="oncd")) == "forbidden"
    assert no(invite(plane, "oncd", role=AGENCY, name="ana", party="ostp")) == "forbidden"


def test_two_organizations_have_a_colleague_of_one_name_and_neither_hears_of_it(plane: Plane) -> None:
    mine, theirs = joined(plane, "applicant", "ana"), joined(plane, "rival", "ana")
    assert mine.id != theirs.id
    made = yes(plane.do(mine, tokens.RENEW))
    again = yes(plane.do(theirs, tokens.RENEW))
    assert plane.store.principals.by_token(apikey.digest(made.token)) == mine
    assert plane.store.principals.by_token(apikey.digest(again.token)) == theirs
    assert (
        no(plane.do("developer", tokens.ISSUE, role=APPLICANT, name="ana", replace=True)) == "token_unknown"
    )
    assert yes(invite(plane, "developer", role=APPLICANT, name="ana")).principal not in {mine.id, theirs.id}
    assert plane.store.principals.holder(mine.id) == mine


def test_another_organizations_people_do_not_exist(plane: Plane) -> None:
    ana = joined(plane, "rival", "ana")
    for act in (colleagues.END, colleagues.PROMOTE, colleagues.DEMOTE):
        for whom in (ana.id, plane.who["rival"].id, plane.who["developer"].id, plane.who["gateway-1"].id):
            assert no(plane.do(now(plane, "applicant"), act, principal=whom)) == "colleague_unknown"
            assert no(plane.do(now(plane, "oncd"), act, principal=whom)) == "colleague_unknown"
    listed = plane.do(now(plane, "applicant"), sign_ins.LIST, principal=ana.id)
    assert no(listed) == "principal_unknown"
    assert people(plane, "applicant") == {"applicant": (True, "valid")}


def test_a_name_of_an_agencys_person_is_no_name_of_anothers(plane: Plane) -> None:
    """Whom one agency invites blocks nothing that the staff does for another."""
    theirs = joined(plane, "ostp", "oncd")
    made = yes(issue(plane, "oncd", "oncd", replace=True))
    assert made.principal == plane.who["oncd"].id
    joe = joined(plane, "oncd", "joe")
    first = yes(issue(plane, "joe", "ostp"))
    assert first.principal not in {joe.id, theirs.id}
    assert no(issue(plane, "joe", "oncd")) == "token_exists"
    assert yes(issue(plane, "joe", "oncd", replace=True)).principal == joe.id
    assert no(issue(plane, "caisi", "oncd", replace=True)) == "token_unknown"


def test_staff_invite_the_person_of_the_agency_that_they_name(plane: Plane) -> None:
    first = {party: yes(issue(plane, "joe", party)).principal for party in ("oncd", "ostp")}
    for party, principal in first.items():
        assert yes(invite(plane, "developer", role=AGENCY, name="joe", party=party)).principal == principal
    assert no(invite(plane, "developer", role=AGENCY, name="joe")) == "party_unknown"


def issue(plane: Plane, name: str, party: str, *, replace: bool = False) -> Any:
    return plane.do("developer", tokens.ISSUE, role=AGENCY, name=name, party=party, replace=replace)


def test_no_link_signs_in_as_a_colleague_who_has_come_in(plane: Plane) -> None:
    ana = joined(plane, "applicant", "ana")
    assert yes(invite(plane, "applicant", name="ana")).principal == ana.id
    plane.store.sign_ins.add_passkey(Passkey("key", ana.id, "laptop", b"", 0, 1))
    assert no(invite(plane, "applicant", name="ana")) == "principal_in_use"


def test_an_organization_has_only_so_many_people(plane: Plane) -> None:
    first = plane.who["applicant"]
    for number in range(PEOPLE_MAX - 1):
        each = Principal(f"applicant_{number}", APPLICANT, f"c{number}", None, first.id, administers=False)
        plane.store.principals.add(bytes([number]) * 32, each)
    assert no(invite(plane, "applicant", name="one-too-many")) == "organization_full"
    yes(invite(plane, "applicant", name="c7"))
    yes(invite(plane, "rival", name="another"))
    yes(plane.do("applicant", colleagues.END, principal="applicant_9"))
    yes(invite(plane, "applicant", name="in-their-place"))
    assert no(invite(plane, "applicant", name="c9")) == "organization_full"
    assert sum(state == "valid" for _, state in people(plane, "applicant").values()) == PEOPLE_MAX


def test_only_so_many_are_listed_whose_access_has_ended(plane: Plane) -> None:
    first = plane.who["applicant"]
    for number in range(PEOPLE_MAX + 1):
        each = Principal(f"applicant_{number}", APPLICANT, f"a{number}", None, first.id, administers=False)
        plane.store.principals.add(number.to_bytes(32), each)
        plane.store.principals.end(each.id)
    yes(invite(plane, "applicant", name="zoe"))
    found = people(plane, "applicant")
    assert (len(found), found["zoe"], found["applicant"]) == (
        PEOPLE_MAX + 2,
        (False, "valid"),
        (True, "valid"),
    )


@pytest.mark.parametrize("name", ["Ana Álvarez", "Seán O'Brien-Ng", "山田 太郎", "ana", *MARKED])
def test_people_have_the_names_that_they_have(plane: Plane, name: str) -> None:
    assert joined(plane, "applicant", name).name == name


@pytest.mark.parametrize(
    "name", ["", " ana", "ana\u202egnp", "ana\n", "ana\u200b", "<b>ana", "a" * 65, *UNSEEN]
)
def test_a_name_has_no_characters_that_do_not_show(plane: Plane, name: str) -> None:
    with pytest.raises(Misread):
        invite(plane, "applicant", name=name)


# Who says so


def test_a_colleague_becomes_an_administrator_and_one_always_stays(plane: Plane) -> None:
    ana = joined(plane, "applicant", "ana")
    first = plane.who["applicant"]
    for act in (colleagues.END, colleagues.DEMOTE):
        assert no(plane.do(now(plane, first), act, principal=first.id)) == "last_administrator"
    yes(plane.do(now(plane, first), colleagues.PROMOTE, principal=ana.id))
    yes(plane.do(now(plane, ana), colleagues.DEMOTE, principal=first.id))
    assert plane.denied(now(plane, "applicant"), sign_ins.INVITE, name="cy") == "forbidden"
    assert no(plane.do(now(plane, ana), colleagues.DEMOTE, principal=ana.id)) == "last_administrator"
    yes(plane.do(now(plane, ana), colleagues.END, principal=first.id))
    assert no(plane.do(now(plane, ana), colleagues.PROMOTE, principal=first.id)) == "access_ended"
    assert people(plane, ana) == {"ana": (True, "valid"), "applicant": (False, "ended")}


def test_an_administrator_whose_access_has_ended_does_not_count_as_one(plane: Plane) -> None:
    ana = joined(plane, "applicant", "ana", administrator=True)
    yes(plane.do(now(plane, "applicant"), colleagues.END, principal=ana.id))
    first = plane.who["applicant"].id
    assert no(plane.do(now(plane, "applicant"), colleagues.END, principal=first)) == "last_administrator"


def test_who_was_an_administrator_when_they_asked_does_nothing_after_it(plane: Plane) -> None:
    """What came in with a token that counted then is decided by what is true when it is done."""
    ana = joined(plane, "applicant", "ana", administrator=True)
    bo = joined(plane, "applicant", "bo")
    yes(plane.do(now(plane, "applicant"), colleagues.DEMOTE, principal=ana.id))
    assert plane.denied(ana, colleagues.END, principal=bo.id) == "forbidden"
    assert plane.denied(ana, sign_ins.INVITE, name="cy") == "forbidden"
    yes(plane.do(now(plane, "applicant"), colleagues.END, principal=ana.id))
    assert plane.denied(ana, colleagues.PROMOTE, principal=bo.id) == "token_unknown"
    assert plane.denied(ana, tokens.RENEW) == "token_unknown"
    target = "https://x.example/hook"
    assert plane.denied(ana, subscriptions.ADD, kind="webhook", target=target) == "token_unknown"
    assert plane.denied(ana, sign_ins.INVITE) == "token_unknown"


@pytest.mark.parametrize("who", ["applicant", "oncd", "developer"])
def test_of_two_administrators_who_end_each_other_at_the_same_moment_one_stays(
    plane: Plane, who: str
) -> None:
    """Both were let in as administrators before either was heard."""
    first, ana = now(plane, who), joined(plane, who, "ana", administrator=True)
    yes(plane.do(first, colleagues.END, principal=ana.id))
    assert plane.denied(ana, colleagues.END, principal=first.id) == "token_unknown"
    assert plane.denied(ana, colleagues.DEMOTE, principal=first.id) == "token_unknown"
    assert people(plane, who) == {who: (True, "valid"), "ana": (True, "ended")}


def test_of_two_of_the_staff_who_revoke_each_others_tokens_one_stays(plane: Plane) -> None:
    first, ana = now(plane, "developer"), joined(plane, "developer", "ana", administrator=True)
    yes(plane.do(ana, tokens.REVOKE, principal=first.id))
    assert plane.denied(first, tokens.REVOKE, principal=ana.id) == "token_unknown"
    assert now(plane, ana) == ana


@pytest.mark.parametrize("ends", [colleagues.END, colleagues.DEMOTE])
def test_staff_who_are_no_administrators_any_more_say_no_more_who_comes_in(
    plane: Plane, ends: AnyAct
) -> None:
    ana = joined(plane, "developer", "ana", administrator=True)
    yes(plane.do(now(plane, "developer"), ends, principal=ana.id))
    code = "forbidden" if ends is colleagues.DEMOTE else "token_unknown"
    other = plane.who["rival"].id
    assert plane.denied(ana, tokens.REVOKE, principal=other) == code
    assert plane.denied(ana, tokens.ISSUE, role=DEVELOPER, name="accomplice") == code
    assert plane.denied(ana, tokens.ISSUE, role=APPLICANT, name="rival", replace=True) == code
    assert plane.denied(ana, sign_ins.INVITE, role=APPLICANT, name="accomplice") == code
    assert "accomplice" not in {each.name for each in plane.store.principals.all()}
    assert plane.store.principals.by_token(apikey.digest(plane.tokens["rival"])) is not None


def test_a_passkey_that_is_made_as_access_ends_is_gone_when_it_comes_back(plane: Plane) -> None:
    first = plane.who["applicant"].id
    yes(plane.do("developer", tokens.REVOKE, principal=first))
    plane.store.sign_ins.add_passkey(Passkey("key", first, "laptop", b"", 0, 1))
    yes(plane.do("developer", tokens.ISSUE, role=APPLICANT, name="applicant", replace=True))
    assert plane.store.sign_ins.passkeys(first) == []
    plane.store.sign_ins.add_passkey(Passkey("key", first, "laptop", b"", 0, 1))
    yes(plane.do("developer", tokens.ISSUE, role=APPLICANT, name="applicant", replace=True))
    assert [each.id for each in plane.store.sign_ins.passkeys(first)] == ["key"]


# The end of someone's access


def test_all_ways_in_of_a_colleague_end_at_once_and_the_others_stay(plane: Plane) -> None:
    ana, bo = joined(plane, "applicant", "ana"), joined(plane, "applicant", "bo")
    token = yes(plane.do(ana, tokens.RENEW)).token
    own = yes(invite(plane, ana))
    plane.store.sign_ins.add_passkey(Passkey("key", ana.id, "laptop", b"", 0, 1))
    ended = yes(plane.do(now(plane, "applicant"), colleagues.END, principal=ana.id))
    assert ended.state == "ended"
    assert plane.store.principals.by_token(apikey.digest(token)) is None
    assert plane.store.sign_ins.passkeys(ana.id) == []
    assert not counts(plane, own)
    assert plane.store.principals.by_token(apikey.digest(plane.tokens["applicant"])) is not None
    assert now(plane, bo) == bo


def test_links_that_someone_made_end_with_them(plane: Plane) -> None:
    ana = joined(plane, "applicant", "ana", administrator=True)
    made, own = yes(invite(plane, ana, name="accomplice")), yes(invite(plane, "applicant", name="cy"))
    yes(plane.do(now(plane, "applicant"), colleagues.END, principal=ana.id))
    assert (counts(plane, made), counts(plane, own)) == (False, True)


def test_who_is_invited_again_is_the_same_person_with_no_way_in_from_before(plane: Plane) -> None:
    ana = joined(plane, "applicant", "ana", administrator=True)
    token = yes(plane.do(ana, tokens.RENEW)).token
    yes(plane.do(now(plane, "applicant"), colleagues.END, principal=ana.id))
    again = joined(plane, "applicant", "ana")
    assert again == replace(ana, administers=False)
    assert plane.store.principals.by_token(apikey.digest(token)) is None


def test_an_organizations_token_that_is_revoked_ends_all_its_people(plane: Plane) -> None:
    ana, other = joined(plane, "applicant", "ana", administrator=True), joined(plane, "rival", "ana")
    made = yes(invite(plane, ana, name="cy"))
    yes(plane.do("developer", tokens.REVOKE, principal=plane.who["applicant"].id))
    assert {each.id for each in (ana, plane.who["applicant"])} <= plane.store.principals.ended()
    assert not counts(plane, made)
    assert now(plane, other) == other
    yes(plane.do("developer", tokens.ISSUE, role=APPLICANT, name="applicant", replace=True))
    assert people(plane, "applicant") == {
        "ana": (True, "ended"),
        "applicant": (True, "valid"),
        "cy": (False, "ended"),
    }


@pytest.mark.parametrize("who", ["oncd", "developer"])
def test_a_token_of_staff_or_an_agency_that_is_revoked_is_one_persons(plane: Plane, who: str) -> None:
    ana = joined(plane, who, "ana", administrator=True)
    boss = joined(plane, "developer", "boss", administrator=True)
    yes(plane.do(boss, tokens.REVOKE, principal=plane.who[who].id))
    assert now(plane, ana) == ana


def test_another_token_for_the_first_one_makes_them_an_administrator_again(plane: Plane) -> None:
    ana = joined(plane, "applicant", "ana", administrator=True)
    yes(plane.do(ana, colleagues.END, principal=plane.who["applicant"].id))
    yes(plane.do(ana, sign_ins.INVITE, name="applicant"))
    assert not now(plane, "applicant").administers
    yes(plane.do("developer", tokens.ISSUE, role=APPLICANT, name="applicant", replace=True))
    assert now(plane, "applicant").administers


def test_another_token_for_a_colleague_of_the_staff_makes_them_no_administrator(plane: Plane) -> None:
    ana = joined(plane, "developer", "ana")
    made = yes(plane.do("developer", tokens.ISSUE, role=DEVELOPER, name="ana", replace=True))
    assert made.principal == ana.id
    assert not now(plane, ana).administers
    assert no(plane.do("developer", tokens.ISSUE, role=DEVELOPER, name="ana")) == "token_exists"


# What belongs to whom


def test_a_colleague_sees_and_does_what_the_organization_does(plane: Plane) -> None:
    plane.opened()
    ana, by = joined(plane, "applicant", "ana"), now(plane, "applicant")
    grant = plane.admit(ana)
    key = yes(plane.credential(grant, who="applicant")).credential
    draft, case = yes(keep(plane, ana)).draft, plane.submit("applicant", "Another Utility").application
    plane.direct()
    asked: list[tuple[AnyAct, dict[str, str]]] = [
        *((act, {}) for act in (drafts.LIST, cases.LIST, grants.LIST, credentials.LIST)),
        (drafts.SHOW, {"draft": draft}),
        *((cases.SHOW, {"case": each}) for each in (case, plane_case(plane, grant))),
        (grants.SHOW, {"grant": grant}),
        (credentials.SHOW, {"credential": key}),
        (credentials.USAGE, {"grant": grant}),
        (explanations.EXPLAIN, {"credential": key, "model": "gpt-5.6"}),
        (members.LIST, {"grant": grant}),
        (directives.AFFECTED, {"directive": "d-1"}),
        (licences.LIST, {}),
    ]
    for act, given in asked:
        mine, theirs = (yes(plane.do(each, act, **given)) for each in (ana, by))
        assert mine == theirs, act.name
        assert mine != plane.do("rival", act, **given) or act in {directives.AFFECTED, licences.LIST}, (
            act.name
        )
    yes(plane.do(ana, applications.WITHDRAW, case=case))
    yes(plane.do(ana, credentials.REVOKE, credential=key))


def plane_case(plane: Plane, grant: str) -> str:
    """The case that a grant began with."""
    with plane.ledger.reading() as state:
        return state.grants[grant].case


def test_a_draft_is_everyones_and_says_who_saved_it(plane: Plane) -> None:
    plane.opened()
    ana = joined(plane, "applicant", "ana")
    name = yes(keep(plane, ana)).draft
    assert yes(plane.do("applicant", drafts.SHOW, draft=name)).saved_by == "ana"
    yes(plane.do("applicant", drafts.EDIT, draft=name, surface=API))
    assert [each.saved_by for each in yes(plane.do(ana, drafts.LIST)).drafts] == ["applicant"]
    assert no(plane.do("rival", drafts.SHOW, draft=name)) == "draft_unknown"
    yes(plane.do(now(plane, "applicant"), colleagues.END, principal=ana.id))
    yes(plane.do("applicant", drafts.SUBMIT, draft=name))


def test_what_one_did_is_told_from_what_another_did_by_who_has_the_logs_secret_alone(plane: Plane) -> None:
    plane.opened()
    ana, first = joined(plane, "applicant", "ana"), plane.who["applicant"]
    for who, other in ((ana, first), (first, ana)):
        case = yes(plane.submit(who, f"{who.name} Utility")).application
        entry = plane.ledger.entries(plane.case(case).seq, plane.size)[0]
        assert entry.by == plane.ledger.pseudonym(who.id, entry.id)
        assert entry.by not in {plane.ledger.pseudonym(other.id, entry.id), who.id}
        assert plane.case(case).principal == first.id


def test_ten_people_are_not_ten_quotas(plane: Plane) -> None:
    plane.opened()
    plane.services = Services.over(plane.ledger, plane.fleet, limits=DailyLimits(drafts=3))
    team = [plane.who["applicant"], *(joined(plane, "applicant", f"c{number}") for number in range(9))]
    kept = [keep(plane, each) for each in team]
    assert [no(each) for each in kept[3:]] == ["too_many_drafts"] * 7
    yes(keep(plane, "rival"))
    assert {each.acts_for for each in team} == {plane.who["applicant"].id}


def test_notices_go_to_each_who_wants_them_until_their_access_ends(plane: Plane) -> None:
    plane.opened()
    ana = joined(plane, "applicant", "ana")
    for who, host in ((ana, "a"), (plane.who["applicant"], "b"), (plane.who["rival"], "c")):
        yes(plane.do(who, subscriptions.ADD, kind="webhook", target=f"https://{host}.example/hook"))
    assert len(yes(plane.do(ana, subscriptions.LIST)).subscriptions) == 1

    def told() -> list[str]:
        """Who has heard something since this was asked last: whose, and what."""
        found = sorted(plane.store.contents.waiting.values(), key=lambda each: each[0])
        for _, each in found:
            plane.store.outbox.delivered(each.message)
        hosts = {each.id: each.target[8] for each in plane.store.contents.subscriptions.values()}
        return sorted({f"{hosts[each.subscription]} {json.loads(each.body)['type']}" for _, each in found})

    yes(plane.credential(plane.admit("applicant")))
    assert {each[0] for each in told()} == {"a", "b"}
    plane.direct("d-1", ["Example Utility"])
    Telling(plane.ledger).tell(plane.size)
    assert told() == ["a directive.issued", "b directive.issued"]
    closing = StageClosing(log=plane.ledger.vkey(), release=RELEASE, stage=STAGE, reason="a jailbreak")
    yes(plane.do("developer", releases.CLOSE, envelope=signed(closing.payload(), OFFICER).to_json()))
    assert told() == ["a stage.closed", "b stage.closed"]
    yes(plane.do(now(plane, "applicant"), colleagues.END, principal=ana.id))
    plane.open()
    assert told() == ["b stage.opened"]


def test_each_is_shown_by_name_with_when_they_were_seen(plane: Plane) -> None:
    ana = joined(plane, "applicant", "ana")
    plane.store.sign_ins.add_passkey(Passkey("key", ana.id, "laptop", b"", 0, 1, used_ms=17))
    found = yes(plane.do("applicant", colleagues.LIST)).people
    assert [(each.name, each.used_ms, each.you) for each in found] == [
        ("ana", 17, False),
        ("applicant", None, True),
    ]
    shown = yes(plane.do(now(plane, "applicant"), sign_ins.LIST, principal=ana.id))
    assert [each.name for each in shown.passkeys] == ["laptop"]


def test_a_nomination_or_account_is_for_an_organization_and_not_for_one_of_its_people(plane: Plane) -> None:
    ana = joined(plane, "applicant", "ana", administrator=True)
    yes(plane.do(ana, colleagues.END, principal=plane.who["applicant"].id))
    assert can_apply(plane.store.principals, plane.who["applicant"].id)
    assert not can_apply(plane.store.principals, ana.id)


def test_to_demote_who_is_no_administrator_ends_nothing_of_theirs(plane: Plane) -> None:
    ana = joined(plane, "applicant", "ana")
    own = yes(invite(plane, ana))
    yes(plane.do("applicant", colleagues.DEMOTE, principal=ana.id))
    assert counts(plane, own)


def test_links_that_an_administrator_made_end_with_that_right(plane: Plane) -> None:
    ana = joined(plane, "applicant", "ana", administrator=True)
    made = yes(invite(plane, ana, name="accomplice", administrator=True))
    yes(plane.do(now(plane, "applicant"), colleagues.DEMOTE, principal=ana.id))
    assert not counts(plane, made)


def test_subscriptions_of_who_has_left_take_no_one_elses_place(plane: Plane) -> None:
    for number in range(5):
        each = joined(plane, "applicant", f"c{number}")
        for other in range(20):
            target = f"https://h{number}-{other}.example/hook"
            yes(plane.do(each, subscriptions.ADD, kind="webhook", target=target))
        yes(plane.do(now(plane, "applicant"), colleagues.END, principal=each.id))
    yes(plane.do("applicant", subscriptions.ADD, kind="webhook", target="https://x.example/hook"))
