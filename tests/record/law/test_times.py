"""What was signed is entered soon after that: by the writer, and by who judges the log."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.directives import IssueDirective
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import OpenStage
from sluicegate_record import law
from sluicegate_record.entries import Entry, cases
from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import replace
from sluicegate_record.law import Support
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.record import Record
from sluicegate_record.statements.cases import Position
from sluicegate_record.statements.directives import DirectiveStatement
from sluicegate_record.statements.releases import StageOpening
from sluicegate_record.statements.statement import AHEAD_MS, KEPT_MS
from tests.core.access.test_vouch import asked, folded, trust
from tests.forging import told
from tests.worlds import (
    API,
    LOG,
    OFFICER,
    RELEASE,
    STAGE,
    World,
    approval,
    directive,
    directive_value,
    position,
    signed,
    stage,
    suspension,
)

TIMELY = [0, 1, KEPT_MS, -AHEAD_MS]
UNTIMELY = [KEPT_MS + 1, 400 * DAY_MS, -AHEAD_MS - 1]
"""How long before it is entered something was signed."""


def judged(world: World, entry: Entry) -> Any:
    """What is wrong with an entry of a world, told otherwise."""
    record = Record()
    for each in world.entries[: entry.seq]:
        record.apply(each)
    return law.breach(record, entry, record.pinned(), LOG, Support.RECORD)


def resigned(envelope: Envelope, at_ms: int) -> dict[str, Any]:
    stated = DirectiveStatement.read(envelope)
    dated = DirectiveStatement(document=stated.document, signed_at_ms=at_ms)
    found: dict[str, Any] = signed(dated.payload(), "oncd").to_json()
    return found


@pytest.mark.parametrize("ago_ms", TIMELY)
def test_a_position_is_entered_soon_after_it_was_signed(ago_ms: int) -> None:
    world = World.opened()
    case = world.submit()
    world.must(RecordPosition(position(case, "oncd", signed_at_ms=world.now_ms - ago_ms)))
    assert judged(world, world.entries[-1]) is None


@pytest.mark.parametrize("ago_ms", UNTIMELY)
def test_a_position_that_was_kept_back_is_refused(ago_ms: int) -> None:
    world = World.opened()
    case = world.submit()
    given = position(case, "oncd", signed_at_ms=world.now_ms - ago_ms)
    assert world.refused(RecordPosition(given)) == "signed_at_another_time"


@pytest.mark.parametrize("ago_ms", [*TIMELY, *UNTIMELY])
def test_a_position_that_the_control_plane_kept_back_admits_nobody(ago_ms: int) -> None:
    """The gateway asks the law itself."""

    def kept_back(entry: Entry) -> Entry:
        assert isinstance(entry.body, cases.PositionRecorded)
        stated = Position.read(entry.body.envelope)
        dated = signed(replace(stated, signed_at_ms=entry.at_ms - ago_ms).payload(), entry.body.agency)
        return told(entry, {"envelope": dated.to_json(), "digest": dated.digest})

    world = World.opened()
    grant = world.admit()
    case = world.state.grants[grant].case
    world.credential(grant)
    entries = [
        kept_back(each) if each.type == "position.recorded" and each.public["case"] == case else each
        for each in world.entries
    ]
    found = asked(folded(entries, VouchedTable(trust())))
    if ago_ms in TIMELY:
        assert isinstance(found, Allow)
    else:
        assert isinstance(found, Deny)
        assert found.reason is Reason.DEPLOYMENT_UNATTESTED


@pytest.mark.parametrize("ago_ms", [*TIMELY, *UNTIMELY])
def test_a_directive_that_was_kept_back_narrows_and_is_reported(ago_ms: int) -> None:
    world = World.opened()
    world.must(suspension("d-1"))
    entry = world.entries[-1]
    envelope = resigned(entry.body.envelope, entry.at_ms - ago_ms)  # type: ignore[attr-defined]
    dated = told(entry, {"envelope": envelope, "digest": Envelope.from_json(envelope).digest})
    found = judged(world, dated)
    assert (found is None) is (ago_ms in TIMELY)
    assert found is None or found.rule == "is_entered_in_time"
    table = folded([*world.entries[:-1], dated], VouchedTable(trust()))
    assert list(table.directives) == ["d-1"]


def test_a_directive_that_was_kept_back_replaces_none() -> None:
    """It is narrower, and beside the one that it was to replace it ends nothing."""
    world = World.opened()
    world.must(suspension("d-1"))
    old = world.state.directives["d-1"].document.digest
    value = directive_value("d-2", surfaces=[API])
    value["metadata"]["replaces"] = {"directive": "d-1", "document": old}
    world.must(IssueDirective(directive(value)))
    entry = world.entries[-1]
    for ago_ms, expected in ((KEPT_MS, ["d-2"]), (KEPT_MS + 1, ["d-1", "d-2"])):
        envelope = resigned(entry.body.envelope, entry.at_ms - ago_ms)  # type: ignore[attr-defined]
        dated = told(entry, {"envelope": envelope, "digest": Envelope.from_json(envelope).digest})
        table = folded([*world.entries[:-1], dated], VouchedTable(trust()))
        assert sorted(table.directives) == expected


def test_what_says_nothing_of_when_it_was_signed_is_judged_as_before() -> None:
    world = World.opened()
    world.must(suspension("d-1"))
    entry = world.entries[-1]
    assert judged(world, told(entry, {}, at_ms=entry.at_ms + 10 * KEPT_MS)) is None


def test_a_reason_that_quotes_the_field_says_nothing_of_the_time() -> None:
    world = World.opened()
    case = world.submit()
    said = 'because "signedAt":"1970-01-01T00:00:00.000Z" is no date'
    world.must(RecordPosition(position(case, "oncd", "object", reason=said)))


@pytest.mark.parametrize("value", [b'"yesterday"', b"5", b"null", b"{}"])
def test_a_time_that_is_none_is_no_statement(value: bytes) -> None:
    world = World.opened()
    stated = approval(world.submit().question, "oncd", signed_at_ms=world.now_ms)
    text = f'"{stated.to_json()["signedAt"]}"'.encode()
    assert text in stated.payload()
    with pytest.raises(BadEnvelope):
        Position.read(signed(stated.payload().replace(text, value), "oncd"))


def test_an_officers_opening_may_wait_as_long_as_agencies_take() -> None:
    asks: dict[str, Any] = {"opensWhen": {"allOf": [{"agreedBy": {"allOf": ["oncd"]}}]}}
    world = World.agreed(stages=[stage(**asks)])
    terms = world.state.releases[RELEASE].terms[STAGE]
    stated = StageOpening(log=LOG, release=RELEASE, stage=STAGE, terms=terms, signed_at_ms=world.now_ms)
    opened = world.must(OpenStage(signed(stated.payload(), OFFICER)))
    asking = next(entry for entry in world.entries if entry.seq == world.case(opened["case"]).seq)
    assert judged(world, asking) is None
    assert judged(world, told(asking, {}, at_ms=asking.at_ms + KEPT_MS + 1)).rule == "is_entered_in_time"
    world.now_ms += KEPT_MS + DAY_MS
    world.must(RecordPosition(position(world.case(opened["case"]), "oncd")))
    assert world.entries[-1].type == "stage.opened"
    assert judged(world, world.entries[-1]) is None


def test_an_officers_opening_that_was_kept_back_asks_nobody() -> None:
    world = World.agreed()
    terms = world.state.releases[RELEASE].terms[STAGE]
    stated = StageOpening(
        log=LOG, release=RELEASE, stage=STAGE, terms=terms, signed_at_ms=world.now_ms - KEPT_MS - 1
    )
    assert world.refused(OpenStage(signed(stated.payload(), OFFICER))) == "signed_at_another_time"
