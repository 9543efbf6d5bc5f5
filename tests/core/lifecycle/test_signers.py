"""Who may sign a position, by the keys that are pinned, and which cases wait for a key."""

from __future__ import annotations

from sluicegate.core.lifecycle import notices, signers
from sluicegate.core.lifecycle.directives import OpenLift
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate_record.entities.case import Case
from tests.worlds import PINS, RELEASE, STAGE, Followed, World, pin, plan_value, position, stage, start

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


def unheard(world: World) -> list[str]:
    given = world.state.releases[RELEASE].plan
    return list(signers.unheard_appeals(world.state.record, given, given.stages[STAGE]))


def test_an_appeal_that_no_one_can_hear_is_said_with_the_plan_and_with_the_appeal() -> None:
    world = World.opened(agencies=TWO)
    said = unheard(world)
    assert [each.partition(" may wait")[0] for each in said] == [
        "an appeal against a denial",
        "an appeal against a removal",
    ]
    assert all("oncd and ostp would hear it" in each for each in said)
    case = world.submit()
    world.all_say(case, "oncd object")
    (why,) = world.must(world.appeal(case.id))["unheard"]
    assert why.startswith("oncd cannot sign")


def test_nothing_is_said_of_an_appeal_that_others_hear() -> None:
    world = World.opened()
    assert unheard(world) == []
    case = world.submit()
    world.all_say(case, "oncd object")
    assert "unheard" not in world.must(world.appeal(case.id))
    world = World.opened(agencies=TWO)
    world.must(start(pins=[*PINS, pin("oncd-2", "oncd"), pin("ostp-2", "ostp")]))
    assert unheard(world) == []


def test_two_must_sign_in_both_where_a_countersignature_is_asked_for() -> None:
    both = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "countersign": ["ostp"]}
    world = World.opened(agencies=TWO, stages=[stage(admission=both)])
    owners = [pin(f"{name}-{i}", name) for name in ("oncd", "ostp") for i in range(2)]
    world.must(start(pins=[*PINS, *owners]))
    assert all("ostp would hear it" in each and "oncd" not in each for each in unheard(world))
    world.must(start(pins=[*PINS, *owners, pin("ostp-3", "ostp")]))
    assert unheard(world) == []


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


def undecidable(world: World) -> list[str]:
    given = world.state.releases[RELEASE].plan
    return list(signers.undecidable(world.state.record, given, given.stages[STAGE]))


def test_a_countersignature_that_no_second_owner_can_give_is_said_with_the_plan() -> None:
    both = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "countersign": ["ostp"]}
    world = World.opened(stages=[stage(admission={**both, "remove": {"anyOf": ["oncd", "ostp"]}})])
    (said,) = undecidable(world)
    assert said.startswith("no admission can be decided: a position of ostp needs")
    world.must(start(pins=[*PINS, pin("ostp-2", "ostp")]))
    assert undecidable(world) == []


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
