"""What the command line says of what a stage lets into the world."""

from __future__ import annotations

import json
from pathlib import Path

from sluicegate.acts import releases
from sluicegate.cli import changes
from sluicegate.cli.releases import status
from tests.plane import Plane, yes
from tests.worlds import plan_value, stage

EXPOSED = {"organizations": 24, "people": {"value": 2_000, "enforced": True}, "requestsPerDay": 10**5}


def test_the_status_says_what_is_let_in_what_of_and_whether_that_binds() -> None:
    plane = Plane()
    plane.opened(plan_value(stages=[stage(exposure=EXPOSED)]))
    plane.admit("applicant")
    lines = [
        [
            each.strip()
            for each in status(yes(plane.do(who, releases.STATUS))).splitlines()
            if "exposure" in each
        ]
        for who in ("developer", "applicant")
    ]
    assert lines[0] == [
        "exposure: 1 of 24 organizations (stated, not enforced)",
        "exposure: 0 of 2,000 people (enforced)",
        "exposure: 0 of 100,000 requests a day, by UTC (stated, not enforced)",
    ]
    assert [each.split(" of ")[0] for each in lines[1]] == ["exposure: few"] * 3


def test_a_preview_says_what_is_let_in_now_beside_the_new_value() -> None:
    plane = Plane()
    plane.opened(plan_value(stages=[stage(exposure=EXPOSED)]))
    plane.admit("applicant")
    given = plan_value(stages=[stage(exposure={**EXPOSED, "organizations": {"value": 9, "enforced": True}})])
    found = yes(plane.do("developer", releases.PREVIEW, text=json.dumps(given), file="plan.yaml"))
    text = changes.preview(found, Path("plan.yaml"))
    assert "    => it lets in 1 now, of 9 organizations (enforced)\n" in text
    assert "people" not in text
