"""Programmes through the same cases: asked for, signed, granted, changed, suspended; and what a lie gives."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from sluicegate.core.access import decision, versions
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.access.naming import NOBODY, Naming
from sluicegate.core.access.programmes import AskedProgramme
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.applications import SubmitApplication
from sluicegate.core.lifecycle.grants import OpenRemoval, ResumeGrant, SuspendGrant
from sluicegate.core.people import persons
from sluicegate_record import law
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.law import Breach, Support
from sluicegate_record.record import Record
from sluicegate_record.terms import tightness
from sluicegate_record.terms.programmes import FIELD, PROFILE, HeldProgramme
from tests.core.access.test_vouch import folded, of_type, told, trust
from tests.worlds import (
    API,
    DAY_MS,
    LOG,
    MODEL,
    STAGE,
    Followed,
    World,
    application,
    plan_value,
    read_plan,
)

HEADER = "x-access-program"
PROGRAMMES: dict[str, Any] = {
    "cyber": {
        "standard": {},
        "blue": {"asks": {"sso": True}},
        "red": {"asks": {"sso": True, "mfa": {"value": True, "declared": True}, "personNamed": True}},
        "black": {"travels": HEADER},
        "b": {"travels": PROFILE},
    }
}
BLUE, RED, BLACK = (HeldProgramme(concern="cyber", name=name) for name in ("blue", "red", "black"))
ALICE = persons.identifier("alice")
MINE, OTHER = (persons.identifier(name).hex() for name in ("uprof_1", "uprof_2"))
B = HeldProgramme(concern="cyber", name="b", holders=(MINE,))


def world_with(*held: HeldProgramme, **changes: Any) -> tuple[World, str, bytes]:
    """An organization with these programmes, its grant and its key."""
    world = World.opened(programmes=PROGRAMMES, **changes)
    grant = admitted(world, *held)
    return world, grant, world.credential(grant)[0]


def asking(*held: HeldProgramme) -> SubmitApplication:
    return dataclasses.replace(application(), programmes=held)


def admitted(world: World, *held: HeldProgramme) -> str:
    case = world.case(world.must(asking(*held))["application"])
    world.all_say(case, "oncd approve", "ostp approve")
    grant: str | None = case.grant
    assert grant is not None
    return grant


def amended(world: World, grant: str, *held: HeldProgramme) -> Followed:
    """The holder asks for exactly these from now on, and its agencies agree."""
    case = world.case(world.must(world.amend(grant, renew=False, programmes=held))["application"])
    world.all_say(case, "oncd approve", "ostp approve")
    return case


def field(name: str, concern: str = "cyber") -> AskedProgramme:
    return AskedProgramme(FIELD, concern, name)


def decided(
    table: Table, key: bytes, *asked: AskedProgramme, naming: Naming = NOBODY, after_days: float = 0
) -> Allow | Deny:
    now_ms = World().now_ms + 1_000 + round(after_days * DAY_MS)
    ask = Ask(key, MODEL, API, naming=naming, programmes=asked)
    return decision.decide(ask, table, Instant(now_ms, now_ms))


def why(answer: Allow | Deny) -> str:
    """Why a programme is refused, or that it is allowed."""
    if isinstance(answer, Allow):
        return "allowed"
    return answer.programme.why if answer.programme is not None else answer.reason.value


def both(world: World) -> list[Table]:
    """A table that believes the log, and one that checks signatures."""
    return [folded(world.entries, Table()), folded(world.entries, VouchedTable(trust()))]


def test_a_grant_has_the_programmes_that_its_agencies_signed() -> None:
    world, grant, key = world_with(BLUE)
    (case,) = (each for each in world.cases() if each.kind == "admission")
    assert case.question.programmes == (BLUE,)
    assert world.state.grants[grant].programmes == (BLUE,)
    for table in both(world):
        assert why(decided(table, key)) == "allowed"
        assert why(decided(table, key, field("blue"))) == "allowed"
        assert why(decided(table, key, field("red"))) == "not_granted"
        assert why(decided(table, key, field("blue"), field("red"))) == "not_granted"
        assert why(decided(table, key, field("blue", "Cyber"))) == "unknown"
        assert why(decided(table, key, field("Blue"))) == "unknown"
        assert why(decided(table, key, field("black"))) == "elsewhere"


def test_a_refusal_says_what_is_active_and_what_it_takes() -> None:
    world, _, key = world_with(BLUE)
    refused = decided(world.state.table, key, field("red"))
    assert isinstance(refused, Deny)
    assert (refused.reason, refused.status) == (Reason.PROGRAMME_NOT_GRANTED, 403)
    assert refused.text == (
        "the programme 'cyber: red' is not granted; active: cyber: blue; it asks mfa, personNamed, sso"
    )
    assert refused.programme is not None
    assert refused.programme.active == ("cyber: blue",)
    assert refused.programme.needs == ("mfa", "personNamed", "sso")


def test_each_travels_in_its_own_way() -> None:
    world, _, key = world_with(BLACK, B)
    table = world.state.table
    assert table.carriers == {HEADER.encode(), PROFILE.encode()}
    assert why(decided(table, key, AskedProgramme(HEADER, "", "black"))) == "allowed"
    assert why(decided(table, key, AskedProgramme(HEADER, "", "blue"))) == "elsewhere"
    assert why(decided(table, key, AskedProgramme(PROFILE, "", MINE))) == "allowed"
    assert why(decided(table, key, AskedProgramme(PROFILE, "", OTHER))) == "not_granted"
    assert why(decided(table, key, field("b"))) == "elsewhere"


def test_a_user_profile_means_no_programme_where_none_travels_in_one() -> None:
    world = World.opened(programmes={"cyber": {"blue": {}}})
    key = world.credential(admitted(world, BLUE))[0]
    assert why(decided(world.state.table, key, AskedProgramme(PROFILE, "", OTHER))) == "allowed"


def test_a_programme_that_asks_for_a_person_is_refused_without_one() -> None:
    world, _, key = world_with(RED)
    refused = decided(world.state.table, key, field("red"))
    assert isinstance(refused, Deny)
    assert refused.reason is Reason.PERSON_REQUIRED
    assert "'cyber: red' asks that every request names its person" in refused.text
    member(world, "mem_1")
    assert why(decided(world.state.table, key, field("red"), naming=Naming((ALICE,)))) == "allowed"


def member(world: World, name: str, identifier: bytes = ALICE) -> None:
    row = {"member": name, "identifiers": [identifier.hex()]}
    world.write("members.registered", {}, organization="org-1", members=[row])


def test_one_member_holds_a_programme_alone() -> None:
    world, grant, key = world_with(BLUE)
    member(world, "mem_1")
    member(world, "mem_2", persons.identifier("bob"))
    amended(world, grant, BLUE, replace(RED, holders=("mem_1",)))
    for table in both(world):
        assert why(decided(table, key, field("red"), naming=Naming((ALICE,)))) == "allowed"
        bob, stranger = (persons.identifier(name) for name in ("bob", "stranger"))
        for naming in (NOBODY, Naming((bob,)), Naming((ALICE, bob)), Naming((ALICE, stranger))):
            assert why(decided(table, key, field("red"), naming=naming)) == "not_held"
        assert why(decided(table, key, field("blue"), naming=Naming((bob,)))) == "allowed"


def test_an_amendment_changes_what_a_grant_has_and_a_renewal_keeps_it() -> None:
    world, grant, key = world_with(BLUE)
    amended(world, grant, BLUE, BLACK)
    assert world.state.grants[grant].programmes == (BLUE, BLACK)
    case = world.case(world.must(world.amend(grant, renew=True))["application"])
    world.all_say(case, "oncd approve", "ostp approve")
    assert world.state.grants[grant].programmes == (BLUE, BLACK)
    amended(world, grant)
    assert world.state.grants[grant].programmes == ()
    for table in both(world):
        assert why(decided(table, key, field("blue"))) == "not_granted"
        assert why(decided(table, key)) == "allowed"


def test_an_amendment_that_changes_nothing_is_refused() -> None:
    world, grant, _ = world_with(BLUE)
    assert world.refused(world.amend(grant, renew=False, programmes=(BLUE,))) == "nothing_to_amend"


def test_a_programme_is_suspended_and_resumed_alone() -> None:
    world, grant, key = world_with(BLUE, BLACK)
    world.must(SuspendGrant(grant, "misuse", ("cyber: blue",)))
    size = world.state.size
    world.must(SuspendGrant(grant, "misuse", ("cyber: blue",)))
    assert world.state.size == size
    for table in both(world):
        refused = decided(table, key, field("blue"))
        assert why(refused) == "suspended"
        assert "active: cyber: black" in str(refused)
        assert why(decided(table, key)) == "allowed"
        assert why(decided(table, key, AskedProgramme(HEADER, "", "black"))) == "allowed"
    amended(world, grant, BLUE)
    assert why(decided(world.state.table, key, field("blue"))) == "suspended"
    world.must(ResumeGrant(grant, ("cyber: blue",)))
    for table in both(world):
        assert why(decided(table, key, field("blue"))) == "allowed"


def test_the_whole_grant_and_a_programme_are_suspended_apart() -> None:
    world, grant, key = world_with(BLUE)
    world.must(SuspendGrant(grant, "misuse", ("cyber: blue",)))
    world.must(SuspendGrant(grant, "misuse"))
    world.must(ResumeGrant(grant))
    assert why(decided(world.state.table, key, field("blue"))) == "suspended"
    assert why(decided(world.state.table, key)) == "allowed"
    assert world.refused(SuspendGrant(grant, "misuse", ("cyber: red",))) == "programme_unknown"


@pytest.mark.parametrize(
    ("held", "code"),
    [
        (HeldProgramme(concern="cyber", name="Blue"), "programme_unknown"),
        (HeldProgramme(concern="bio", name="blue"), "programme_unknown"),
        (HeldProgramme(concern="cyber", name="standard"), "programme_unfit"),
        (replace(BLUE, holders=("mem_1",)), "programme_unfit"),
        (replace(RED, holders=("mem_of_another",)), "programme_unfit"),
        (HeldProgramme(concern="cyber", name="b"), "programme_unfit"),
    ],
    ids=["other case", "other concern", "standard", "no person asked", "no member", "no profile"],
)
def test_what_cannot_be_asked_for(held: HeldProgramme, code: str) -> None:
    world = World.opened(programmes=PROGRAMMES)
    assert world.refused(asking(held)) == code


def test_no_programme_twice_and_not_too_many() -> None:
    world = World.opened(programmes=PROGRAMMES)
    assert world.refused(asking(BLUE, BLUE)) == "programme_unfit"
    many = replace(B, holders=tuple(f"{n:032x}" for n in range(65)))
    assert world.refused(asking(many)) == "programme_unfit"


def test_an_appeal_is_about_the_programmes_that_were_denied() -> None:
    world = World.opened(programmes=PROGRAMMES)
    case = world.case(world.must(asking(BLUE))["application"])
    world.all_say(case, "oncd object")
    appeal = world.case(world.must(world.appeal(case.id))["case"])
    assert appeal.question.programmes == (BLUE,)
    world.all_say(appeal, "caisi approve")
    grant = appeal.grant
    assert grant is not None
    key = world.credential(grant)[0]
    assert why(decided(world.state.table, key, field("blue"))) == "allowed"


def test_a_removal_that_was_wrong_gives_back_what_there_was() -> None:
    world, grant, key = world_with(BLUE)
    removal = world.case(world.must(OpenRemoval(grant, "misuse", "why"))["case"])
    world.all_say(removal, "oncd approve", "ostp approve")
    world.later(11)
    assert world.state.grants[grant].standing == "removed"
    appeal = world.case(world.must(world.appeal(removal.id))["case"])
    assert appeal.question.programmes == (BLUE,)
    world.all_say(appeal, "caisi approve")
    assert world.state.grants[grant].standing is None
    assert why(decided(world.state.table, key, field("blue"), after_days=11)) == "allowed"


# Terms


def test_a_plan_with_fewer_programmes_is_tighter_and_one_with_others_is_not() -> None:
    whole, fewer = (
        read_plan(plan_value(programmes={"cyber": {name: PROGRAMMES["cyber"][name] for name in names}}))
        for names in (("blue", "red"), ("blue",))
    )
    other = read_plan(plan_value(programmes={"cyber": {"blue": {"asks": {"sso": False}}}}))
    old, new = whole.stages[STAGE], fewer.stages[STAGE]
    assert tightness.loosened(fewer, new, whole, old) == []
    assert tightness.loosened(whole, old, fewer, new) == ["programmes"]
    assert tightness.loosened(other, other.stages[STAGE], fewer, new) == ["programmes"]
    assert len({each.terms_digest(each.stages[STAGE]) for each in (whole, fewer, other)}) == 3


def test_a_programme_that_the_plan_has_no_more_is_not_granted() -> None:
    world = World.opened(programmes=PROGRAMMES)
    case = world.case(world.must(asking(BLUE, BLACK))["application"])
    world.apply(plan_value(programmes={"cyber": {"blue": PROGRAMMES["cyber"]["blue"]}}))
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.grant is not None
    assert world.state.grants[case.grant].programmes == (BLUE,)
    folded(world.entries, VouchedTable(trust()))


def test_what_an_earlier_fold_would_read_otherwise_says_so() -> None:
    world, grant, _ = world_with(BLUE)
    world.must(SuspendGrant(grant, "misuse", ("cyber: blue",)))
    world.must(ResumeGrant(grant, ("cyber: blue",)))
    amended(world, grant, BLUE, BLACK)
    newest = [each.type for each in world.entries if versions.fold_version(each) == 9]
    assert newest == [
        *("release.applied", "grant.approved", "grant.suspended", "grant.resumed", "grant.amended"),
    ]


# Lies

JSON_RED = {"concern": "cyber", "name": "red"}


def more(entry: Entry) -> Entry:
    return told(entry, {"programmes": [*entry.public.get("programmes", []), JSON_RED]})


@pytest.mark.parametrize(
    ("type_", "reason"),
    [
        ("grant.approved", Reason.DEPLOYMENT_UNATTESTED),
        ("grant.amended", Reason.PROGRAMME_NOT_GRANTED),
    ],
)
def test_a_gateway_that_checks_gives_no_programme_that_was_not_signed(type_: str, reason: Reason) -> None:
    world, grant, key = world_with(BLUE)
    member(world, "mem_1")
    if type_ == "grant.amended":
        amended(world, grant, BLUE, BLACK)
    lie = of_type(type_, more)
    entries = [found for each in world.entries if (found := lie(each)) is not None]
    believing, checking = folded(entries, Table()), folded(entries, VouchedTable(trust()))
    assert why(decided(believing, key, field("red"), naming=Naming((ALICE,)))) == "allowed"
    refused = decided(checking, key, field("red"), naming=Naming((ALICE,)))
    assert isinstance(refused, Deny)
    assert refused.reason is reason


def of_the_question(change: dict[str, Any]) -> Any:
    def lie(entry: Entry) -> Entry:
        return told(entry, {"question": {**entry.public["question"], **change}})

    return lie


def found_in(world: World, which: Entry, lie: Any, support: Support = Support.RECORD) -> Breach | None:
    """What the law says of an entry that says something else, on the record before it."""
    record = Record()
    for entry in world.entries[: which.seq]:
        record.apply(entry)
    found = law.breach(record, lie(which), record.pinned(), LOG, support)
    assert found is None or isinstance(found, Breach)
    return found


def last(world: World, type_: str, **public: Any) -> Entry:
    return [each for each in world.entries if each.type == type_ and public.items() <= each.public.items()][
        -1
    ]


BLUE_JSON = {"concern": "cyber", "name": "blue"}
QUESTIONS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "unknown": ([{"concern": "cyber", "name": "no"}], "do not state"),
    "other concern": ([{"concern": "bio", "name": "blue"}], "do not state"),
    "twice": ([BLUE_JSON, BLUE_JSON], "twice"),
    "standard": ([{"concern": "cyber", "name": "standard"}], "everyone has"),
    "holders": ([{**BLUE_JSON, "holders": ["mem_1"]}], "holders that it cannot have"),
    "no holders": ([{"concern": "cyber", "name": "b"}], "without those that it needs"),
}


@pytest.mark.parametrize(("stated", "text"), QUESTIONS.values(), ids=QUESTIONS)
def test_a_case_asks_for_what_its_terms_state(stated: list[dict[str, Any]], text: str) -> None:
    world, _, _ = world_with(BLUE)
    opened = last(world, "case.opened", kind="admission")
    assert found_in(world, opened, lambda entry: entry) is None
    found = found_in(world, opened, of_the_question({"programmes": stated}))
    assert found is not None
    assert found.rule == "is_about_what_there_is"
    assert text in found.why


def test_an_appeal_asks_for_no_others() -> None:
    world = World.opened(programmes=PROGRAMMES)
    case = world.case(world.must(asking(BLUE))["application"])
    world.all_say(case, "oncd object")
    world.must(world.appeal(case.id))
    lie = of_the_question({"programmes": [BLUE_JSON, JSON_RED]})
    found = found_in(world, last(world, "case.opened", kind="appeal"), lie)
    assert found is not None
    assert found.why == "an appeal about other programmes"


@pytest.mark.parametrize("support", Support)
@pytest.mark.parametrize("type_", ["grant.approved", "grant.amended"])
def test_a_grant_has_exactly_what_was_signed(type_: str, support: Support) -> None:
    world, grant, _ = world_with(BLUE)
    amended(world, grant, BLUE, BLACK)
    entry = last(world, type_)
    assert found_in(world, entry, lambda each: each, support) is None
    for stated in ([], [BLUE_JSON, JSON_RED], [{**BLUE_JSON, "holders": ["mem_1"]}]):
        found = found_in(
            world, entry, lambda each, stated=stated: told(each, {"programmes": stated}), support
        )
        assert found is not None
        assert found.why == "a grant with other programmes than were agreed to"


@pytest.mark.parametrize(
    ("type_", "stated", "text"),
    [
        ("grant.suspended", ["cyber: red"], "does not have, or not in that state"),
        ("grant.suspended", ["cyber: blue", "cyber: black"], "named twice, or out of order"),
        ("grant.resumed", ["cyber: black"], "does not have, or not in that state"),
        ("grant.resumed", ["cyber: blue", "cyber: blue"], "named twice, or out of order"),
    ],
)
def test_what_is_suspended_and_resumed_is_the_grants(type_: str, stated: list[str], text: str) -> None:
    world, grant, _ = world_with(BLUE, BLACK)
    world.must(SuspendGrant(grant, "misuse", ("cyber: blue",)))
    world.must(ResumeGrant(grant, ("cyber: blue",)))
    entry = last(world, type_)
    assert found_in(world, entry, lambda each: each) is None
    found = found_in(world, entry, lambda each: told(each, {"programmes": stated}))
    assert found is not None
    assert text in found.why
