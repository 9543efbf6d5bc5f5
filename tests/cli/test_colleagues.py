"""The people of an organization, by command line alone."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.cli.timed import TimedPlane, timed_plane


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        yield made


def test_a_customer_lets_a_colleague_in_and_ends_their_access(plane):
    case = plane.submit("Example Utility")
    link = plane.text("sign-in", "invite", "--name", "Ana", by="applicant").split()[-1]
    assert link.startswith("http://control.localhost:")
    said = plane.text("colleague", "list", by="applicant").splitlines()
    (row,) = (line.split() for line in said if " Ana " in line)
    assert row[-1] == "valid"

    token = plane.answer("token", "issue", "--role", "applicant", "--name", "Ana")["token"]
    theirs = plane.cli("case", "list", url=plane.url, token=token)  # an Ana of another organization
    assert case not in theirs.out
    forbidden = plane.cli("colleague", "end", row[0], "--yes", url=plane.url, token=token)
    assert "no colleague" in forbidden.err

    assert plane.text("colleague", "promote", row[0], by="applicant") == "Ana is an administrator\n"
    assert plane.text("colleague", "demote", row[0], by="applicant") == "Ana is no administrator any more\n"
    own = next(line.split()[0] for line in said if " applicant " in line)
    last = plane.error("colleague", "end", own, "--yes", by="applicant")
    assert last["code"] == "last_administrator"
    ended = plane.text("colleague", "end", row[0], "--yes", by="applicant")
    assert ended == "the access of Ana has ended\n"
    with httpx2.Client(base_url=plane.url, trust_env=False) as anyone:
        assert anyone.get(link[link.index("/welcome/") :]).status_code == 401


def test_a_token_for_oneself_takes_the_place_of_the_one_before(plane):
    case = plane.submit("Example Utility")
    token = plane.text("token", "renew", by="applicant").split()[-1]
    assert case in plane.cli("case", "list", url=plane.url, token=token).out
    assert plane("case", "list", by="applicant").code == 1


def test_ways_in_are_said_with_whose_they_are(plane):
    mine = plane.text("sign-in", "list", by="oncd").splitlines()[0]
    assert mine.startswith("oncd, agency for oncd (agency_")
    theirs = plane.text("sign-in", "list", "--principal", mine.split("(")[1][:-1], by="developer")
    assert theirs.splitlines()[0] == mine
