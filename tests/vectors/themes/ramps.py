"""Themes about ramps: paused, gone on with, taken back, and what is in stays in when a stage opens again."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.ramps import MoveRamp
from tests.vectors.history import History
from tests.vectors.themes.stages import AGREED
from tests.worlds import moving, plan_value, stage

RAMPED, FORESEEN, EVERYONE = "gpt-12", "gpt-13", "everyone"
STEPS = [{"share": 5, "for": "P2D"}, {"share": 50, "for": "P2D"}, {"share": 100}]


def _stage(**changes: Any) -> dict[str, Any]:
    body = {"basis": AGREED, "audience": "everyone", "admission": None, "conditions": {}, "ramp": STEPS}
    return stage(EVERYONE, **{**body, **changes})


def _moved(h: History) -> None:
    """Paused at a share, gone on with, taken back, and paused once more when its terms change."""

    def move(says: str, **said: Any) -> MoveRamp:
        return moving(h.state, says, RAMPED, EVERYONE, **said)

    h.apply(plan_value(RAMPED, models=(RAMPED,), stages=[_stage()]))
    h.agree_to(RAMPED)
    h.no("stage_not_open", move("pauses"))
    h.opens(RAMPED, EVERYONE)
    h.later(3)
    pauses = move("pauses")
    h.must(pauses, by="officer")
    h.must(pauses, by="officer")
    h.no("ramp_stands", move("pauses"))
    h.later(3)
    h.must(move("continues"), by="officer")
    h.no("no_such_share", move("returns", share=40))
    h.must(move("returns", share=5), by="officer")
    h.must(move("continues"), by="officer")
    h.later(2)
    h.must(move("pauses"), by="officer")
    h.apply(plan_value(RAMPED, models=(RAMPED,), stages=[_stage(conditions={"requestsPerMinute": 9})]))
    h.apply(plan_value(RAMPED, models=(RAMPED,), stages=[_stage(conditions={"requestsPerMinute": 90})]))
    h.agree_to(RAMPED)
    h.opens(RAMPED, EVERYONE)
    assert h.newest("stage.opened", release=RAMPED)["ramp"] == {"places": 5_000, "paused": True}
    h.must(move("continues"), by="officer")
    h.later(5)
    h.no("ramp_over", move("pauses"))


def _foreseen(h: History) -> None:
    """Those whose grants go on as part of a stage hear of it a day before it opens."""
    h.foresees = True
    grants = {"preview": {"become": EVERYONE, "notice": "P1D"}}
    general = _stage(opensWhen={"allOf": [{"soak": "P3D"}]}, grants=grants)
    h.apply(plan_value(FORESEEN, models=(FORESEEN,), stages=[stage("preview"), general]))
    h.agree_to(FORESEEN)
    h.opens(FORESEEN, "preview")
    h.admits("foreseen-1", FORESEEN, "preview")
    h.later(2)
    h.last("stage.foreseen")
    h.later(1)
    h.last("stage.opened")


RAMPS = (_moved, _foreseen)
