"""Declared enforcement points: who declares and retires them, and what counts as their word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sluicegate.core.lifecycle import points
from sluicegate.core.lifecycle.points import AHEAD_MS, SetPoint, StatePoint
from sluicegate.core.lifecycle.rows import PointStatement
from sluicegate.errors import BadEnvelope
from sluicegate_record.entities.directive import Directive
from sluicegate_record.log import canonical, dsse, publickey, times
from tests.worlds import (
    API,
    AT_MS,
    CODEX,
    LOG,
    OFFICER,
    OTHER_OFFICER,
    World,
    public_key,
    set_point,
    state_point,
    stated,
)

OTHER_LOG = LOG.replace("openai", "other")


@pytest.fixture
def world() -> World:
    """A directive for every surface, and a point on one of them."""
    world = World.opened()
    world.must(set_point("cloud", API))
    world.direct("d-1")
    return world


def issued(world: World, name: str = "d-1") -> Directive:
    return world.state.directives[name]


def word(world: World, point: str = "cloud", name: str = "d-1") -> PointStatement | None:
    return points.enforcing(world.state.points[point], issued(world, name))


def later(ms: int) -> str:
    return times.format_time(AT_MS + ms)


# Declaring and retiring


def test_an_officer_declares_a_point_with_its_own_key() -> None:
    world = World.opened()
    assert world.must(set_point("cloud", CODEX)) == {
        "point": "cloud",
        "surface": CODEX,
        "state": "declared",
        "size": world.state.size,
    }
    entry = world.entries[-1]
    assert entry.type == "point.declared"
    public = dict(entry.public)
    assert public.pop("envelope")["payloadType"] == dsse.PAYLOAD_TYPE_INTOTO
    assert public.pop("digest").startswith("sha256:")
    assert public == {
        "point": "cloud",
        "surface": CODEX,
        "keyid": publickey.keyid(public_key("cloud")),
        "publicKey": canonical.b64(public_key("cloud")),
        "owner": OFFICER,
    }
    point = world.state.points["cloud"]
    assert (point.surface, point.public, point.retired) == (CODEX, public_key("cloud"), False)


def test_the_same_again_changes_nothing(world: World) -> None:
    for says in ("declared", "retired", "retired"):
        world.must(set_point("cloud", API, says, signer=OTHER_OFFICER))
    assert world.types(-1) == ["point.retired"]
    assert world.types().count("point.declared") == world.types().count("point.retired") == 1


@pytest.mark.parametrize("says", ["declared", "retired"])
@pytest.mark.parametrize("signer", ["oncd", "nobody", "cloud"])
def test_nobody_but_an_officer_declares_or_retires(world: World, says: str, signer: str) -> None:
    point = "another" if says == "declared" else "cloud"
    code = world.refused(set_point(point, API, says, signer=signer))
    assert code == ("key_of_another_party" if signer == "oncd" else "signature_invalid")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (set_point("cloud", CODEX), "name_taken"),
        (set_point("cloud", API, key=public_key("another")), "name_taken"),
        (set_point("cloud", CODEX, "retired"), "name_taken"),
        (set_point("another", API, "retired"), "point_unknown"),
        (set_point("another", "ipa"), "surface_unknown"),
        (set_point("another", API, key=public_key("oncd")), "key_of_a_party"),
        (set_point("another", API, key=public_key(OFFICER)), "key_of_a_party"),
        (set_point("another", API, log=OTHER_LOG), "other_log"),
    ],
)
def test_what_does_not_fit_is_refused(world: World, command: SetPoint, code: str) -> None:
    assert world.refused(command) == code


def test_a_point_that_was_retired_is_not_declared_again(world: World) -> None:
    """Nobody can bring it back with the statement that declared it."""
    world.must(set_point("cloud", API, "retired"))
    assert world.refused(set_point("cloud", API)) == "name_taken"


# Their word


def test_a_point_says_that_it_enforces_a_directive(world: World) -> None:
    assert word(world) is None
    world.now_ms += 9
    world.must(state_point(stated(world.state, at_ms=AT_MS + 5)))
    entry = world.entries[-1]
    assert entry.type == "point.stated"
    public = {name: entry.public[name] for name in ("point", "directive", "size", "says", "at")}
    assert public == {
        "point": "cloud",
        "directive": "d-1",
        "size": issued(world).size,
        "says": "enforced",
        "at": later(5),
    }
    assert word(world) == PointStatement("enforced", issued(world).size, AT_MS + 5, entry.seq, AT_MS + 9)


def test_what_it_has_restored_it_does_not_enforce(world: World) -> None:
    world.must(state_point(stated(world.state)))
    world.must(state_point(stated(world.state, says="restored", at_ms=AT_MS + 1)))
    assert word(world) is None
    assert world.refused(state_point(stated(world.state))) == "statement_superseded"
    assert word(world) is None
    world.must(state_point(stated(world.state, at_ms=AT_MS + 2)))
    assert word(world) is not None


def test_of_two_words_of_one_moment_the_first_stands(world: World) -> None:
    world.must(state_point(stated(world.state)))
    assert world.refused(state_point(stated(world.state, says="restored"))) == "statement_superseded"


def test_its_word_on_an_older_document_is_none_on_the_newest(world: World) -> None:
    world.must(state_point(stated(world.state)))
    newest = replace(issued(world), seq=issued(world).seq + 1)
    assert points.enforcing(world.state.points["cloud"], newest) is None


def test_its_word_on_one_directive_is_none_on_another(world: World) -> None:
    world.direct("d-2")
    world.must(state_point(stated(world.state)))
    assert word(world) is not None
    assert word(world, name="d-2") is None


def test_the_same_word_again_changes_nothing(world: World) -> None:
    world.must(state_point(stated(world.state)))
    size = world.state.size
    world.must(state_point(stated(world.state)))
    assert world.state.size == size


def test_a_point_says_what_it_restored_after_the_directive_was_lifted(world: World) -> None:
    world.must(state_point(stated(world.state)))
    world.lift("d-1")
    world.must(state_point(stated(world.state, says="restored", at_ms=AT_MS + 1)))
    refused = world.refused(state_point(stated(world.state, at_ms=AT_MS + 2)))
    assert refused == "directive_lifted"


@pytest.mark.parametrize("signer", [OFFICER, "oncd", "nobody", "rival"])
def test_nobody_speaks_for_a_point(world: World, signer: str) -> None:
    world.must(set_point("rival", API))
    assert world.refused(state_point(stated(world.state), signer)) == "signature_invalid"
    assert word(world) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"log": OTHER_LOG}, "other_log"),
        ({"point": "rival"}, "point_unknown"),
        ({"directive": "d-9"}, "directive_unknown"),
        ({"document": "sha256:" + "0" * 64}, "other_document"),
        ({"at_ms": AT_MS + AHEAD_MS + 1}, "time_ahead"),
    ],
    ids=str,
)
def test_a_word_that_does_not_fit_is_refused(world: World, change: dict[str, Any], code: str) -> None:
    said = replace(stated(world.state), **change)
    assert world.refused(state_point(said, "cloud")) == code


def test_a_clock_that_is_a_little_ahead_is_forgiven(world: World) -> None:
    world.must(state_point(stated(world.state, at_ms=AT_MS + AHEAD_MS)))
    assert word(world) is not None


def test_a_retired_point_has_nothing_to_say_and_nobody_waits_for_it(world: World) -> None:
    assert points.asked(world.state, issued(world)) == [world.state.points["cloud"]]
    world.must(set_point("cloud", API, "retired"))
    assert points.asked(world.state, issued(world)) == []
    assert world.refused(state_point(stated(world.state))) == "point_retired"


def test_a_directive_for_another_surface_does_not_wait_for_a_point(world: World) -> None:
    world.direct("d-2", surfaces=[CODEX])
    world.direct("d-3", surfaces=[CODEX, API])
    assert points.asked(world.state, issued(world, "d-2")) == []
    assert len(points.asked(world.state, issued(world, "d-3"))) == 1
    said = stated(world.state, name="d-2")
    assert world.refused(state_point(said)) == "surface_not_covered"


def test_one_statement_is_not_taken_for_another() -> None:
    """Neither an officer's word for a point's, nor the other way round."""
    world = World.opened()
    world.must(set_point("cloud", API))
    world.direct("d-1")
    with pytest.raises(BadEnvelope):
        world.do(SetPoint(state_point(stated(world.state)).envelope))
    with pytest.raises(BadEnvelope):
        world.do(StatePoint(set_point("cloud", API).envelope))
