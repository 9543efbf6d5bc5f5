"""A release withdrawn and brought back: all its stages at once, and each when all that it requires holds."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.decision import Ask, Instant, decide
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle import recalls
from sluicegate.core.lifecycle.recalls import RecallRelease, RestoreRelease
from sluicegate.core.lifecycle.releases import CloseStage, OpenStage
from sluicegate_record.log import times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.record import Record
from sluicegate_record.statements.releases import StageClosing, StageOpening
from tests.core.access.test_vouch import folded, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.worlds import (
    API,
    DAY_MS,
    LOG,
    MODEL,
    OFFICER,
    RELEASE,
    STAGE,
    World,
    opening,
    plan_value,
    signed,
    stage,
    stage_closing,
)

SECOND, THIRD = "second", "third"


def course(asked: Any, third: Any = None) -> World:
    """Three stages: the first is open; the second too, if what it asks for holds."""
    third = third or {"allOf": [{"date": "2099-01-01"}]}
    stages = [stage(), stage(SECOND, opensWhen=asked), stage(THIRD, opensWhen=third)]
    return World.opened(stages=stages)


def closings(*names: str, reason: str = "it is unsafe", **said: Any) -> RecallRelease:
    return RecallRelease(tuple(stage_closing(name=name, reason=reason, **said) for name in names))


def openings(world: World, *names: str, **said: Any) -> RestoreRelease:
    return RestoreRelease(tuple(opening(world.state, name=name, **said) for name in names))


def is_open(world: World, name: str, table: Table | None = None) -> bool:
    found = (table or world.state.table).open_terms
    return world.state.releases[RELEASE].terms[name] in found


def asked(world: World, digest: bytes) -> str:
    answer = decide(Ask(digest, MODEL, API), world.state.table, Instant(world.now_ms, world.now_ms))
    return answer.reason if isinstance(answer, Deny) else "allowed"


def back(world: World) -> dict[str, str]:
    return {each.stage: each.what for each in recalls.returning(world.state, RELEASE, world.now_ms)}


def test_a_recall_closes_every_stage_in_one_command_and_refuses_every_key() -> None:
    world = course({"allOf": [{"after": STAGE}]})
    digest, _ = world.credential(world.admit())
    size = world.state.size
    done = world.must(closings(STAGE, SECOND, THIRD))
    assert done["stages"] == [STAGE, SECOND, THIRD]
    assert [entry.type for entry in world.entries[size:]] == ["stage.closed"] * 3
    assert len({entry.id for entry in world.entries[size:]}) == 1
    assert not any(is_open(world, name) for name in (STAGE, SECOND, THIRD))
    assert asked(world, digest) == Reason.STAGE_NOT_OPEN


def test_what_was_not_open_does_not_open_by_itself_while_the_release_is_withdrawn() -> None:
    world = course({"allOf": [{"after": STAGE}]}, third={"allOf": [{"date": "2026-12-31"}]})
    world.must(closings(STAGE, SECOND, THIRD))
    world.later(400)
    assert not is_open(world, THIRD)
    assert back(world) == {STAGE: "opens", SECOND: "opens", THIRD: "waits"}
    world.must(openings(world, STAGE, SECOND))
    assert not is_open(world, THIRD)


def test_a_restoration_opens_each_stage_that_sees_those_before_it_open() -> None:
    world = course({"allOf": [{"after": STAGE}]})
    digest, _ = world.credential(world.admit())
    world.must(closings(STAGE, SECOND, THIRD))
    done = world.must(openings(world, SECOND, STAGE))
    assert (done["opened"], done["asked"]) == ([STAGE, SECOND], {})
    assert [is_open(world, name) for name in (STAGE, SECOND, THIRD)] == [True, True, False]
    assert asked(world, digest) == "allowed"


def test_a_stage_whose_time_begins_again_waits_for_it() -> None:
    world = course({"allOf": [{"soak": "P1D"}]})
    world.later(1)
    assert is_open(world, SECOND)
    world.must(closings(STAGE, SECOND, THIRD))
    (_, waits, _) = recalls.returning(world.state, RELEASE, world.now_ms)
    assert (waits.what, waits.waits_for) == ("waits", ("1 day since the stage before it opened",))
    assert world.refused(openings(world, STAGE, SECOND)) == "requirements_unmet"
    world.must(openings(world, STAGE))
    world.now_ms += DAY_MS
    world.tick()
    assert not is_open(world, SECOND)
    assert back(world)[SECOND] == "opens"
    world.must(openings(world, SECOND))
    assert is_open(world, SECOND)


def test_agencies_that_agreed_to_an_opening_are_asked_again() -> None:
    world = course({"allOf": [{"agreedBy": {"allOf": ["caisi"]}}]})
    world.say(world.case(world.open(name=SECOND)["case"]), "caisi")
    assert is_open(world, SECOND)
    world.must(closings(STAGE, SECOND, THIRD))
    assert back(world)[SECOND] == "asks"
    done = world.must(openings(world, STAGE, SECOND))
    assert done["opened"] == [STAGE]
    assert not is_open(world, SECOND)
    world.say(world.case(done["asked"][SECOND]), "caisi")
    assert is_open(world, SECOND)


def test_a_recall_reaches_the_stage_that_an_earlier_plan_left_open() -> None:
    world = World.opened()
    digest, _ = world.credential(world.admit())
    world.apply(plan_value(stages=[stage("other")]))
    assert world.refused(closings("other")) == "recall_partial"
    world.must(closings("other", STAGE))
    assert asked(world, digest) == Reason.STAGE_NOT_OPEN
    assert list(back(world)) == ["other"]
    world.apply(plan_value())
    world.agree()
    world.must(openings(world, STAGE))
    assert asked(world, digest) == "allowed"


def test_a_recall_is_whole_and_only_an_officers() -> None:
    world = course({"allOf": [{"after": STAGE}]})
    size = world.state.size
    assert world.refused(closings(STAGE, SECOND)) == "recall_partial"
    assert world.refused(closings(STAGE, SECOND, THIRD, signer="oncd")) == "key_of_another_party"
    assert world.refused(closings("none", STAGE, SECOND, THIRD)) == "stage_unknown"
    other = StageClosing(log=LOG, release="other", stage=STAGE, reason="r")
    two = (*closings(STAGE, SECOND, THIRD).envelopes, signed(other.payload(), OFFICER))
    assert world.refused(RecallRelease(two)) == "other_release"
    assert world.refused(RecallRelease((signed(other.payload(), OFFICER),))) == "release_unknown"
    assert world.refused(openings(world, STAGE, SECOND, signer="oncd")) == "key_of_another_party"
    assert world.state.size == size


def test_what_is_wrong_with_a_statement_is_said_before_what_the_whole_lacks() -> None:
    world = course({"allOf": [{"after": STAGE}]})
    assert world.refused(closings(STAGE, SECOND, signer="oncd")) == "key_of_another_party"
    assert world.refused(closings("none", STAGE)) == "stage_unknown"
    world.must(closings(STAGE, SECOND, THIRD))
    lacking = openings(world, SECOND)
    assert world.refused(lacking) == "requirements_unmet"
    by_another = openings(world, THIRD, signer="oncd")
    both = (*lacking.envelopes, *by_another.envelopes)
    assert world.refused(RestoreRelease(both)) == "key_of_another_party"


def test_each_statement_of_a_recall_is_signed_now() -> None:
    world = course({"allOf": [{"after": STAGE}]})
    said = StageClosing(
        log=LOG, release=RELEASE, stage=THIRD, reason="r", signed_at_ms=world.now_ms - 40 * DAY_MS
    )
    old = (*closings(STAGE, SECOND).envelopes, signed(said.payload(), OFFICER))
    assert world.refused(RecallRelease(old)) == "signed_at_another_time"


def test_the_same_recall_again_changes_nothing_and_after_a_return_it_is_used() -> None:
    world = course({"allOf": [{"after": STAGE}]})
    world.must(closings(STAGE, SECOND, THIRD))
    size = world.state.size
    world.must(closings(STAGE, SECOND, THIRD))
    assert world.state.size == size
    world.must(openings(world, STAGE, SECOND))
    assert world.refused(closings(STAGE, SECOND, THIRD)) == "closing_used"
    world.must(closings(STAGE, SECOND, THIRD, reason="again"))


def test_no_stage_that_an_officer_did_not_close_comes_back() -> None:
    world = course({"allOf": [{"after": STAGE}]})
    assert back(world) == {}
    world.must(CloseStage(stage_closing(name=SECOND)))
    assert back(world) == {SECOND: "opens"}


def test_a_grant_that_is_approved_while_a_release_is_withdrawn_works_once_it_is_back() -> None:
    world = course({"allOf": [{"after": STAGE}]})
    world.must(closings(STAGE, SECOND, THIRD))
    digest, _ = world.credential(world.admit())
    assert asked(world, digest) == Reason.STAGE_NOT_OPEN
    world.must(openings(world, STAGE))
    assert asked(world, digest) == "allowed"


def gateway(world: World, *, until: int | None = None) -> VouchedTable:
    table = VouchedTable(trust())
    folded(world.entries[:until], table)
    return table


@pytest.mark.parametrize("cut", [0, 1])
def test_a_gateway_with_a_trust_file_honours_a_recall_and_its_end(cut: int) -> None:
    world = course({"allOf": [{"after": STAGE}]})
    world.must(closings(STAGE, SECOND, THIRD))
    table = gateway(world)
    assert not table.findings
    assert not any(is_open(world, name, table) for name in (STAGE, SECOND))
    envelopes: tuple[Envelope, ...] = openings(world, STAGE, SECOND).envelopes
    world.must(RestoreRelease(envelopes[cut:] + envelopes[:cut]))
    table = gateway(world)
    assert not table.findings
    assert all(is_open(world, name, table) for name in (STAGE, SECOND))


# What a plan adds while the release is withdrawn

SOON = {"allOf": [{"terms": "agreed"}]}
NEW = "new"


def withdrawn(**changes: Any) -> World:
    """A release that is withdrawn, and a plan that adds a stage that would open by itself."""
    world = World.opened()
    world.must(RecallRelease((stage_closing(recalls=True),)))
    world.apply(plan_value(stages=[stage(), stage(NEW, **{"opensWhen": SOON, **changes})]))
    world.agree()
    return world


def test_a_stage_that_is_added_while_the_release_is_withdrawn_does_not_open_by_itself() -> None:
    world = withdrawn()
    world.later(30)
    assert not is_open(world, NEW)
    assert back(world) == {STAGE: "opens", NEW: "waits"}


def test_an_officer_opens_it_by_undoing_the_recall_or_it_opens_once_the_release_is_back() -> None:
    world = withdrawn()
    world.open(name=NEW)
    assert is_open(world, NEW)
    assert not is_open(world, STAGE)
    world = withdrawn()
    world.must(openings(world, STAGE))
    assert is_open(world, NEW)


def test_an_opening_that_was_signed_for_the_same_terms_before_the_recall_opens_nothing() -> None:
    world = World.opened(stages=[stage(), stage(NEW)])
    early = opening(world.state, name=NEW)
    world.apply(plan_value(stages=[stage()]))
    world.must(RecallRelease((stage_closing(recalls=True),)))
    world.apply(plan_value(stages=[stage(), stage(NEW)]))
    world.agree()
    assert world.refused(OpenStage(early)) == "stage_closed"
    world.open(name=NEW)
    assert is_open(world, NEW)


def test_agencies_that_were_asked_while_it_was_withdrawn_open_it_also_after_that() -> None:
    world = withdrawn(opensWhen={"allOf": [{"agreedBy": {"allOf": ["caisi"]}}]})
    case = world.case(world.open(name=NEW)["case"])
    world.must(openings(world, STAGE))
    world.say(case, "caisi")
    assert is_open(world, NEW)


def test_a_second_recall_binds_again() -> None:
    world = withdrawn()
    world.must(openings(world, STAGE))
    recall = (stage_closing(recalls=True, reason="again"), stage_closing(name=NEW, recalls=True))
    world.must(RecallRelease(recall))
    world.apply(plan_value(stages=[stage(), stage(NEW), stage("newer", opensWhen=SOON)]))
    world.agree()
    assert not is_open(world, "newer")


def test_a_closing_of_one_stage_binds_no_other() -> None:
    world = World.opened()
    world.must(CloseStage(stage_closing()))
    world.apply(plan_value(stages=[stage(), stage(NEW, opensWhen=SOON)]))
    world.agree()
    assert is_open(world, NEW)


@pytest.mark.parametrize("signed_before", [False, True])
def test_a_gateway_with_a_trust_file_does_not_open_it_for_a_control_plane_that_lies(
    signed_before: bool,
) -> None:
    world = withdrawn()
    digest, _ = world.credential(world.admit(name=NEW))
    terms = world.state.releases[RELEASE].terms[NEW]
    said: dict[str, Any] = {
        "log": LOG,
        "release": RELEASE,
        "stage": NEW,
        "terms": terms,
        "met": [{"requirement": "terms", "since": times.format_time(world.now_ms)}],
    }
    if signed_before:
        early = signed(StageOpening(log=LOG, release=RELEASE, stage=NEW, terms=terms).payload(), OFFICER)
        said |= {"officer": OFFICER, "envelope": early.to_json()}
        del said["met"]
    liar = Liar(world)
    liar.write("stage.opened", said)
    believed = folded(liar.entries, Table())
    assert is_open(world, NEW, believed)
    vouched = VouchedTable(trust())
    folded(liar.entries, vouched)
    assert not is_open(world, NEW, vouched)
    now = Instant(world.now_ms, world.now_ms)
    assert isinstance(decide(Ask(digest, MODEL, API), vouched, now), Deny)


def test_a_record_that_is_withdrawn_reads_back_as_it_was() -> None:
    world = withdrawn()
    again = Record.from_json(world.state.record.to_json())
    assert again.to_json() == world.state.record.to_json()
    assert again.recalls == world.state.record.recalls
