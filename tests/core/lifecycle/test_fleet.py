"""The entry that says a directive is in force everywhere: when it may be written, and what it says."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.fleet import NoteInForce
from sluicegate.core.terms.trust import Floor, Releases
from sluicegate_record.entries.directives import AtGateway
from sluicegate_record.log import times
from sluicegate_record.terms.rule import Rule
from tests.worlds import (
    API,
    AT_MS,
    DEVELOPER,
    LOG,
    MODEL,
    PINS,
    RELEASE,
    World,
    set_point,
    state_point,
    stated,
)


@pytest.fixture
def world() -> World:
    world = World.opened()
    world.direct("d-1")
    return world


def at(ms: int) -> str:
    return times.format_time(AT_MS + ms)


def row(world: World, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of a gateway that has acknowledged all there is."""
    fields = {
        "gateway": f"gateway-{number}",
        "incarnation": "run-1",
        "surface": API,
        "state": "acknowledged",
        "size": world.state.size,
        "at": at(5),
        "streamsCut": 2,
        "signed": False,
        "drifted": None,
        "key": None,
        "ask": None,
        "sig": None,
    }
    return {**fields, **changes}


def note(world: World, *rows: dict[str, Any], **changes: Any) -> NoteInForce:
    gateways = [AtGateway.from_json(each) for each in rows]
    fields = {"directive": "d-1", "size": world.state.directives["d-1"].size, "gateways": gateways, **changes}
    return NoteInForce(**fields)


def test_it_says_when_it_came_to_hold_and_how_long_that_took(world: World) -> None:
    world.now_ms += 50
    world.must(note(world, row(world), row(world, 2, at=at(20), streamsCut=3)))
    entry = world.entries[-1]
    assert (entry.type, entry.stream) == ("directive.in_force", "d-1")
    public = {name: entry.public[name] for name in ("at", "timeToZeroMs", "acknowledged", "streamsCut")}
    assert public == {"at": at(20), "timeToZeroMs": 20, "acknowledged": 2, "streamsCut": 5}
    found = world.state.directives["d-1"]
    assert (found.in_force_ms, found.in_force_seq) == (AT_MS + 20, entry.seq)
    assert world.state.spreading == {}


def test_where_it_is_not_known_when_it_came_to_hold_it_says_now(world: World) -> None:
    """Never earlier than it was."""
    world.now_ms += 50
    world.must(note(world, row(world), row(world, 2, state="counted_out", at=None, size=0)))
    assert world.entries[-1].public["timeToZeroMs"] == 50
    assert world.entries[-1].public["countedOut"] == 1


@pytest.mark.parametrize("ms", [-1_000, 51])
def test_a_time_that_cannot_be_is_brought_within_what_can(world: World, ms: int) -> None:
    world.now_ms += 50
    world.must(note(world, row(world, at=at(ms))))
    assert world.entries[-1].public["timeToZeroMs"] == (0 if ms < 0 else 50)


def test_it_is_noted_once(world: World) -> None:
    world.must(note(world))
    size = world.state.size
    world.must(note(world))
    assert world.state.size == size


@pytest.mark.parametrize(
    "change",
    [
        {"state": "waiting", "at": None},
        {"state": "acknowledged", "size": 0},
        {"state": "acknowledged", "at": None},
        {"state": "hoped"},
    ],
    ids=str,
)
def test_while_anybody_is_waited_for_it_is_refused(world: World, change: dict[str, Any]) -> None:
    assert world.refused(note(world, row(world), row(world, 2, **change))) == "not_everywhere"
    assert world.state.spreading == {"d-1": None}


def test_one_who_lacks_but_the_directive_itself_is_waited_for(world: World) -> None:
    size = world.state.directives["d-1"].size
    assert world.refused(note(world, row(world, size=size - 1))) == "not_everywhere"
    world.must(note(world, row(world, size=size)))


def test_of_a_directive_that_was_lifted_or_never_was_it_is_refused(world: World) -> None:
    assert world.refused(NoteInForce("d-9", 3, ())) == "directive_unknown"
    assert world.refused(note(world, size=world.state.directives["d-1"].size - 1)) == "directive_changed"
    world.lift("d-1")
    assert world.refused(note(world)) == "directive_lifted"
    assert world.state.spreading == {}


def test_a_point_on_its_surface_has_to_have_said_so(world: World) -> None:
    world.must(set_point("cloud", API))
    assert world.refused(note(world, row(world))) == "not_everywhere"
    world.now_ms += 30
    world.must(state_point(stated(world.state)))
    seq = world.entries[-1].seq
    world.now_ms += 30
    world.must(note(world, row(world)))
    public = world.entries[-1].public
    assert public["points"] == [{"point": "cloud", "surface": API, "at": at(30), "seq": seq}]
    assert (public["stated"], public["timeToZeroMs"]) == (1, 30)


def test_a_point_that_was_retired_is_not_waited_for(world: World) -> None:
    world.must(set_point("cloud", API))
    world.must(set_point("cloud", API, "retired"))
    world.must(note(world))
    assert world.entries[-1].public["points"] == []


def test_rows_go_over_as_many_entries_as_they_need(world: World) -> None:
    """Each leaf keeps within its bound, whatever a surface is called."""
    rows = [row(world, i, surface="\x00" * 64, ask={"x": "y" * 500}) for i in range(300)]
    world.must(note(world, *rows))
    parts = [entry.public for entry in world.entries if entry.type == "directive.in_force"]
    assert len(parts) > 3
    assert [row for part in parts for row in part["gateways"]] == rows
    assert {(part["acknowledged"], part["of"]) for part in parts} == {(300, len(parts))}
    assert all(len(part["gateways"]) > 50 for part in parts[:-1])


def tables() -> list[Table]:
    release = Floor(Rule("allOf", ("oncd",)), {MODEL: "demo"})
    return [Table(), VouchedTable(Releases(DEVELOPER, LOG, PINS, {RELEASE: release}))]


def test_gateways_fold_it_and_it_changes_nothing(world: World) -> None:
    world.must(set_point("cloud", API))
    world.must(state_point(stated(world.state)))
    world.must(note(world))
    for table in tables():
        for entry in world.entries:
            table.apply(entry)
        assert table.size == world.state.size
        assert MODEL in table.directed
