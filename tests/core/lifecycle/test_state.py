from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle import State
from sluicegate.errors import VerificationFailed
from sluicegate_record.log import events
from sluicegate_record.log.events import Draft
from tests.worlds import AT_MS, OFFICER, RELEASE, STAGE, World, keyid, plan_value, stage


def test_a_state_is_of_one_size_and_moment() -> None:
    world = World.opened()
    world.now_ms = AT_MS + 5
    world.admit()
    assert world.state.size == len(world.entries)
    assert world.state.at_ms == AT_MS + 5


def test_time_never_goes_back() -> None:
    world = World.opened()
    world.now_ms = AT_MS - 1_000_000
    world.submit()
    times = [entry.at_ms for entry in world.entries]
    assert times == sorted(times)


def test_a_case_keeps_the_whole_history_and_the_newest_position() -> None:
    world = World.opened()
    case = world.submit()
    world.say(case, "oncd")
    world.say(case, "oncd", "abstain")
    assert [said.position for said in case.history] == ["approve", "abstain"]
    assert case.positions["oncd"] is case.history[-1]
    assert case.positions["oncd"].seq == world.entries[-1].seq


def test_pinned_keys_are_known_by_their_own_name() -> None:
    assert World().state.keys[keyid(OFFICER)].owner == OFFICER


def test_the_seated_are_counted_by_organization() -> None:
    world = World.opened(stages=[stage(conditions=None)])
    world.admit("org-1")
    world.admit("org-1", "codex")
    world.admit("org-2")
    assert world.state.seated(RELEASE, STAGE) == {"org-1", "org-2"}
    assert world.state.seated(RELEASE, "later") == frozenset()


def test_an_unannounced_plan_is_in_the_state() -> None:
    world = World()
    world.apply(plan_value(announced=False))
    assert world.state.releases[RELEASE].plan.spec.announced is False


MALFORMED: list[tuple[str, dict[str, Any]]] = [
    (events.LOG_STARTED, {}),
    (events.KEY_PINNED, {}),
    (events.KEY_PINNED, {"keyid": "a", "publicKey": "not base64", "owner": "a", "party": "a"}),
    (events.KEY_PINNED, {"keyid": [], "publicKey": "", "owner": "a", "party": "a"}),
    (events.CASE_OPENED, {"kind": "lift", "case": "c", "question": {"directive": "none"}, "rule": {}}),
    (events.CASE_OPENED, {"kind": "lift", "case": "c", "question": [], "rule": {}}),
    (events.CASE_OPENED, {"kind": "terms"}),
    (events.POSITION_RECORDED, {}),
    (
        events.POSITION_RECORDED,
        {"case": "unknown", "agency": "a", "owner": "a", "position": "a", "reason": "", "digest": "d"},
    ),
    (events.CASE_WAITLISTED, {"case": "unknown"}),
    (events.CASE_WAITLISTED, {}),
    (events.CASE_DETERMINED, {"case": "unknown", "outcome": "approved"}),
    (events.CREDENTIAL_REVOKED, {"credential": "unknown"}),
    (events.DIRECTIVE_LIFTED, {"directive": "unknown"}),
]


@pytest.mark.parametrize(("type_", "public"), MALFORMED)
def test_an_entry_that_lacks_what_its_type_needs_is_refused(type_: str, public: dict[str, Any]) -> None:
    """Its author is the log's key, so it stops the process: but as what it is."""
    state = State()
    entry = events.place(Draft(type_, "s", public), seq=0, at_ms=AT_MS, by="b", command="c")
    with pytest.raises(VerificationFailed, match=f"entry 0 \\({type_}\\) lacks"):
        state.apply(entry)
