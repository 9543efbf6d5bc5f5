"""Promises: whose they are, what keeps them, and that none is forgotten when its time is over."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle.agenda import What
from sluicegate.core.lifecycle.applications import Withdraw
from sluicegate.core.lifecycle.due import due_ms
from sluicegate.core.lifecycle.promises import RecordPromise
from sluicegate.core.lifecycle.record import AddNote
from sluicegate.core.lifecycle.releases import ApplyPlan
from sluicegate.errors import BadEnvelope
from sluicegate_record.entities import target
from sluicegate_record.entities.promise import Promise
from sluicegate_record.log import times
from sluicegate_record.statements.about import About
from sluicegate_record.statements.notes import NoteStatement
from sluicegate_record.statements.promises import Promising
from sluicegate_record.terms import dates
from tests.worlds import (
    AT_MS,
    DAY_MS,
    DEVELOPER,
    LOG,
    OFFICER,
    RELEASE,
    STAGE,
    World,
    plan_value,
    promising,
    read_plan,
    signed,
    stage,
)

STAGE_OF = About(release=RELEASE, stage=STAGE)


def day(days: int) -> str:
    """The day that so many days from the first moment of these tests is."""
    return dates.day_before(AT_MS + days * DAY_MS + 1)


def due(days: int) -> int:
    """When that day is over."""
    return dates.end_ms(day(days))


def makes(party: str = "ostp", *, days: int = 5, about: About | None = None, **said: Any) -> RecordPromise:
    fields = {"text": "it is done", "due_ms": due(days), "default": "nothing follows", **said}
    return promising(party, "makes", about=about or About(), **fields)


def promised(world: World, party: str = "ostp", *, days: int = 5, about: About | None = None) -> str:
    name: str = world.must(makes(party, days=days, about=about))["promise"]
    return name


def word(world: World, party: str, says: str, name: str, **said: Any) -> RecordPromise:
    """A party's word on a promise, after the last one."""
    return promising(party, says, **{"promise": name, "previous": found(world, name).digest, **said})


def changes(world: World, party: str, name: str, days: int, text: str = "it is done") -> RecordPromise:
    said = {"text": text, "due_ms": due(days), "default": "nothing follows", "reason": "more to read"}
    return word(world, party, "changes", name, **said)


def found(world: World, name: str) -> Promise:
    return world.state.record.promises[name]


def test_a_promise_is_kept_by_its_party_alone() -> None:
    world = World()
    name = promised(world)
    for command in (
        word(world, DEVELOPER, "keeps", name),
        word(world, "oncd", "breaks", name, reason="why"),
        changes(world, "oncd", name, 9),
    ):
        assert world.refused(command) == "promise_of_another"
    keeps = word(world, "ostp", "keeps", name, text="as we said")
    world.must(keeps)
    assert (found(world, name).state, found(world, name).said) == ("kept", "as we said")
    size = world.state.size
    world.must(keeps)
    assert world.state.size == size
    assert world.refused(word(world, "ostp", "breaks", name, reason="why")) == "promise_not_open"


def test_only_its_party_signs_a_promise() -> None:
    world = World()
    assert world.refused(makes(signer="oncd")) == "key_of_another_party"
    assert world.refused(makes(DEVELOPER, signer="ostp")) == "key_of_another_party"
    name = world.must(makes(DEVELOPER, signer=OFFICER))["promise"]
    assert found(world, name).owner == OFFICER
    said = Promising(log="other", party="ostp", says="makes", text="it is done", due_ms=due(5))
    assert world.refused(RecordPromise(signed(said.payload(), "ostp"))) == "other_log"


def test_a_word_is_said_once_and_after_the_last_one() -> None:
    world = World()
    first = makes()
    name = world.must(first)["promise"]
    later = changes(world, "ostp", name, 8)
    stale = word(world, "ostp", "breaks", name, reason="we cannot")
    world.must(later)
    assert world.refused(first) == "promise_made"
    assert world.refused(stale) == "promise_stale"
    world.must(changes(world, "ostp", name, 9))
    assert world.refused(later) == "promise_stale"
    assert world.refused(promising("ostp", "keeps", promise="promise_none")) == "promise_unknown"


def test_its_last_day_is_a_whole_day_and_then_time_breaks_it_once() -> None:
    world = World()
    name = promised(world)
    due_ms = dates.end_ms(day(5))
    world.now_ms = due_ms - 1
    world.tick()
    assert found(world, name).state == "open"
    world.now_ms = due_ms
    world.tick()
    assert (found(world, name).state, found(world, name).how) == ("broken", "time")
    world.later(30)
    assert world.types().count("promise.broken") == 1
    assert world.refused(changes(world, "ostp", name, 90)) == "promise_not_open"


def test_no_promise_is_missed_over_a_week_of_downtime() -> None:
    world = World()
    names = [promised(world, days=days) for days in (1, 3, 2)]
    world.later(9)
    broken = [entry.public["promise"] for entry in world.entries if entry.type == "promise.broken"]
    assert broken == [names[0], names[2], names[1]]


def test_a_broken_promise_can_be_kept_late_and_stays_broken_on_the_record() -> None:
    world = World()
    name = promised(world)
    world.must(word(world, "ostp", "breaks", name, reason="we cannot"))
    world.must(word(world, "ostp", "keeps", name))
    kept = found(world, name)
    assert (kept.state, kept.how) == ("kept", "act")
    assert kept.broken_ms is not None


def test_a_change_keeps_what_was_promised_before() -> None:
    world = World()
    name = promised(world)
    assert world.refused(changes(world, "ostp", name, -2)) == "promise_over"
    world.must(changes(world, "ostp", name, 8))
    world.must(changes(world, "ostp", name, 8, text="a part is done"))
    changed = found(world, name)
    assert (changed.text, changed.due_ms) == ("a part is done", due(8))
    assert [each.text for each in changed.changes] == ["it is done", "it is done"]
    assert (changed.changes[0].due_ms, changed.changes[0].reason) == (due(5), "more to read")
    world.later(7)
    assert found(world, name).state == "open"


def test_a_stage_that_opens_keeps_the_promise_of_its_opening() -> None:
    world = World.agreed()
    ours, theirs = promised(world, DEVELOPER, about=STAGE_OF), promised(world, about=About(release=RELEASE))
    world.open()
    assert (found(world, ours).state, found(world, theirs).state) == ("kept", "open")
    assert world.refused(makes(DEVELOPER, about=STAGE_OF, text="again")) == "stage_open"


def test_a_decision_keeps_the_promise_of_it_and_a_withdrawal_leaves_nothing_to_keep() -> None:
    world = World.opened()
    denied, withdrawn = world.submit(), world.submit("org-2")
    names = [promised(world, "oncd", about=About(case=case.id)) for case in (denied, withdrawn)]
    world.say(denied, "oncd", "object")
    world.must(Withdraw(withdrawn.id))
    assert [found(world, name).state for name in names] == ["kept", "void"]
    assert world.refused(makes("oncd", about=About(case=denied.id), text="again")) == "case_determined"


def test_reasons_that_follow_keep_the_promise_of_them_if_its_party_gives_them() -> None:
    world = World.opened()
    world.direct("d-1")
    about = About(directive="d-1")
    name = promised(world, "oncd", about=about)
    for party, kind in ((DEVELOPER, "reasons"), ("oncd", "statement"), ("oncd", "reasons")):
        assert found(world, name).state == "open"
        note = NoteStatement(log=LOG, party=party, about=about, kind=kind, on="2026-06-24", text="because")
        world.must(AddNote(signed(note.payload(), OFFICER if party == DEVELOPER else party)))
    assert found(world, name).state == "kept"


@pytest.mark.parametrize(
    ("about", "code"),
    [
        (About(release="none"), "stage_unknown"),
        (About(release=RELEASE, stage="none"), "stage_unknown"),
        (About(case="none"), "case_unknown"),
        (About(directive="none"), "directive_unknown"),
    ],
)
def test_a_promise_is_about_what_there_is(about: About, code: str) -> None:
    assert World.agreed().refused(makes(about=about)) == code


@pytest.mark.parametrize(
    ("says", "said"),
    [
        ("says", {}),
        ("makes", {"text": " "}),
        ("makes", {"text": "a\u202eb"}),
        ("makes", {"text": None}),
        ("makes", {"due_ms": None}),
        ("makes", {"default": "\n"}),
        ("makes", {"reason": "why"}),
        ("makes", {"promise": "promise_x"}),
        ("makes", {"about": About(case="c", directive="d")}),
        ("makes", {"about": About(stage=STAGE)}),
        ("keeps", {"text": None, "due_ms": None}),
        ("breaks", {"promise": "promise_x", "text": None, "due_ms": None}),
        ("breaks", {"promise": "promise_x", "text": None, "due_ms": None, "reason": " "}),
        ("changes", {"promise": "promise_x", "reason": "why", "about": STAGE_OF}),
    ],
)
def test_a_word_that_says_too_little_or_too_much_is_refused(says: str, said: dict[str, Any]) -> None:
    fields = {"text": "it is done", "due_ms": due(5), **said}
    with pytest.raises(BadEnvelope):
        World.agreed().do(promising("ostp", says, **fields))


def targeting(first: str | None, reason: str | None = None, **more: str | None) -> ApplyPlan:
    """A plan whose stages have these target dates."""
    stages = [stage(name, target=target) for name, target in {STAGE: first, **more}.items()]
    return ApplyPlan(read_plan(plan_value(stages=stages)), reason)


def target_of(world: World, name: str = STAGE) -> Promise:
    """The newest promise of the opening of a stage."""
    last = target.newest(world.state.record, RELEASE, name)
    assert last is not None
    return last


def test_a_target_date_is_a_promise_of_the_developer_which_the_opening_keeps() -> None:
    world = World()
    world.must(targeting(day(5), other=day(9)))
    made = target_of(world)
    assert (made.party, made.state, made.due_ms, made.about) == (DEVELOPER, "open", due(5), STAGE_OF)
    world.agree()
    world.open()
    assert (target_of(world).state, target_of(world, "other").state) == ("kept", "open")
    world.later(10)
    assert (target_of(world).state, target_of(world, "other").how) == ("kept", "time")


def test_a_target_date_changes_nothing_of_the_terms() -> None:
    world = World.agreed()
    terms = dict(world.state.releases[RELEASE].terms)
    receipt = world.must(targeting(day(5)))
    assert (dict(world.state.releases[RELEASE].terms), receipt["cases"]) == (terms, [])


def test_another_target_date_changes_the_promise_and_says_why() -> None:
    world = World()
    world.must(targeting(day(5)))
    assert world.refused(targeting(day(8))) == "reason_needed"
    assert world.refused(targeting(day(8), " ")) == "reason_needed"
    assert world.refused(targeting(day(-1), "why")) == "promise_over"
    receipt = world.must(targeting(day(8), "the evaluation takes longer"))
    changed = target_of(world)
    assert (receipt["retargeted"], changed.state, changed.due_ms) == ([STAGE], "open", due(8))
    (before,) = changed.changes
    assert (before.due_ms, before.reason) == (due(5), "the evaluation takes longer")
    world.later(6)
    assert target_of(world).state == "open"


def test_a_plan_without_its_target_date_breaks_the_promise_and_a_later_one_promises_anew() -> None:
    world = World()
    world.must(targeting(day(5), other=day(5)))
    assert world.refused(targeting(None, other=day(5))) == "reason_needed"
    world.must(targeting(None, "no one knows when", other=day(5)))
    first = target_of(world)
    assert (first.state, first.how, first.said) == ("broken", "act", "no one knows when")
    world.must(targeting(day(9), other=day(5)))
    assert target_of(world).id != first.id
    assert [target_of(world, name).due_ms for name in (STAGE, "other")] == [due(9), due(5)]
    world.must(targeting(day(9), "one stage is enough"))
    assert target_of(world, "other").state == "broken"


def test_what_was_broken_is_not_promised_again_by_the_same_date_and_may_be_kept_late() -> None:
    world = World()
    world.must(targeting(day(2)))
    broken = target_of(world).id
    world.later(4)
    world.must(targeting(day(2), other=None))
    assert (target_of(world).id, target_of(world).state) == (broken, "broken")
    world.agree()
    world.open()
    late = target_of(world)
    assert (late.id, late.state, late.broken_ms is not None) == (broken, "kept", True)


def test_a_stage_that_is_open_has_nothing_left_to_promise() -> None:
    world = World.opened()
    world.must(targeting(day(5)))
    assert target.newest(world.state.record, RELEASE, STAGE) is None


@pytest.mark.parametrize("says", ["keeps", "breaks", "changes"])
def test_no_one_says_by_hand_what_happens_to_a_target_date(says: str) -> None:
    world = World()
    world.must(targeting(day(5)))
    more = {"keeps": {}, "breaks": {"reason": "why"}}.get(says)
    said = {"text": "later", "due_ms": due(9), "reason": "why"} if more is None else more
    assert world.refused(promising(DEVELOPER, says, promise=target_of(world).id, **said)) == "promise_of_plan"


def test_a_directive_that_has_the_name_of_a_promise_has_its_own_time() -> None:
    world = World.agreed()
    name = promised(world)
    due = world.state.agenda[What(name, "", "promise")]
    world.direct(name, expires=times.format_time(due + DAY_MS))
    moments = {what: due_ms(world.state.record, What(name, "", what)) for what in ("promise", "directive")}
    assert moments == {"promise": due, "directive": due + DAY_MS}
