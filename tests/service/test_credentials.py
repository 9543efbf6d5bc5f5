from __future__ import annotations

import hashlib
from contextlib import nullcontext

import pytest

from sluicegate.acts import credentials as acts
from sluicegate.acts import grants, members
from sluicegate.acts.members import MemberRow
from sluicegate.core.people.persons import identifier
from sluicegate.errors import InvalidInput
from sluicegate_record.log.times import DAY_MS
from tests.plane import Plane, no, yes
from tests.worlds import RELEASE

DIGEST = hashlib.sha256(b"key").hexdigest()


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    return plane


def test_the_applicant_and_the_staff_issue_and_revoke(plane):
    grant = plane.admit()
    for who, key in (("applicant", "a"), ("developer", "b")):
        issued = plane.credential(grant, key, who)
        assert issued.grant == grant
        revoked = yes(plane.do(who, acts.REVOKE, credential=issued.credential))
        assert revoked.credential == issued.credential


def test_nobody_issues_or_revokes_under_anothers_grant(plane):
    """Its being there at all is not told."""
    grant = plane.admit("applicant")
    issued = plane.credential(grant).credential
    refused = plane.credential(grant, "b", "rival")
    assert no(refused) == "grant_unknown"
    missing = plane.credential("x" * len(grant), "b", "rival")
    assert repr(refused).replace(grant, "x" * len(grant)) == repr(missing)
    rival = plane.do("rival", acts.REVOKE, credential=issued)
    assert no(rival) == "credential_unknown"
    with plane.ledger.reading() as state:
        assert not state.table.credentials_by_id[issued].state.revoked


@pytest.mark.parametrize("who", ["applicant", "developer"])
@pytest.mark.parametrize("name", ["", "grant_unknown", "x" * 500])
def test_what_is_not_there_is_refused(plane, who, name):
    assert no(plane.credential(name, who=who)) == "grant_unknown"
    assert no(plane.do(who, acts.REVOKE, credential=name)) == "credential_unknown"


@pytest.mark.parametrize(
    "digest", ["", DIGEST[:-1], DIGEST.upper(), DIGEST + "\n", "sg_" + "A" * 49, "g" * 64]
)
def test_what_is_no_digest_is_refused(plane, digest):
    grant = plane.admit()
    with pytest.raises(InvalidInput) as caught:
        plane.do("applicant", acts.ISSUE, grant=grant, digest=digest)
    assert digest not in caught.value.message or not digest


def test_the_same_command_again_is_the_same_credential(plane):
    grant = plane.admit()
    first = plane.do("applicant", acts.ISSUE, "issue-12345", grant=grant, digest=DIGEST)
    assert plane.do("applicant", acts.ISSUE, "issue-12345", grant=grant, digest=DIGEST) == first
    again = plane.do("applicant", acts.ISSUE, "issue-67890", grant=grant, digest=DIGEST)
    assert no(again) == "key_known"


# The list


def listed(plane, who, **wanted):
    return yes(plane.do(who, acts.LIST, **wanted)).credentials


def test_each_party_lists_the_keys_under_the_grants_that_it_may_see(plane):
    mine, theirs = plane.admit("applicant"), plane.admit("rival", "Example Grid")
    first, second = (plane.credential(mine, key).credential for key in "ab")
    other = plane.credential(theirs, "c", "rival").credential
    again = plane.credential(mine, "d").credential
    everything = [other, again, second, first]
    for who, expected in {
        "developer": everything, "oncd": everything, "caisi": [],
        "applicant": [again, second, first], "rival": [other],
    }.items():  # fmt: skip
        assert [each.credential for each in listed(plane, who)] == expected, who
        found, before = [], None
        while True:
            page = yes(plane.do(who, acts.LIST, limit=1, before=before))
            found += [each.credential for each in page.credentials]
            before = page.next
            if before is None:
                break
        assert found == expected, who
    for filtered in ({"grant": theirs}, {"organization": "grid"}, {"grant": theirs, "release": RELEASE}):
        assert [each.credential for each in listed(plane, "developer", **filtered)] == [other]
    for nothing in ({"release": "unknown"}, {"organization": "nowhere"}, {"grant": theirs, "release": "x"}):
        assert listed(plane, "developer", **nothing) == ()


def test_a_grant_without_a_key_has_no_row(plane):
    grant = plane.admit()
    assert listed(plane, "applicant") == listed(plane, "applicant", grant=grant) == ()


def test_what_the_reader_may_not_see_is_refused_as_what_is_not_there(plane):
    grant = plane.admit()
    key = plane.credential(grant).credential
    for asked, code in (({"grant": grant}, "grant_unknown"), ({"before": key}, "credential_unknown")):
        missing = dict.fromkeys(asked, "nothing")
        for who, given in (("rival", asked), ("caisi", asked), ("developer", missing), ("rival", missing)):
            assert no(plane.do(who, acts.LIST, **given)) == code


def test_a_row_says_whether_a_key_can_be_used_and_tells_its_member_to_the_holder_alone(plane):
    grant = plane.admit()
    rows = (MemberRow(identifiers=(identifier("ada"),)),)
    (ada,) = yes(plane.do("applicant", members.REGISTER, grant=grant, rows=rows)).members
    bound = yes(plane.do("applicant", acts.ISSUE, grant=grant, digest=DIGEST, member=ada)).credential
    for who, member in (("applicant", ada), ("developer", None), ("oncd", None)):
        (row,) = listed(plane, who)
        assert (row.state, row.grant_state, row.member) == ("valid", "provisioned", member), who
    plane.do("applicant", acts.REVOKE, credential=bound)
    plane.do("developer", grants.SUSPEND, grant=grant, code="misuse")
    (row,) = listed(plane, "applicant")
    assert (row.state, row.grant_state) == ("revoked", "suspended")


# Shown, and rotated


def test_a_credential_is_shown_to_those_who_list_it(plane):
    grant = plane.admit("applicant")
    asked = {"grant": grant, "digest": DIGEST, "label": "build", "expires": "2099-01-31"}
    issued = yes(plane.do("applicant", acts.ISSUE, **asked)).credential
    for who, label in (("developer", "build"), ("applicant", "build"), ("oncd", None)):
        shown = yes(plane.do(who, acts.SHOW, credential=issued))
        assert (shown.credential, shown.label, shown.state) == (issued, label, "valid"), who
        assert shown == listed(plane, who)[0]
    for who, name in (("rival", issued), ("caisi", issued), ("developer", "cred_x")):
        assert no(plane.do(who, acts.SHOW, credential=name)) == "credential_unknown"


@pytest.mark.parametrize("expires", ["soon", "2020-01-01", "31.01.2099"])
def test_a_key_is_not_issued_until_no_time(plane, expires):
    grant = plane.admit()
    with pytest.raises(InvalidInput) if expires != "2020-01-01" else nullcontext():
        refused = plane.do("applicant", acts.ISSUE, grant=grant, digest=DIGEST, expires=expires)
        assert no(refused) == "expiry_passed"


def test_a_key_is_rotated_by_its_holder_and_the_staff(plane):
    grant = plane.admit("applicant")
    old = plane.credential(grant, "old").credential
    assert no(plane.do("rival", acts.ROTATE, credential=old, digest=DIGEST)) == "credential_unknown"
    with pytest.raises(InvalidInput):
        plane.do("applicant", acts.ROTATE, credential=old, digest="x")
    done = yes(plane.do("applicant", acts.ROTATE, "rotate-12345", credential=old, digest=DIGEST, days=3))
    assert (
        yes(plane.do("applicant", acts.ROTATE, "rotate-12345", credential=old, digest=DIGEST, days=3)) == done
    )
    rows = {each.credential: each for each in listed(plane, "applicant")}
    assert rows[old].expires_ms == done.until_ms == plane.ledger.now_ms() + 3 * DAY_MS
    assert rows[done.credential].expires_ms is None
    again = yes(plane.do("developer", acts.ROTATE, credential=done.credential, digest="1" * 64))
    assert again.until_ms == plane.ledger.now_ms() + 7 * DAY_MS
