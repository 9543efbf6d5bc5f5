"""The date of a basis by command line alone: what the status says of it, and who decides after a lapse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, TimedPlane, timed_plane
from tests.worlds import OFFICER

SAYS = 'until: "2026-07-20", afterUntil: lapse}'
DATED = PLAN.replace('askedOn: "2026-06-24"}', f'askedOn: "2026-06-24", {SAYS}')


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    """A control plane on Monday, 29 June 2026, with a basis that has a date."""
    with timed_plane(cli, tmp_path) as made:
        assert DATED != PLAN
        made.text("apply", made.file("dated.yaml", DATED))
        (case,) = made.answer("case", "list", "--kind", "terms", "--state", "in_review")["cases"]
        for agency in ("oncd", "ostp"):
            made.say(case["case"], agency)
        made.say(case["case"], "caisi")
        made.text("stage", "open", "gpt-5.6", "trusted-partners", "--key", made.key(OFFICER))
        yield made


def test_a_lapse_is_said_before_and_after_and_then_an_officer_decides_alone(plane):
    told = plane.text("status", by="applicant")
    assert "When 2026-07-20 is over, its rules lapse: from then on an officer of openai decides" in told
    case = plane.submit("Example Utility")
    plane.later(22)
    told = plane.text("status", by="oncd")
    assert "Its rules lapsed when 2026-07-20 was over: caisi and oncd and ostp no longer decide." in told
    assert "the basis has lapsed, so an officer decides alone" in plane.show(case)
    said = plane.folder / "said.json"
    proceed = ("review", "proceed", case, "--reason", "the framework ended", "-o", said)
    assert f"then: sluicegate review import {said}" in plane.text(*proceed, "--key", plane.key(OFFICER))
    assert ": approved" in plane.text("review", "import", said)
    assert "openai, proceeded: the framework ended" in plane.show(case)
