from __future__ import annotations

import hashlib

import pytest

from sluicegate.acts import credentials as acts
from sluicegate.errors import InvalidInput
from tests.plane import Plane, no, yes

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
        assert not state.table.revoked(issued)


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
