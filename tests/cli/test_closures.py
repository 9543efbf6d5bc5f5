"""A release is closed with a report by command line alone, and parties sign that or dissent from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sluicegate_record.entries import read
from tests.cli.test_licences import ORDER
from tests.cli.test_ramps import GENERAL
from tests.cli.timed import PLAN, WHERE, TimedPlane, timed_plane
from tests.worlds import OFFICER

RELEASE = "gpt-5.6"


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    """Both stages are open, and the second one ramps."""
    with timed_plane(cli, tmp_path) as made:
        made.answer("apply", made.file("plan.yaml", PLAN + GENERAL))
        for case in made.answer("case", "list")["cases"]:
            if case["state"] != "determined":
                for agency in ("oncd", "ostp"):
                    made.say(case["case"], agency)
        for stage in ("trusted-partners", "general"):
            made.answer("stage", "open", RELEASE, stage, "--key", made.key(OFFICER))
        yield made


def test_a_release_is_closed_once_it_is_done_and_parties_sign_its_report(plane):
    key = ("--key", plane.key(OFFICER))
    told = plane.text("release", "report", RELEASE, by="applicant")
    assert "gpt-5.6 is not closed: the release 'gpt-5.6' is not done: only 5 per cent are in general" in told
    assert plane.error("release", "close", RELEASE, *key, "--yes")["code"] == "release_not_done"
    plane.later(5)
    case = plane.submit("Example Utility")
    assert "1 applications are open" in plane.text("release", "report", RELEASE)
    plane.say(case, "ostp", "object", "--reason", "too early")
    plane.later(11)
    assert plane("release", "close", RELEASE, *key).code == 2
    done = plane.answer("release", "close", RELEASE, *key, "--yes")
    plane.answer("release", "sign", RELEASE, "--key", plane.key("ostp"), by="ostp")
    dissent = ("release", "dissent", RELEASE, "--reason", "an evaluation is missing")
    plane.answer(*dissent, "--key", plane.key("caisi"), by="caisi")
    told = plane.text("release", "report", RELEASE, by="applicant")
    for line in (
        f"gpt-5.6 was closed on 2026-07-15 15:00Z by {OFFICER}",
        "  stage trusted-partners: opened 2026-06-29 15:00Z; 0 grants, 0 removed",
        "    asked: oncd, ostp",
        f"  report {done['report']}",
        "  caisi dissents: an evaluation is missing",
        "  ostp signs",
    ):
        assert line in told, told
    assert "gpt-5.6 was closed on 2026-07-15 15:00Z; caisi dissents; ostp signs" in plane.text("status")
    other = plane.file("other.yaml", (PLAN + GENERAL).replace("share: 5", "share: 6"))
    assert plane.error("apply", other)["code"] == "release_closed"
    applies = ("application", "submit", *WHERE, "--organization", plane.organization("Example Rail"))
    assert plane.error(*applies, by="rival")["code"] == "release_closed"


def test_a_report_says_how_a_directive_ended_and_can_be_read_back(plane):
    plane.later(12)
    key = ("--key", plane.key("oncd"))
    plane.answer("directive", "issue", plane.file("order.yaml", ORDER), *key, by="oncd")
    assert "directive bis-1 of oncd: since 2026-07-11 15:00Z, in force" in plane.text(
        "release", "report", RELEASE
    )
    plane.answer("directive", "lift", "bis-1", *key, by="oncd")
    plane.answer("release", "close", RELEASE, "--key", plane.key(OFFICER), "--yes")
    told = plane.text("release", "report", RELEASE)
    assert "directive bis-1 of oncd: since 2026-07-11 15:00Z, lifted 2026-07-11 15:00Z" in told
    (entry,) = (
        each for each in plane.ledger.entries(0, plane.ledger.size()) if each.type == "release.closed"
    )
    assert read(entry.leaf).body == entry.body
