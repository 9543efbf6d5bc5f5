"""Themes about grants that go on as part of another stage, and a recall that binds what comes after it."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.grants import OpenRemoval
from sluicegate.core.lifecycle.recalls import RecallRelease, RestoreRelease
from sluicegate.core.lifecycle.releases import ApplyPlan
from sluicegate_record.terms.programmes import HeldProgramme
from tests.listing import LISTED, applying, opening_account, party
from tests.vectors.history import History
from tests.worlds import opening, plan_value, stage, stage_closing

SPLIT, OLD, GOVERNMENT, RED, REST, NEWER = "gpt-split", "preview", "government", "red", "rest", "newer"
HAS_RED = HeldProgramme(concern="cyber", name="red")
PROGRAMMES = {"cyber": {"standard": {}, "red": {"asks": {"mfa": True}}}}


def _plan(*more: dict[str, Any]) -> ApplyPlan:
    stages = [
        stage(GOVERNMENT, audience=LISTED, grants={OLD: {"become": GOVERNMENT}}),
        stage(REST, seats=2, conditions={"requestsPerMinute": 60}, grants={OLD: {"become": REST}}),
        stage(RED, audience={"programme": "red"}, grants={OLD: {"become": RED}, REST: {"become": RED}}),
        *more,
    ]
    plan = plan_value(SPLIT, models=(SPLIT,), programmes=PROGRAMMES, stages=stages)
    return applying(plan, ["Split One"])


def _split(h: History) -> None:
    """A stage is split in three: for those on a list, for who holds a programme, and for the rest."""
    h.apply(plan_value(SPLIT, models=(SPLIT,), programmes=PROGRAMMES, stages=[stage(OLD)]))
    h.agree_to(SPLIT)
    h.opens(SPLIT, OLD)
    grants = {name: h.admits(f"split-{name}", SPLIT, OLD) for name in ("one", "two", "three", "four")}
    h.must(opening_account("Split One", organization="split-one"), by="operator")
    for name, grant in grants.items():
        h.issues(grant, f"key of split-{name}")
    removal = h.must(OpenRemoval(grants["four"], "misuse", "a notice"), by="operator")["case"]
    h.must(_plan())
    h.agree_to(SPLIT)
    for name in (GOVERNMENT, REST, RED):
        h.opens(SPLIT, name)
    assert h.newest("grant.moved", stage=GOVERNMENT)["party"] == party("Split One")
    assert h.newest("grant.moved", stage=REST)["conditions"]["requestsPerMinute"] == 60
    h.says(removal, "oncd object")
    case = h.must(h.amend(grants["two"], renew=False, programmes=(HAS_RED,)), by="user of split-two")
    h.says(case["application"], "oncd approve", "ostp approve")
    h.newest("grant.moved", stage=RED, grant=grants["two"])
    h.newest("grant.moved", stage=REST, grant=grants["four"])


def _withdrawn(h: History) -> None:
    """The release is withdrawn: a stage that comes later opens once it is back, and not by itself before."""
    names = (GOVERNMENT, REST, RED)
    closings = (stage_closing(SPLIT, name, recalls=True) for name in (OLD, *names))
    h.must(RecallRelease(tuple(closings)), by="officer")
    h.must(_plan(stage(NEWER, opensWhen={"allOf": [{"terms": "agreed"}]})))
    h.agree_to(SPLIT)
    h.later(1)
    openings = tuple(opening(h.state, SPLIT, name) for name in names)
    h.must(RestoreRelease(openings), by="officer")
    h.newest("stage.opened", stage=NEWER)


SPLITS = (_split, _withdrawn)
