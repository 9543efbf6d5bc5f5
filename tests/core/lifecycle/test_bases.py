"""The date of a basis: who is reminded, what a review decides, what lapses, also after a week away."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle import bases
from sluicegate.core.lifecycle.releases import ApplyPlan
from sluicegate_record import law
from sluicegate_record.entries import Entry
from sluicegate_record.law import Breach, Support
from sluicegate_record.record import Record
from sluicegate_record.terms import dates
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.rule import Rule
from tests.core.access.test_vouch import KEY, trust
from tests.forging import told
from tests.worlds import (
    API,
    AT_MS,
    DAY_MS,
    DEVELOPER,
    LOG,
    MODEL,
    OFFICER,
    RELEASE,
    STAGE,
    Followed,
    World,
    plan_value,
    proceeding,
    read_plan,
    stage,
)

BASIS = {"kind": "agreed", "askedBy": ["oncd"], "how": "a memorandum", "askedOn": "2026-06-20"}
UNTIL = dates.day_before(AT_MS + 20 * DAY_MS)
END_MS = dates.end_ms(UNTIL)
REVIEW = {"review": {"by": ["oncd", "ostp"], "then": "lapse"}}


def dated(after: Any, until: str = UNTIL) -> dict[str, Any]:
    return stage(basis={**BASIS, "until": until, "afterUntil": after})


def opened(after: Any) -> World:
    return World.opened(stages=[dated(after)])


def then(world: World) -> str | None:
    """What followed when the date of the basis in force was over, if it is."""
    return world.state.record.bases.get(world.state.releases[RELEASE].terms[STAGE])


def review(world: World) -> Followed | None:
    return next((case for case in world.cases() if case.kind == "review"), None)


def at(world: World, at_ms: int) -> None:
    world.now_ms = at_ms
    world.tick()


def words(world: World) -> str:
    release = world.state.releases[RELEASE]
    shown = bases.view(world.state, release, release.plan.stages[STAGE])
    assert shown is not None
    return shown.words


@pytest.mark.parametrize("after", ["lapse", "stay"])
def test_a_basis_is_over_at_the_end_of_its_day_and_parties_are_reminded_once(after: str) -> None:
    world = opened(after)
    at(world, END_MS - 7 * DAY_MS - 1)
    assert world.types().count("basis.reminded") == 0
    at(world, END_MS - 1)
    assert (world.types().count("basis.reminded"), then(world)) == (1, None)
    at(world, END_MS)
    assert then(world) == after
    world.later(30)
    assert (world.types().count("basis.reminded"), world.types().count("basis.ended")) == (1, 1)


def test_a_basis_of_an_earlier_build_stays() -> None:
    world = World()
    value = read_plan(plan_value(stages=[dated("stay")])).to_json()
    del value["spec"]["stages"][0]["basis"]["afterUntil"]
    world.must(ApplyPlan(Plan.from_json(value)))
    world.agree()
    at(world, END_MS)
    assert then(world) == "stay"


def test_a_basis_that_nobody_agreed_to_ends_only_when_they_have() -> None:
    world = World()
    world.apply(plan_value(stages=[dated("lapse")]))
    at(world, END_MS + DAY_MS)
    assert then(world) is None
    world.agree()
    assert then(world) == "lapse"


def test_new_terms_take_the_date_away() -> None:
    world = opened("lapse")
    world.apply(plan_value(stages=[dated("lapse", dates.day_before(AT_MS + 90 * DAY_MS))]))
    world.agree()
    at(world, END_MS + DAY_MS)
    assert then(world) is None
    world.apply(plan_value(stages=[stage("another")]))
    world.later(90)
    assert world.types().count("basis.ended") == 0


# What lapses


def test_where_rules_bind_no_officer_decides_alone() -> None:
    world = opened("stay")
    case = world.submit()
    at(world, END_MS)
    assert world.refused(proceeding(case, OFFICER)) == "not_voluntary"


def test_where_rules_have_lapsed_one_officer_decides_what_needed_agencies() -> None:
    world = opened("lapse")
    case = world.submit()
    world.say(case, "oncd", "object")
    other = world.submit("org-2")
    assert world.refused(proceeding(other, OFFICER)) == "not_voluntary"
    at(world, END_MS)
    world.must(proceeding(other, OFFICER))
    assert (other.outcome, other.unbound) == ("approved", True)
    world.must(proceeding(case, OFFICER))
    assert case.outcome == "approved"
    shown = words(world)
    assert f"Its rules lapsed when {UNTIL} was over: oncd and ostp no longer decide." in shown
    assert f"an officer of {DEVELOPER} decides by a signed entry" in shown


def test_no_agency_signs_what_an_officer_decides_and_no_stranger_does() -> None:
    world = opened("lapse")
    case = world.submit()
    at(world, END_MS)
    assert world.refused(proceeding(case, "oncd")) == "key_of_another_party"


# Reviews


def test_a_review_opens_by_itself_before_the_date_and_decides_what_follows() -> None:
    world = opened(REVIEW)
    at(world, END_MS - 14 * DAY_MS - 1)
    assert review(world) is None
    at(world, END_MS - 14 * DAY_MS)
    case = review(world)
    assert case is not None
    assert (case.due_ms, case.awaiting) == (END_MS, ["oncd", "ostp"])
    world.all_say(case, "oncd approve", "ostp no-objection")
    assert (case.outcome, then(world)) == ("approved", None)
    at(world, END_MS)
    assert then(world) == "stay"
    assert f"The date {UNTIL} is over. Its rules stay; new terms end that" in words(world)


@pytest.mark.parametrize(
    ("said", "outcome", "follows"),
    [
        ("oncd object", "denied", "lapse"),
        ("oncd approve", "lapsed", "lapse"),
        ("", "lapsed", "lapse"),
    ],
)
def test_a_review_without_a_yes_lapses_where_that_is_its_default(
    said: str, outcome: str, follows: str
) -> None:
    world = opened(REVIEW)
    at(world, END_MS - DAY_MS)
    case = review(world)
    assert case is not None
    world.all_say(case, *filter(None, [said]))
    at(world, case.due_ms)
    assert (case.outcome, then(world)) == (outcome, follows)


def test_a_week_of_downtime_misses_neither_a_lapse_nor_a_review() -> None:
    world = opened("lapse")
    world.now_ms = END_MS + 7 * DAY_MS
    world.tick()
    assert then(world) == "lapse"
    world = opened(REVIEW)
    world.now_ms = END_MS + 7 * DAY_MS
    world.tick()
    case = review(world)
    assert case is not None
    assert (then(world), case.due_ms) == (None, END_MS + 21 * DAY_MS)
    at(world, END_MS + 21 * DAY_MS)
    assert (case.outcome, then(world)) == ("lapsed", "lapse")


def test_a_review_ends_with_its_terms() -> None:
    world = opened(REVIEW)
    at(world, END_MS - DAY_MS)
    case = review(world)
    assert case is not None
    world.apply(plan_value(stages=[stage()]))
    assert case.outcome == "superseded"
    world.later(60)
    assert world.types().count("basis.ended") == 0


# A control plane that lies


def lapsed() -> World:
    """An officer has admitted an organization after a lapse, and it has a key."""
    world = opened("lapse")
    case = world.submit()
    at(world, END_MS)
    world.must(proceeding(case, OFFICER))
    assert case.grant is not None
    world.credential(case.grant)
    return world


def asked(entries: list[Entry], rule: Rule) -> Allow | Deny:
    """What a gateway with a trust file and this floor answers after these entries."""
    table = VouchedTable(trust(rule))
    for entry in entries:
        table.apply(entry)
    return decision.decide(Ask(KEY, MODEL, API), table, Instant(END_MS, END_MS))


ALONE = Rule("anyOf", (DEVELOPER, "oncd"))


def test_a_gateway_that_checks_signatures_honours_a_lapse_that_agencies_agreed_to() -> None:
    world = lapsed()
    assert isinstance(asked(world.entries, ALONE), Allow)
    refused = asked(world.entries, Rule("allOf", ("oncd", "ostp")))
    assert isinstance(refused, Deny)
    assert refused.reason is Reason.DEPLOYMENT_UNATTESTED


def test_a_gateway_honours_no_lapse_before_its_date_and_none_that_was_not_agreed() -> None:
    world = lapsed()
    (ended,) = (entry for entry in world.entries if entry.type == "basis.ended")
    early = [told(e, {}, at_ms=END_MS - 1) if e is ended else e for e in world.entries]
    assert isinstance(asked(early, ALONE), Deny)
    never = [e for e in world.entries if e is not ended]
    never = [told(e, {}, seq=seq) for seq, e in enumerate(never)]
    assert isinstance(asked(never, ALONE), Deny)
    stays = opened("stay")
    case = stays.submit()
    at(stays, END_MS)
    (ended,) = (entry for entry in stays.entries if entry.type == "basis.ended")
    record = Record()
    for entry in stays.entries[: ended.seq]:
        record.apply(entry)
    lie = told(ended, {"then": "lapse"})
    found = law.breach(record, lie, record.pinned(), LOG, Support.SIGNATURES)
    assert isinstance(found, Breach)
    assert found.rule == "ends_as_agreed"
    assert case.grant is None
