"""Who may sign a position, by the keys that are pinned, and which cases wait for a key."""

from __future__ import annotations

from sluicegate.core.lifecycle import notices, signers
from sluicegate.core.lifecycle.directives import OpenLift
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate_record.entities.case import Case
from tests.worlds import PINS, Followed, World, pin, plan_value, position, stage, start

TWO = {name: {"name": name.upper()} for name in ("oncd", "ostp")}


def lacking(world: World, case: Followed | Case) -> list[str]:
    return signers.unable(world.state.record, world.state.cases[case.id])


def stuck(world: World, case: Followed | Case) -> bool:
    return signers.is_stuck(world.state.cases[case.id], lacking(world, case))


def appealed(world: World, *words: str) -> Followed:
    case = world.submit()
    world.all_say(case, *words)
    return world.case(world.must(world.appeal(case.id))["case"])


def test_an_agency_whose_only_owner_signed_cannot_hear_the_appeal() -> None:
    world = World.opened(agencies=TWO)
    appeal = appealed(world, "oncd object")
    assert lacking(world, appeal) == ["oncd"]
    assert stuck(world, appeal)
    (said,) = signers.shortages(world.state.record, appeal.now)
    assert said[0] == "oncd"
    assert "an owner who did not sign in the appealed case, and no one has" in said[1]
    world.must(start(pins=[*PINS, pin("oncd-2", "oncd")]))
    assert (lacking(world, appeal), stuck(world, appeal)) == ([], False)


def test_one_who_can_hear_it_is_enough_where_the_rule_says_so() -> None:
    either = {
        "mode": "approve",
        "grant": {"allOf": ["oncd", "ostp"]},
        "appeal": {"decide": {"anyOf": ["oncd", "ostp"]}},
    }
    world = World.opened(agencies=TWO, stages=[stage(admission=either)])
    appeal = appealed(world, "oncd object")
    assert (lacking(world, appeal), stuck(world, appeal)) == (["oncd"], False)
    world.say(appeal, "ostp")
    assert (lacking(world, appeal), stuck(world, appeal)) == ([], False)


def test_a_countersignature_takes_two_owners() -> None:
    both = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "countersign": ["ostp"]}
    world = World.opened(stages=[stage(admission=both)])
    case = world.submit()
    assert (lacking(world, case), stuck(world, case)) == (["ostp"], True)
    (said,) = signers.shortages(world.state.record, case.now)
    assert "it needs 2 owners, and 1 such owner has a key" in said[1]


def test_an_agency_without_any_key_is_named() -> None:
    agencies = {**plan_value()["spec"]["agencies"], "bis": {"name": "BIS"}}
    world = World.opened(agencies=agencies)
    appeal = appealed(world, "oncd object")
    assert appeal.rule.to_json() == {"majorityOf": ["bis", "caisi"]}
    assert (lacking(world, appeal), stuck(world, appeal)) == (["bis"], True)


def test_officers_write_down_what_the_issuer_of_a_transcribed_order_says() -> None:
    world = World.opened()
    world.direct()
    case = world.case(world.must(OpenLift("d-1"))["case"])
    assert (lacking(world, case), stuck(world, case)) == ([], False)


def test_the_notice_of_an_appeal_names_who_cannot_sign() -> None:
    world = World.opened(agencies=TWO)
    before = world.state.record.overlay()
    appeal = appealed(world, "oncd object")
    opening = world.entries[-1]
    assert opening.type == "case.opened"
    for record, said in ((world.state.record, ["oncd"]), (None, None)):
        ((_, notice),) = notices.news([opening], before.cases, record)
        assert notice.case == appeal.id
        assert notice.data.get("cannotSign") == said


def test_who_may_not_sign_is_who_is_refused() -> None:
    world = World.opened(agencies=TWO)
    appeal = appealed(world, "oncd object")
    assert world.refused(RecordPosition(position(appeal, "oncd"))) == "not_impartial"
