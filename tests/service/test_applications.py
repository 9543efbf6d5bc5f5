from __future__ import annotations

import hashlib
import json
import re

import pytest

from sluicegate.acts import applications as acts
from sluicegate.acts import cases, directives, grants, licences, members, releases, review, tokens
from sluicegate.acts.members import MemberRow
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.applications import SubmitApplication
from sluicegate.errors import BadEnvelope, InvalidDocument, InvalidInput
from sluicegate.pages import officer
from sluicegate.service import applications
from sluicegate.service.casefile import grant_of
from sluicegate_record.form import Misread
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from tests import worlds
from tests.forging import gate_value
from tests.plane import Plane, filled, no, yes
from tests.worlds import CODEX, DAY_MS, RELEASE, STAGE, looser, plan_value, stage


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    return plane


# Applying


def test_an_applicant_is_one_organization_under_one_pseudonym(plane):
    plane.submit(surface="api")
    plane.submit(surface=CODEX)
    plane.submit(name="Example Grid")
    entries = [entry for entry in plane.store.log.entries(0, 1_000) if entry.type == "case.opened"]
    named = [gate_value(entry, "organization") for entry in entries if "organization" in entry.gate]
    assert named[0] == named[1] != named[2]
    assert all(name.startswith("org_") for name in named)


def test_two_who_name_the_same_organization_have_two_pseudonyms(plane):
    plane.submit("applicant")
    plane.submit("rival")
    assert len(set(plane.pseudonyms("Example Utility"))) == 2


@pytest.mark.parametrize("name", ["EXAMPLE  utility", "\uff25xample Utility", " Example Utility "])
def test_another_spelling_is_the_same_organization(plane, name):
    plane.submit()
    assert no(plane.submit(name=name)) == "already_applied"
    plane.submit(name=name, surface=CODEX)
    assert len(plane.pseudonyms("Example Utility")) == 1


def test_an_applicant_has_at_most_so_many_open_applications(plane):
    cases = [yes(plane.submit(name=f"Example {i}")).application for i in range(applications.OPEN_MAX)]
    assert len(cases) == 20
    size = plane.size
    assert no(plane.submit(name="Example Bank")) == "too_many_open"
    assert plane.size == size
    assert plane.pseudonyms("Example Bank") == []
    yes(plane.submit("rival", "Example Bank"))
    yes(plane.submit("developer", "Example Bank"))
    plane.say(cases[0], "oncd", "object")
    yes(plane.submit(name="Example Bank"))
    assert no(plane.submit(name="Example Grid")) == "too_many_open"


def test_the_entry_names_the_applicant_by_pseudonym_and_nothing_else(plane):
    plane.submit(name="Example Bank")
    entry = plane.store.log.entries(plane.size - 1, 1)[0]
    assert re.fullmatch(r"applicant_[a-z2-7]{16}", entry.by)
    assert plane.who["applicant"].id.encode() not in entry.leaf
    assert gate_value(entry, "opener") == plane.who["applicant"].id
    assert b"Example Bank" not in entry.leaf
    assert entry.sealed["application"].value() == {
        "organization": {"name": "Example Bank", "registeredIn": "US"}
    }


@pytest.mark.parametrize("organization", ["", "name: [", "{}", "{name: A, registeredIn: Norway}", "&a x"])
def test_a_malformed_organization_is_refused_with_its_places(plane, organization):
    size = plane.size
    with pytest.raises(InvalidDocument) as caught:
        plane.submit(organization=organization)
    assert {place.file for place in caught.value.at} == {"organization.yaml"}
    assert plane.size == size


def test_to_who_may_not_know_it_an_unannounced_release_does_not_exist(plane):
    plane.apply(plan_value("secret", models=["m"], announced=False))
    hidden, missing = plane.submit(release="secret"), plane.submit(release="missin")
    assert isinstance(hidden, Refusal)
    assert isinstance(missing, Refusal)
    assert repr(hidden).replace("secret", "missin") == repr(missing)
    assert not isinstance(plane.submit("developer", release="secret"), Refusal)


# What the public part links


def test_no_public_word_links_two_cases_of_an_applicant(plane):
    """Neither what it does in its cases, nor what is done about its grants and members."""
    said = []
    for name in ("Example Utility", "Example Grid"):
        size = plane.size
        grant = plane.admit(name=name)
        plane.credential(grant, key=f"key of {name}")
        yes(plane.do("applicant", members.REGISTER, grant=grant, rows=(a_member(name),)))
        yes(renew(plane, grant))
        yes(plane.do("developer", grants.REMOVE, grant=grant, code="misuse", text="why"))
        written = plane.store.log.entries(size, plane.size - size)
        named = {each.by: each.id for each in written if each.by.startswith("applicant_")}
        assert len(named) == len(set(named.values())) >= 4, "one for each command"
        said.append({word for each in written for word in (each.by, each.id, *words(dict(each.public)))})
    assert not {word for word in said[0] & said[1] if word.startswith(("applicant_", "org_", "cmd_"))}
    assert plane.who["applicant"].id not in said[0] | said[1]


def a_member(name):
    return MemberRow(identifiers=(hashlib.sha256(name.encode()).digest()[:16],))


def words(value):
    if isinstance(value, dict):
        return {word for each in value.values() for word in words(each)}
    if isinstance(value, list):
        return {word for each in value for word in words(each)}
    return {str(value)}


def test_who_applied_goes_on_acting_in_a_case_whatever_its_entries_call_it(plane):
    case = plane.submit().application
    plane.carry(worlds.position(plane.case(case), "oncd", "ask", reason="who?"), "oncd")
    yes(plane.do("applicant", acts.ANSWER, case=case, agency="oncd", text="so it is"))
    assert no(plane.do("rival", acts.WITHDRAW, case=case)) == "case_unknown"
    plane.restart()
    assert [each.case for each in yes(plane.do("applicant", cases.LIST)).cases] == [case]
    yes(plane.do("applicant", acts.WITHDRAW, case=case))


def test_a_case_of_an_earlier_build_stays_its_applicants(plane):
    """Its entry says who applied in `by`, and has no field for it."""
    who = plane.who["applicant"].id
    dossier = {"organization": {"name": "Example Bank", "registeredIn": "US"}}
    command = SubmitApplication(RELEASE, STAGE, "api", "org-1", dossier)
    case = plane.ledger.execute(command, by=who, command_id="earlier")["application"]
    for agency in ("oncd", "ostp"):
        plane.say(case, agency)
    assert (plane.case(case).applicant, plane.case(case).opener) == (who, None)
    renewal = yes(renew(plane, plane.case(case).grant)).application
    assert plane.case(renewal).applicant != who
    assert plane.case(renewal).principal == who
    asked = {"grant": plane.case(case).grant, "code": "misuse", "text": "why"}
    removal = yes(plane.do("developer", grants.REMOVE, **asked)).case
    yes(plane.do("applicant", acts.REPLY, case=removal, text="no"))


# An invitation


SECRET = plan_value("secret", models=["m"], announced=False)


def invite(plane, who="applicant", **changes):
    organization = json.dumps({"name": "Example Utility", "registeredIn": "US"})
    asked = {"release": "secret", "stage": STAGE, "organization": organization, **changes}
    return plane.do("developer", acts.NOMINATE, invite=plane.who[who].id, **asked)


def releases_of(plane, who):
    return [each.release for each in yes(plane.do(who, releases.STATUS)).releases]


def test_an_invitation_lets_one_applicant_know_of_a_release_and_apply(plane):
    plane.apply(SECRET)
    assert no(plane.submit(release="secret")) == "stage_unknown"
    before = plane.size
    done = yes(invite(plane))
    assert [releases_of(plane, who) for who in ("applicant", "rival")] == [[RELEASE, "secret"], [RELEASE]]
    assert no(plane.submit("rival", release="secret")) == "stage_unknown"
    entry = plane.store.log.entries(before, 1)[0]
    assert entry.type == "organization.nominated"
    assert plane.who["applicant"].id.encode() not in entry.leaf
    plane.restart()
    case = yes(plane.submit(release="secret")).application
    (shown,) = yes(plane.do("developer", acts.NOMINATIONS)).nominations
    assert (shown.nomination, shown.applied) == (done.nomination, (case,))
    assert shown.invited == plane.who["applicant"].id


def test_a_nomination_becomes_an_invitation_and_the_same_again_changes_nothing(plane):
    plane.apply(SECRET)
    organization = json.dumps({"name": "Example Utility", "registeredIn": "US"})
    asked = {"release": "secret", "stage": STAGE, "organization": organization}
    noted = yes(plane.do("developer", acts.NOMINATE, **asked)).nomination
    assert no(plane.submit(release="secret")) == "stage_unknown", "a nomination alone tells it nothing"
    assert yes(invite(plane)).nomination == noted
    size = plane.size
    assert yes(invite(plane)).nomination == noted
    assert yes(plane.do("developer", acts.NOMINATE, **asked)).nomination == noted
    assert plane.size == size
    yes(invite(plane, "rival"))
    assert "secret" in releases_of(plane, "applicant")
    assert "secret" in releases_of(plane, "rival")


@pytest.mark.parametrize("who", ["oncd", "developer", "gateway-1"])
def test_only_a_token_of_an_applicant_is_invited(plane, who):
    plane.apply(SECRET)
    size = plane.size
    assert no(invite(plane, who)) == "token_unknown"
    yes(plane.do("developer", tokens.REVOKE, principal=plane.who["rival"].id))
    assert no(invite(plane, "rival")) == "token_unknown"
    assert plane.size == size


# Coming back under another plan


def tighten(plane):
    yes(plane.apply(plan_value(stages=[stage(eligibility={"registeredIn": ["GB"]})])))


def renew(plane, grant, organization=None):
    return plane.do("applicant", acts.AMEND, grant=grant, renew=True, organization=organization)


def test_an_appeal_is_checked_against_the_plan_in_force(plane):
    denied = [plane.submit(surface=surface).application for surface in ("api", CODEX)]
    for case in denied:
        plane.say(case, "oncd", "object")
    assert yes(plane.do("applicant", acts.APPEAL, case=denied[0], text="why")).against == denied[0]
    tighten(plane)
    size = plane.size
    assert no(plane.do("applicant", acts.APPEAL, case=denied[1], text="why")) == "not_eligible"
    assert no(plane.do("applicant", acts.REPLY, case=denied[1], text="why")) == "terms_changed"
    assert plane.size == size


def test_a_renewal_is_checked_against_the_plan_in_force(plane):
    grant = plane.admit()
    renewal = yes(renew(plane, grant)).application
    plane.say(renewal, "oncd", "object")
    tighten(plane)
    assert no(renew(plane, grant)) == "not_eligible"
    moved = json.dumps({"name": "Example Utility", "registeredIn": "GB"})
    yes(renew(plane, grant, moved))


# What each act takes


@pytest.mark.parametrize("act", [acts.ANSWER, acts.REPLY, acts.APPEAL, acts.RETURN])
@pytest.mark.parametrize("text", ["", " \n", "x" * 2_001])
def test_a_text_has_something_in_it_and_is_not_too_long(plane, act, text):
    case, size = plane.submit("developer").application, plane.size
    with pytest.raises(InvalidInput):
        plane.do("developer", act, case=case, text=text)
    assert plane.size == size


@pytest.mark.parametrize("act", [acts.ACCEPT, acts.WITHDRAW])
def test_what_an_act_does_not_take_is_refused(act):
    with pytest.raises(Misread):
        act.asked.from_json({"case": "case_x", "text": "why"})


def test_only_who_applied_acts_for_the_applicant(plane):
    case = plane.submit().application
    for act, more in ((acts.WITHDRAW, {}), (acts.ANSWER, {"text": "so it is"})):
        assert no(plane.do("rival", act, case=case, **more)) == "case_unknown"
        assert no(plane.do("developer", act, case=case, **more)) == "not_applicant"
    assert no(plane.do("rival", acts.RETURN, case=case, text="deficient")) == "case_unknown"
    assert yes(plane.do("developer", acts.RETURN, case=case, text="deficient")).determination == "returned"


# Reading


def test_a_case_is_shown_with_everything_said(plane):
    case = plane.submit().application
    plane.say(case, "oncd", "abstain")
    plane.say(case, "oncd")
    shown = yes(plane.do("applicant", cases.SHOW, case=case))
    assert (shown.state, shown.determination, shown.awaiting) == ("in_review", None, ("ostp",))
    assert [(said.position, said.superseded) for said in shown.positions] == [
        ("abstain", True),
        ("approve", False),
    ]
    assert (shown.application, shown.stage, shown.surface, shown.grant) == (
        case,
        STAGE,
        "api",
        None,
    )


def test_a_grant_is_shown_with_how_far_it_has_come(plane):
    grant = plane.admit()
    case = next(c for c in plane.do("applicant", cases.LIST).cases).case
    shown = yes(plane.do("applicant", cases.SHOW, case=case)).grant
    assert (shown.grant, shown.state, shown.models) == (grant, "approved", ("gpt-5.6",))
    assert shown.valid_until_ms == plane.wall.at_ms + 30 * DAY_MS
    plane.credential(grant)
    assert yes(plane.do("applicant", cases.SHOW, case=case)).grant.state == "provisioned"


def test_a_grant_without_an_end_is_shown_so(plane):
    plane.apply(plan_value(stages=[stage(conditions=None)]))
    plane.opened(plan_value(stages=[stage(conditions=None, seats=9)]))
    grant = plane.admit()
    with plane.ledger.reading() as state:
        shown = grant_of(state, grant)
        assert shown is not None
        assert shown.valid_until_ms is None
        assert grant_of(state, "grant_unknown") is None


def test_nobody_is_shown_what_does_not_concern_them(plane):
    case = plane.submit("applicant").application
    for name in ("rival", "caisi"):
        assert no(plane.do(name, cases.SHOW, case=case)) == "case_unknown"
        assert no(plane.do(name, review.EXPORT, case=case)) == "case_unknown"
        hidden = plane.do(name, cases.SHOW, case=case)
        missing = plane.do(name, cases.SHOW, case="x" * len(case))
        assert repr(hidden).replace(case, "x" * len(case)) == repr(missing)


def test_cases_are_listed_newest_first(plane):
    first, second = plane.submit().application, plane.submit(surface=CODEX).application
    listed = plane.do("applicant", cases.LIST)
    assert [case.case for case in listed.cases] == [second, first]
    assert listed.size == plane.size


def test_who_asks_for_an_exception_from_a_directive_is_found_behind_those_who_ask_for_another(plane):
    grant = plane.admit()
    asked: dict[str, str] = {}
    for name in ("d-1", "d-2"):
        yes(plane.direct(name))
        asked[name] = yes(plane.do("applicant", licences.REQUEST, directive=name, grant=grant)).case
    found = plane.do("developer", cases.LIST, directive="d-1", state=cases.OPEN, limit=1)
    assert ([each.case for each in found.cases], found.next) == ([asked["d-1"]], None)
    yes(plane.do("applicant", acts.WITHDRAW, case=asked["d-2"]))
    for name, open_ones in (("d-1", [asked["d-1"]]), ("d-2", [])):
        seen = filled(plane, "developer", officer.PAGES, directives.SHOW, directive=name)
        assert [each.case for each in seen["asking"]] == open_ones


# Reviewing


def test_what_is_exported_is_enough_to_decide_and_to_check(plane):
    case = plane.submit().application
    exported = yes(plane.do("oncd", review.EXPORT, case=case))
    assert exported.question == plane.case(case).question
    assert exported.parties == {worlds.keyid(name): name for name in ("oncd", "ostp")}
    assert exported.previous == {}
    assert exported.terms.terms[STAGE] == exported.question.terms
    opened = Opening(exported.dossier.salt, canonical.dumps(exported.dossier.application))
    assert opened.commitment("sealed", "application") == exported.question.party


def test_an_export_says_what_to_follow(plane):
    case = plane.submit().application
    plane.say(case, "oncd", "abstain")
    exported = yes(plane.do("ostp", review.EXPORT, case=case))
    assert exported.previous == {"oncd": plane.case(case).positions["oncd"].digest}


def test_an_export_without_a_dossier(plane):
    with plane.ledger.reading() as state:
        terms = next(iter(state.cases))
    exported = yes(plane.do("oncd", review.EXPORT, case=terms))
    assert exported.dossier is None
    assert exported.terms.metadata.name == RELEASE


def test_an_export_shows_the_plan_its_question_binds_even_when_that_is_gone(plane):
    case = plane.submit().application
    before = yes(plane.do("oncd", review.EXPORT, case=case)).terms
    plane.apply(plan_value(stages=[looser()]))
    assert yes(plane.do("oncd", review.EXPORT, case=case)).terms == before


def test_a_position_may_be_carried_by_anybody_who_may_import(plane):
    """A signature, not a token, makes it count."""
    case = plane.submit().application
    plane.carry(worlds.position(plane.case(case), "oncd"), "developer")
    plane.carry(worlds.position(plane.case(case), "ostp"), "caisi")
    assert plane.case(case).outcome == "approved"


def test_a_token_does_not_make_a_position_count(plane):
    case = plane.submit().application
    forged = worlds.position(plane.case(case), "oncd", signer="stranger")
    assert no(plane.carry(forged, "oncd")) == "signature_invalid"


@pytest.mark.parametrize(
    "envelope", [{}, {"payload": 5}, {"payload": "", "payloadType": "x", "signatures": []}]
)
def test_what_is_no_envelope_is_refused(plane, envelope):
    with pytest.raises(BadEnvelope):
        plane.do("oncd", review.IMPORT, envelope=envelope)


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)])
def test_an_opening_has_a_whole_salt(plane, salt):
    case = plane.submit().application
    envelope = worlds.position(plane.case(case), "oncd").to_json()
    with pytest.raises(Misread):
        plane.do("oncd", review.IMPORT, envelope=envelope, opened=Opening(salt, b'"x"'))


def test_an_answer_has_the_fields_of_what_was_stated(plane):
    """A field that is null says something else than one that is not there."""
    case = plane.submit().application
    received = yes(plane.carry(worlds.receipt(plane.case(case), "oncd").envelope, "oncd")).to_json()
    assert received.keys() == {"case", "agency", "digest", "due", "size"}
    assert received["due"] is None
    taken = yes(plane.say(case, "oncd")).to_json()
    assert taken.keys() == {"case", "agency", "digest", "determination", "size"}
    assert (taken["determination"], taken["size"]) == (None, plane.size)
    assert yes(plane.say(case, "ostp")).determination == "approved"


def test_a_list_put_in_use_names_its_version(plane):
    used = yes(plane.do("developer", review.USE_LIST, name="entities", version="7"))
    assert (used.list, used.version, used.reopened, used.size) == ("entities", "7", (), plane.size)


def test_what_is_listed_is_json(plane):
    plane.admit()
    for name in ("developer", "oncd", "applicant"):
        for case in plane.do(name, cases.LIST).cases:
            json.dumps(plane.do(name, cases.SHOW, case=case.case).to_json(), allow_nan=False)


def test_a_case_tells_all_but_its_applicant_that_it_was_hoped_for(plane):
    file = json.dumps({"name": "Example Utility", "registeredIn": "US"})
    asked = {"release": RELEASE, "stage": STAGE, "organization": file, "file": "organization.yaml"}
    hoped = yes(plane.do("developer", acts.NOMINATE, **asked)).nomination
    assert yes(plane.do("developer", acts.NOMINATE, **asked)).nomination == hoped
    known = {name: yes(plane.submit(name=name)).application for name in ("Example Utility", "Example Grid")}
    found = {
        (who, name): plane.do(who, cases.SHOW, case=case).nominated
        for who in ("developer", "oncd", "applicant")
        for name, case in known.items()
    }
    told = {(who, name): name == "Example Utility" for who in ("developer", "oncd") for name in known}
    assert found == told | {("applicant", name): None for name in known}
