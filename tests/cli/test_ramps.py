"""An officer moves a ramp by command line alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, TimedPlane, timed_plane
from tests.worlds import OFFICER

GENERAL = """\
    - name: general
      basis: {kind: agreed, askedBy: [oncd, ostp], how: a memorandum, askedOn: "2026-06-24"}
      audience: everyone
      ramp: [{share: 5, for: P2D}, {share: 50, for: P2D}, {share: 100}]
      grants: {trusted-partners: {become: general}}
"""
STAGE = ("gpt-5.6", "general")


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    """A control plane on which a stage for everyone has just opened, with some accounts."""
    with timed_plane(cli, tmp_path) as made:
        made.answer("apply", made.file("plan.yaml", PLAN + GENERAL))
        for case in [each for each in made.answer("case", "list")["cases"] if each["stage"] == "general"]:
            for agency in ("oncd", "ostp"):
                made.say(case["case"], agency)
        made.answer("stage", "open", *STAGE, "--key", made.key(OFFICER))
        for number in range(12):
            made.answer("account", "open", "--organization", made.organization(f"Example {number}"))
        yield made


def signed(plane, word, *more):
    return ("ramp", word, *STAGE, *more, "--reason", "errors", "--key", plane.key(OFFICER))


def told(plane):
    return next(line for line in plane.text("status").splitlines() if "for everyone" in line)


def test_a_ramp_is_paused_goes_on_and_is_taken_back(plane):
    assert told(plane).endswith("5 per cent of organizations are in now, 50 on 2026-07-01 15:00Z")
    plane.later(3)
    done = plane.text(*signed(plane, "pause"))
    assert done.startswith("the ramp of gpt-5.6/general stands still: 50 per cent are in; the public log now")
    plane.later(3)
    assert told(plane).endswith("50 per cent of organizations are in now; paused by an officer")
    assert plane.error(*signed(plane, "pause"))["code"] == "ramp_stands"
    plane.text(*signed(plane, "on"))
    plane.later(2)
    assert "100 per cent of organizations" in told(plane)
    back = ("ramp", "back", *STAGE, "--reason", "errors", "--preview")
    found = plane.error(*back, "--to", "7")
    assert (found["code"], found["remedy"]) == ("no_such_share", "one of 5, 50")
    found = plane.answer("ramp", "back", *STAGE, "--to", "5", "--reason", "errors", "--preview")
    assert (found["organizations"], found["share"]) == (12, 100)
    assert found["losing"] > 0
    assert "100 per cent of organizations" in told(plane)


def test_going_back_says_who_loses_access_and_asks(plane):
    plane.later(9)
    refused = plane(*signed(plane, "back", "--to", "5"), "--json")
    assert refused.code == 2
    assert "that are in" in refused.err
    assert "would lose access" in refused.err
    assert "100 per cent" in told(plane)
    done = plane.answer(*signed(plane, "back", "--to", "50"), "--yes")
    assert (done["share"], done["says"]) == (50, "returns")
    error = plane.error(*signed(plane, "back", "--to", "50"), "--yes")
    assert (error["code"], error["remedy"]) == ("no_such_share", "one of 5")
    assert plane("ramp", "back", *STAGE, "--to", "5", "--reason", "errors").code == 2
