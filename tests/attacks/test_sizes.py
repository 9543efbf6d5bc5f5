"""What is too large is found when it is stated, not when it should have an effect.

The attack: declared conditions of 18 kB in a plan, and of 25 kB from each of two agencies. Then the silence
of a third one decides the case, and the grant fits into no entry.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluicegate.core.directives import directive
from sluicegate.core.directives.directive import DOCUMENT_BYTES_MAX, Signing
from sluicegate.core.lifecycle.directives import IssueDirective
from sluicegate.core.lifecycle.keys import StartLog
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import ApplyPlan, OpenStage
from sluicegate.core.terms import sizes
from sluicegate.core.terms.trust import Pin
from sluicegate.errors import InvalidDocument, InvalidInput
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import CaseReceived, PositionRecorded
from sluicegate_record.log import canonical
from sluicegate_record.statements.cases import Position, Receipt
from sluicegate_record.statements.directives import DirectiveStatement
from sluicegate_record.statements.releases import StageOpening
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import Plan
from tests.plane import Plane, yes
from tests.worlds import (
    AGENCIES,
    DAY_MS,
    DEVELOPER,
    LOG,
    OFFICER,
    ORIGIN,
    PINS,
    RELEASE,
    STAGE,
    Followed,
    World,
    application,
    approval,
    directive_value,
    plan_value,
    position,
    public_key,
    read_plan,
    receipt,
    signed,
    stage,
)

SIGNING = Signing(LOG, lambda: bytes(32))
CLOCK = {"within": 5, "silence": "no-objection"}
ADMISSION = {"mode": "approve", "grant": {"allOf": list(AGENCIES)}, "clock": CLOCK}
WITH = "approve-with-conditions"


def declared(by: str, size: int) -> dict[str, Any]:
    """Declared conditions of a party that take `size` bytes in an entry."""
    said = {by: {"value": "", "declared": True}}
    said[by]["value"] = "a" * (size - len(canonical.dumps(said)))
    return said


def strangers(count: int) -> list[str]:
    """Whose signatures make an envelope larger, and count for nothing."""
    return [f"stranger-{number}" for number in range(count)]


def stages_of(conditions: dict[str, Any]) -> list[dict[str, Any]]:
    return [stage(admission=ADMISSION, conditions=conditions)]


def plan_of(conditions: dict[str, Any]) -> dict[str, Any]:
    return plan_value(stages=stages_of(conditions))


def explained(text: str) -> dict[str, Any]:
    value = directive_value("d-1", reasons={"form": "written", "text": text})
    return {**value, "metadata": {"name": "d-1"}}


def test_whatever_may_be_signed_fits_into_an_entry() -> None:
    room = DOCUMENT_BYTES_MAX - len(canonical.dumps(directive.to_sign(explained("a"), SIGNING)[0].to_json()))
    room += len("a")
    text = "理" * (room // 3) + "a" * (room % 3)
    document, _ = directive.to_sign(explained(text), SIGNING)
    signers = ["oncd", "ostp", "caisi", "release-officer", "release-officer-2"]
    statement = DirectiveStatement(document=document.to_json())
    World.opened().must(IssueDirective(signed(statement.payload(), *signers)))
    with pytest.raises(InvalidInput, match=f"{DOCUMENT_BYTES_MAX + 1} bytes as it is signed"):
        directive.to_sign(explained(text + "a"), SIGNING)


def test_a_plan_states_no_more_conditions_than_leave_room_for_those_of_agencies() -> None:
    with pytest.raises(InvalidDocument) as refused:
        read_plan(plan_of(declared("plan", 18_000)))
    (place,) = refused.value.at
    assert (place.expected, place.found) == ("at most 10,000 bytes of JSON", "18,000")
    read_plan(plan_of(declared("plan", sizes.PLAN_CONDITIONS_MAX)))


def test_an_admission_is_no_longer_than_a_case_can_repeat_it() -> None:
    agencies = [f"agency-{number:03}".ljust(63, "x") for number in range(100)]
    ladder = [f"{number}" + "理" * 499 for number in range(10)]
    admission = {
        "mode": "approve",
        "grant": {"allOf": agencies},
        "countersign": agencies,
        "clock": {"within": 5, "silence": "escalate", "to": ladder},
    }
    named = {agency: {"name": agency} for agency in agencies}
    basis = {**stage()["basis"], "askedBy": agencies[:1]}
    with pytest.raises(InvalidDocument) as refused:
        read_plan(plan_value(agencies=named, stages=[stage(admission=admission, basis=basis)]))
    (place,) = refused.value.at
    assert place.expected == "at most 24,000 bytes of JSON"


def test_an_agency_states_no_more_conditions_than_leave_room_for_those_of_the_others() -> None:
    world = World.opened(stages=stages_of(declared("plan", 10_000)))
    case = world.submit()
    large = RecordPosition(position(case, "oncd", WITH, conditions=declared("oncd", 25_000)))
    assert world.refused(large) == "conditions_too_large"
    for agency in ("oncd", "ostp"):
        world.must(RecordPosition(position(case, agency, WITH, conditions=declared(agency, 10_000))))
        over = RecordPosition(position(case, agency, WITH, conditions=declared(agency, 10_001)))
        assert world.refused(over) == "conditions_too_large"
    world.must(receipt(case, "caisi"))
    world.later(6)
    assert case.outcome == "approved-with-conditions"


@pytest.mark.parametrize("count", [2, 100])
def test_what_every_party_may_say_at_most_fits_into_the_entry_that_decides(count: int) -> None:
    agencies = [f"agency-{number:03}".ljust(63, "x") for number in range(count)]
    world = World(started=False)
    pins = [Pin(agency, agency, public_key(agency)) for agency in agencies]
    world.must(StartLog(ORIGIN, LOG, DEVELOPER, [*PINS, *pins]))
    admission = {"mode": "approve", "grant": {"allOf": agencies}}
    terms = stage(
        "s" * 63,
        admission=admission,
        conditions=declared("plan", 10_000),
        opensWhen={"allOf": [{"agreedBy": {"allOf": agencies}}]},
        basis={"kind": "agreed", "askedBy": agencies[:1], "how": "a call", "askedOn": "2026-06-24"},
    )
    value = plan_value(
        "r" * 63, agencies={name: {"name": name} for name in agencies}, stages=[terms], surfaces=["f" * 63]
    )
    world.apply(value)
    world.agree()
    opening = StageOpening(
        log=LOG, release="r" * 63, stage="s" * 63, terms=world.state.releases["r" * 63].terms["s" * 63]
    )
    named = world.must(OpenStage(signed(opening.payload(), OFFICER, *strangers(150))))["case"]
    for agency in agencies:
        world.must(RecordPosition(position(world.case(named), agency)))
    assert world.entries[-1].type == "stage.opened"
    case = world.submit(surface="f" * 63, release="r" * 63, name="s" * 63)
    share = sizes.share(Conditions.from_json(declared("plan", 10_000)), count)
    for agency in agencies:
        said = declared(agency, share)
        world.must(RecordPosition(position(case, agency, WITH, conditions=said)))
    assert world.entries[-1].type == "grant.approved"
    assert len(world.entries[-1].leaf) > 40_000


def test_a_signed_opening_that_waits_is_no_larger_than_the_entry_that_repeats_it_can_hold() -> None:
    agreed = {"allOf": [{"agreedBy": {"allOf": list(AGENCIES)}}]}
    world = World.agreed(stages=[stage(opensWhen=agreed)])
    terms = world.state.releases[RELEASE].terms[STAGE]
    opening = StageOpening(log=LOG, release=RELEASE, stage=STAGE, terms=terms).payload()
    assert world.refused(OpenStage(signed(opening, OFFICER, *strangers(200)))) == "opening_too_large"


# What an earlier build has accepted


def said_earlier(plane: Plane, case: str, agency: str, conditions: dict[str, Any]) -> Draft:
    """A position as a build has put it on the record that asked for no size."""
    stated: Position = approval(
        plane.case(case).question, agency, position=WITH, reason="", conditions=conditions
    )
    envelope = signed(stated.payload(), agency)
    body = PositionRecorded(
        case=case,
        agency=agency,
        owner=agency,
        owners=(agency,),
        position=WITH,
        reason="",
        digest=envelope.digest,
        envelope=envelope,
        conditions=Conditions.from_json(conditions),
    )
    return Draft(case, body)


@pytest.fixture
def attacked() -> tuple[Plane, str]:
    """A plane under the attack, as an earlier build took it, just before the silence; and the case."""
    plane = Plane()
    value: dict[str, Any] = read_plan(plan_of({"validFor": "P30D"})).to_json()
    value["spec"]["stages"][0]["conditions"] = declared("plan", 18_000)
    given = Plan.from_json(value)
    yes(plane.ledger.execute(ApplyPlan(given), by="developer", command_id="apply-it"))
    with plane.ledger.reading() as state:
        terms = list(state.cases)
    for case in terms:
        for agency in AGENCIES:
            plane.say(case, agency)
    plane.open()
    case = plane.submit().application
    yes(plane.ledger.execute(receipt(plane.case(case), "caisi"), by="caisi", command_id="received"))
    for agency in ("oncd", "ostp"):
        plane.written(said_earlier(plane, case, agency, declared(agency, 25_000)))
    plane.wall.at_ms += 6 * DAY_MS
    return plane, case


def test_a_decision_by_time_that_fits_no_entry_is_said_and_goes_to_people(
    attacked: tuple[Plane, str],
) -> None:
    plane, case = attacked
    plane.restart()
    plane.ledger.tick()
    newest = plane.store.log.entries(plane.size - 1, 1)[0]
    assert newest.type == "case.silent"
    assert newest.public["blocked"] == ["conditions_too_large"]
    assert plane.ledger.set_aside() == 0
    yes(plane.submit(name="Example Bank"))
    plane.say(case, "oncd", "no-objection")
    assert plane.case(case).outcome == "approved-with-conditions"


def test_one_thing_that_fails_when_it_is_due_stops_neither_the_others_nor_a_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plane = Plane()
    plane.opened(plan_value(stages=[stage(conditions={"validFor": "P7D"})]))
    plane.admit()
    case = plane.submit(name="Example Bank").application
    envelope = signed(Receipt(question=plane.case(case).question, agency="oncd").payload(), "oncd")
    body = CaseReceived(
        case=case,
        agency="oncd",
        owner="oncd",
        due_ms=plane.ledger.now_ms() + DAY_MS,  # its stage has no clock
        digest=envelope.digest,
        envelope=envelope,
    )
    plane.written(Draft(case, body))
    plane.wall.at_ms += 2 * DAY_MS
    for _ in range(2):
        with caplog.at_level(logging.ERROR):
            plane.restart()
            plane.ledger.tick()
        assert plane.ledger.set_aside() == 1
        assert f"set aside: What(about='{case}'" in caplog.text
    yes(plane.submit(name="Example Utility 2"))
    plane.wall.at_ms += 6 * DAY_MS
    plane.ledger.tick()
    assert "grant.ended" in [entry.type for entry in plane.store.log.entries(0, 1_000)]
    plane.say(case, "ostp", "object")
    assert plane.case(case).outcome == "denied"
    assert plane.ledger.set_aside() == 0


sizes_of = st.sampled_from([60, 500, 5_000, 9_999, 10_000, 10_001, 25_000])


@given(
    of_plan=st.sampled_from([60, 5_000, 10_000]),
    words=st.lists(
        st.tuples(st.sampled_from(AGENCIES), st.sampled_from(["approve", WITH, "ask", "receive"]), sizes_of),
        max_size=8,
    ),
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_was_accepted_the_next_tick_can_be_written(
    of_plan: int, words: list[tuple[str, str, int]]
) -> None:
    world = World.opened(stages=stages_of(declared("plan", of_plan)))
    case: Followed = world.case(world.must(application())["application"])
    for agency, word, size in words:
        if word == "receive":
            world.do(receipt(case, agency))
        else:
            more: dict[str, Any] = {"conditions": declared(agency, size)} if word == WITH else {}
            world.do(RecordPosition(position(case, agency, word, reason="why", **more)))
        world.later(1)
    world.later(100)
    assert all(due > world.now_ms for due in world.state.agenda.values())
