from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle import State
from sluicegate.errors import VerificationFailed
from tests.forging import forged
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
    ("log.started", {}),
    ("key.pinned", {}),
    ("key.pinned", {"keyid": "a", "publicKey": "not base64", "owner": "a", "party": "a"}),
    ("key.pinned", {"keyid": [], "publicKey": "", "owner": "a", "party": "a"}),
    ("case.opened", {"kind": "lift", "case": "c", "question": {"directive": "none"}, "rule": {}}),
    ("case.opened", {"kind": "lift", "case": "c", "question": [], "rule": {}}),
    ("case.opened", {"kind": "terms"}),
    ("position.recorded", {}),
    (
        "position.recorded",
        {"case": "unknown", "agency": "a", "owner": "a", "position": "a", "reason": "", "digest": "d"},
    ),
    ("case.waitlisted", {"case": "unknown"}),
    ("case.waitlisted", {}),
    ("case.determined", {"case": "unknown", "outcome": "approved"}),
    ("credential.revoked", {"credential": "unknown"}),
    ("directive.lifted", {"directive": "unknown"}),
]


@pytest.mark.parametrize(("type_", "public"), MALFORMED)
def test_an_entry_that_lacks_what_its_type_needs_is_refused(type_: str, public: dict[str, Any]) -> None:
    """Its author is the log's key, so it stops the process: but as what it is."""
    state = State()
    entry = forged(type_, public, seq=0, at_ms=AT_MS)
    with pytest.raises(VerificationFailed, match=f"entry 0 \\({type_}\\):?.* lacks"):
        state.apply(entry)
