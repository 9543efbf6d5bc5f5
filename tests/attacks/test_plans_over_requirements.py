"""A developer that applies another plan, to which no one agreed, to get around what a stage requires.

Grants go on under the terms by which they were given. So what those terms require still has to hold: each
kind of requirement that someone can take back is here, with how it holds and how it is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.evidence import RecordEvidence
from sluicegate.core.lifecycle.releases import CloseStage
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.terms import requirements
from tests.core.access.test_findings import refused
from tests.core.access.test_vouch import folded, trust
from tests.core.lifecycle.test_clearances import STANDARD, say
from tests.evaluated import NAME, TESTED, asked, envelope, run, tell, withdraw
from tests.found import close, misuse, report, reported, retest
from tests.worlds import MODEL, RELEASE, STAGE, World, digest, looser, plan_value, stage, stage_closing

FIRST: dict[str, Any] = stage("first", opensWhen={"allOf": [{"terms": "agreed"}]})
HELD = {"hold": {"by": "oncd", "reason": "until it is looked at"}}
NEWER = {"safeguards": digest("newer")}
SUSPENDING = [{"name": "high", "respond": "suspend"}]


class Kind(NamedTuple):
    """A requirement that can be lost: how it comes to hold, and how it is lost."""

    asks: dict[str, Any]
    holds: Callable[[World], object]
    loses: Callable[[World], object]


def shut(world: World) -> None:
    """An officer closes the first stage."""
    world.must(CloseStage(stage_closing(name="first")))


KINDS = {
    "adopted": Kind(
        {"adopted": {"standard": STANDARD, "by": ["ostp"]}},
        lambda world: say(world, "ostp", "adopts", version="1"),
        lambda world: say(world, "ostp", "withdraws", reason="it has a fault"),
    ),
    "attested": Kind(
        {"attested": {"standard": STANDARD, "by": ["caisi"]}},
        lambda world: say(world, "caisi", "attests"),
        lambda world: say(world, "caisi", "retracts"),
    ),
    "hold": Kind(
        HELD,
        lambda world: say(world, "oncd", "releases", STAGE),
        lambda world: say(world, "oncd", "holds", STAGE, reason="again"),
    ),
    "after": Kind({"after": "first"}, lambda _: None, shut),
    "soak": Kind({"soak": "P1D", "of": "first"}, lambda world: world.later(2), shut),
    "evidence": Kind(
        {"evidence": [NAME]},
        lambda world: tell(world, run()),
        lambda world: withdraw(world, world.state.record.results_of(RELEASE, NAME)[0].id),
    ),
    "noOpenFindings": Kind(
        {"noOpenFindings": {"atLeast": "high"}}, lambda _: None, lambda world: reported(world, level="high")
    ),
}
NOT_LOST = {"terms", "date", "agreedBy", "evaluationTime"}
"""What nothing takes back once a stage is open: a word of an evaluation comes after no end of it."""


def asking(kind: Kind, when_lost: str = "close", **changes: Any) -> World:
    """A world with an open stage that requires this, and who was admitted to it."""
    stages = [FIRST, stage(opensWhen={"allOf": [{**kind.asks, "whenLost": when_lost}]})]
    world = World.agreed(evaluations={NAME: asked()}, stages=stages, **changes)
    kind.holds(world)
    assert is_served(world)
    world.credential(world.admit())
    return world


def is_served(world: World) -> bool:
    """Whether requests under grants of some terms of the stage are served."""
    served = world.state.record.open_terms(RELEASE, STAGE)
    assert set(served) <= world.state.table.open_terms
    return bool(served)


def drops(world: World, **model: str) -> None:
    """The developer applies a plan that no longer requires it. No one agrees to that."""
    value = plan_value(stages=[FIRST, stage()])
    value["spec"]["models"][0].update(model)
    world.apply(value)


def vouched(world: World, *left_out: str) -> VouchedTable:
    """What a gateway with a trust file makes of the log, without some entries."""
    entries: list[Entry] = [each for each in world.entries if each.type not in left_out]
    return folded(entries, VouchedTable(trust()))


def test_each_kind_of_requirement_is_here() -> None:
    assert KINDS.keys() | NOT_LOST == requirements.KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_that_drops_a_requirement_keeps_no_earlier_terms_open_that_lost_it(kind: str) -> None:
    world = asking(KINDS[kind])
    drops(world)
    assert is_served(world), "a plan to which no one agreed takes nothing"
    KINDS[kind].loses(world)
    assert not is_served(world)


@pytest.mark.parametrize("kind", KINDS)
def test_nor_does_one_that_comes_after_it_was_lost(kind: str) -> None:
    world = asking(KINDS[kind])
    KINDS[kind].loses(world)
    assert not is_served(world)
    drops(world)
    assert not is_served(world)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("has_stage", [True, False])
def test_a_gateway_with_a_trust_file_closes_what_its_control_plane_leaves_open(
    kind: str, *, has_stage: bool
) -> None:
    world = asking(KINDS[kind])
    assert vouched(world).open_terms.intersection(world.state.record.open_terms(RELEASE, STAGE))
    if has_stage:
        drops(world)
    else:
        world.apply(plan_value(stages=[FIRST]))
    earlier = world.state.record.open_terms(RELEASE, STAGE)
    assert vouched(world).open_terms.issuperset(earlier)
    size = world.state.size
    KINDS[kind].loses(world)
    lying = [
        each for each in world.entries if each.seq < size or each.type != "stage.closed" or each.by != "clock"
    ]
    assert vouched(world).open_terms.isdisjoint(earlier)
    assert folded(lying, VouchedTable(trust())).open_terms.isdisjoint(earlier)


@pytest.mark.parametrize("when_lost", ["halt", "tell"])
def test_what_only_halts_or_tells_closes_nothing(when_lost: str) -> None:
    world = asking(KINDS["attested"], when_lost)
    drops(world)
    KINDS["attested"].loses(world)
    assert is_served(world)


def test_other_safeguards_without_the_evidence_for_them_close_the_stage() -> None:
    world = asking(KINDS["evidence"])
    earlier = world.state.record.open_terms(RELEASE, STAGE)
    drops(world, **NEWER)
    assert not is_served(world)
    assert vouched(world, "stage.closed").open_terms.isdisjoint(earlier)


def test_other_safeguards_that_were_tested_before_close_nothing() -> None:
    world = asking(KINDS["evidence"])
    tell(world, run(name="newer"), tested=replace(TESTED, **NEWER))  # type: ignore[arg-type]
    drops(world, **NEWER)
    assert is_served(world)


def test_who_ran_an_evaluation_still_answers_it_though_a_plan_has_dropped_it() -> None:
    world = asking(KINDS["evidence"])
    plan = world.state.releases[RELEASE].plan
    drops(world)
    world.must(RecordEvidence(envelope(plan.spec.evaluations[NAME], run(90, name="a worse one"))))
    assert not is_served(world)


def test_what_agencies_agreed_to_since_holds_also_for_earlier_terms() -> None:
    world = asking(KINDS["attested"])
    world.apply(plan_value(stages=[FIRST, stage(opensWhen={"allOf": [{"terms": "agreed"}]})]))
    world.agree()
    KINDS["attested"].loses(world)
    assert is_served(world)


# Findings


TWO: dict[str, Any] = {each: {"name": each.upper()} for each in ("oncd", "ostp")}
NAMED = {"caisi": {"name": "CAISI"}}


@pytest.mark.parametrize(("before", "after"), [(NAMED, None), (None, NAMED)])
def test_who_one_of_both_plans_names_reports_and_only_who_both_name_closes(
    before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    rest: dict[str, Any] = {"models": (MODEL, "mini"), "agencies": TWO, "findings": {"levels": SUSPENDING}}
    world = World.opened(evaluators=before, **rest)
    key, _ = world.credential(world.admit())
    world.apply(plan_value(evaluators=after, stages=[looser()], **rest))
    first, second = world.must(report("oncd"))["finding"], world.must(report("caisi", text="more"))["finding"]
    assert refused(world.state.table, key) == "stage_not_open"
    assert world.refused(retest(first, world, "caisi")) == "not_to_retest"
    close(world, first, "ostp")
    close(world, second, "caisi")
    assert not any(each.is_open for each in world.state.record.findings.values())


def test_a_report_of_a_misuse_suspends_by_the_terms_of_the_grant() -> None:
    world = World.opened(agencies=TWO, findings={"misuse": {"suspendedBy": ["oncd"]}})
    grant = world.admit()
    world.apply(plan_value(agencies=TWO))
    world.must(misuse(world, grant, "oncd"))
    assert world.state.grants[grant].standing == "suspended"


def test_a_plan_that_drops_a_time_takes_no_debt_away() -> None:
    levels = [{"name": "high", "fix": "P7D", "overdue": "suspend"}]
    world = World.opened(findings={"levels": levels})
    world.admit()
    reported(world, level="high")
    world.apply(plan_value(findings={"levels": [{"name": "high"}]}))
    world.later(8)
    assert "finding.overdue" in world.types()
    assert not is_served(world)
