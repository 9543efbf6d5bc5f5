"""Grants that go on as part of another stage: a stage split in two, and one for who holds a programme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sluicegate.core.access import versions
from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.grants import OpenRemoval, ResumeGrant, SurrenderGrant, SuspendGrant
from sluicegate_record import law
from sluicegate_record.entries import Entry
from sluicegate_record.law import Support
from sluicegate_record.record import Record
from sluicegate_record.terms.rule import Rule
from tests import forging
from tests.core.access.test_vouch import folded, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.core.lifecycle.test_programmes import BLUE, PROGRAMMES, RED, admitted, amended
from tests.listing import LISTED, applying, opening_account, party
from tests.worlds import (
    API,
    CODEX,
    DAY_MS,
    LOG,
    MODEL,
    RELEASE,
    STAGE,
    World,
    application,
    plan_value,
    stage,
)

FIRST, SECOND = "first", "second"
TAKES = {STAGE: {"become": FIRST}}


def first(**changes: Any) -> dict[str, Any]:
    """The stage that the grants of the old one go on as part of."""
    return stage(FIRST, **{"grants": TAKES, **changes})


def second(**changes: Any) -> dict[str, Any]:
    """A stage beside it, that takes some of them."""
    return stage(SECOND, **{"grants": {STAGE: {"become": SECOND}}, **changes})


def split(world: World, *stages: dict[str, Any], opens: tuple[str, ...] = (FIRST,), names: Any = ()) -> None:
    """Apply a plan with other stages, agree to its terms, and open them."""
    world.must(applying(plan_value(stages=list(stages), programmes=PROGRAMMES), names))
    world.agree()
    for name in opens:
        world.open(name=name)


def world_with(*held: Any) -> tuple[World, str, bytes]:
    """An organization that holds a grant of the old stage, and its key."""
    world = World.opened(programmes=PROGRAMMES)
    grant = admitted(world, *held)
    return world, grant, world.credential(grant)[0]


def both(world: World) -> list[Table]:
    """A table that believes the log, and one that checks signatures."""
    return [folded(world.entries, Table()), folded(world.entries, VouchedTable(trust()))]


def asked(world: World, key: bytes, table: Table | None = None, *, days: float = 0) -> Allow | Deny:
    now_ms = world.now_ms + round(days * DAY_MS)
    return decide(Ask(key, MODEL, API), table or world.state.table, Instant(now_ms, now_ms))


def stage_of(world: World, grant: str) -> str:
    return world.state.grants[grant].stage


# A stage split in two


def test_the_grants_of_a_stage_go_on_as_part_of_another_one_with_the_same_keys() -> None:
    world, grant, key = world_with()
    until_ms = world.state.grants[grant].valid_until_ms
    split(world, first(conditions={"requestsPerMinute": 60, "validFor": "P10D"}))
    assert world.types()[-2:] == ["stage.opened", "grant.moved"]
    for table in both(world):
        answer = asked(world, key, table)
        assert isinstance(answer, Allow)
        assert (answer.stage, answer.requests_per_minute, answer.until_ms) == (FIRST, 60, until_ms)
    assert vouched(world.entries).findings == {}
    assert world.state.seated(RELEASE, FIRST) == {world.state.grants[grant].organization}
    assert world.state.seated(RELEASE, STAGE) == set()


def test_a_key_works_at_every_size_of_the_log_while_the_stage_is_split() -> None:
    world, _, key = world_with()
    size = world.state.size
    split(world, first(), second(), opens=(SECOND, FIRST))
    for table in (Table(), VouchedTable(trust())):
        folded(world.entries[:size], table)
        for entry in world.entries[size:]:
            table.apply(entry)
            assert isinstance(asked(world, key, table), Allow), entry.type


def test_no_grant_gets_wider_by_it() -> None:
    world, grant, key = world_with(BLUE, RED)
    split(world, first(conditions={"requestsPerMinute": 6_000, "validFor": "P90D"}))
    found = world.state.grants[grant]
    assert found.conditions is not None
    assert (found.conditions.requests_per_minute, found.conditions.valid_for) == (600, "P30D")
    assert found.programmes == (BLUE, RED)
    answer = asked(world, key)
    assert isinstance(answer, Allow)
    assert answer.requests_per_minute == 600


def test_a_grant_whose_conditions_contradict_the_terms_goes_on_where_it_is() -> None:
    def retains(days: int) -> dict[str, Any]:
        return {"retentionDays": {"value": days, "declared": True}}

    world = World.opened(stages=[stage(conditions=retains(30))])
    grant = world.admit()
    split(world, first(conditions=retains(60)))
    assert stage_of(world, grant) == STAGE


def test_those_on_a_list_go_to_its_stage_and_the_others_to_the_next() -> None:
    world = World.opened(programmes=PROGRAMMES)
    one, other = world.admit("org-A"), world.admit("org-B")
    world.must(opening_account("A"))
    split(world, second(audience=LISTED), first(), opens=(FIRST, SECOND), names=["A"])
    assert (stage_of(world, one), stage_of(world, other)) == (FIRST, FIRST)
    world = World.opened(programmes=PROGRAMMES)
    one, other = world.admit("org-A"), world.admit("org-B")
    world.must(opening_account("A"))
    split(world, second(audience=LISTED), first(), opens=(SECOND, FIRST), names=["A"])
    assert (stage_of(world, one), stage_of(world, other)) == (SECOND, FIRST)
    moved = [entry.public.get("party") for entry in world.entries if entry.type == "grant.moved"]
    assert moved == [party("A"), None]
    held = [(each.organization, each.surface) for each in world.state.grants.values() if each.stage == SECOND]
    assert held == [("org-A", API), ("org-A", CODEX)]
    assert vouched(world.entries).findings == {}


def test_where_two_stages_open_at_once_the_first_of_the_plan_takes_a_grant() -> None:
    after = {"allOf": [{"date": "2026-06-30"}]}
    world = World.opened()
    one, other = world.admit("org-A"), world.admit("org-B")
    world.must(opening_account("A"))
    split(world, second(audience=LISTED, opensWhen=after), first(opensWhen=after), opens=(), names=["A"])
    world.later(20)
    assert (stage_of(world, one), stage_of(world, other)) == (SECOND, FIRST)


def test_a_case_about_a_grant_ends_first() -> None:
    world, grant, _ = world_with()
    case = world.case(world.must(OpenRemoval(grant, "misuse", "a notice"))["case"])
    split(world, first())
    assert stage_of(world, grant) == STAGE
    world.must(SurrenderGrant(grant))
    assert (case.state, stage_of(world, grant)) == ("determined", STAGE)


def test_a_grant_that_is_kept_after_a_removal_was_denied_goes_on_then() -> None:
    world, grant, _ = world_with()
    case = world.case(world.must(OpenRemoval(grant, "misuse", "a notice"))["case"])
    split(world, first())
    world.say(case, "oncd", "object")
    assert (case.outcome, stage_of(world, grant)) == ("denied", FIRST)


def test_an_amendment_that_was_denied_before_is_not_appealed_any_more() -> None:
    world, grant, _ = world_with()
    case = world.case(world.must(world.amend(grant, renew=True))["application"])
    world.say(case, "oncd", "object")
    assert case.outcome == "denied"
    split(world, stage(), first())
    assert stage_of(world, grant) == FIRST
    assert world.refused(world.appeal(case.id)) == "terms_changed"


def test_what_is_amended_after_that_is_amended_under_the_new_terms() -> None:
    world, grant, key = world_with()
    split(world, first(conditions={"requestsPerMinute": 6_000, "validFor": "P60D"}))
    case = amended(world, grant, BLUE)
    assert (case.question.stage, case.outcome) == (FIRST, "approved")
    answer = asked(world, key)
    assert isinstance(answer, Allow)
    assert answer.requests_per_minute == 6_000
    for table in both(world):
        assert asked(world, key, table) == answer


def test_a_full_stage_leaves_the_others_where_they_are_until_a_seat_is_free() -> None:
    world = World.opened()
    grants = [world.admit(f"org-{name}") for name in "ABC"]
    split(world, first(seats=2))
    assert [stage_of(world, each) for each in grants] == [FIRST, FIRST, STAGE]
    world.must(SurrenderGrant(grants[0]))
    assert stage_of(world, grants[2]) == FIRST


def test_a_suspended_grant_stays_suspended() -> None:
    world, grant, key = world_with()
    world.must(SuspendGrant(grant, "misuse"))
    split(world, first())
    assert stage_of(world, grant) == FIRST
    for table in both(world):
        answer = asked(world, key, table)
        assert isinstance(answer, Deny)
        assert answer.reason is Reason.GRANT_SUSPENDED
    world.must(ResumeGrant(grant))
    assert isinstance(asked(world, key), Allow)


def test_a_name_that_took_a_grant_over_does_not_admit_again_by_the_same_agreement() -> None:
    world = World.opened()
    grant = world.admit("org-A")
    world.must(opening_account("A"))
    split(world, second(audience=LISTED), opens=(SECOND,), names=["A"])
    assert stage_of(world, grant) == SECOND
    world.must(SurrenderGrant(grant))
    assert [each.surface for each in world.state.grants.values() if each.is_live] == [CODEX]


def test_the_grants_of_a_stage_that_never_was_are_no_ones() -> None:
    world = World.opened()
    grants = {"none": {"become": FIRST}}
    assert world.refused(applying(plan_value(stages=[stage(), first(grants=grants)]))) == "stage_unknown"


def test_a_stage_for_everyone_takes_over_the_grants_of_a_stage_that_the_plan_leaves_out() -> None:
    world, _, key = world_with()
    basis = {"kind": "agreed", "askedBy": ["oncd", "ostp"], "how": "a call", "askedOn": "2026-06-24"}
    limits = {"requestsPerMinute": 5}
    everyone = first(audience="everyone", admission=None, basis=basis, conditions=limits)
    split(world, everyone)
    for table in both(world):
        answer = asked(world, key, table)
        assert isinstance(answer, Allow)
        assert (answer.stage, answer.requests_per_minute) == (FIRST, 5)


# A stage for who holds a programme


def red(**changes: Any) -> dict[str, Any]:
    return first(**{"audience": {"programme": "cyber:red"}, **changes})


def test_a_stage_for_a_programme_takes_over_the_grants_that_have_it() -> None:
    world = World.opened(programmes=PROGRAMMES)
    with_red, without = admitted(world, BLUE, RED), world.admit("org-b")
    split(world, stage(), red(conditions={"requestsPerMinute": 10}))
    assert (stage_of(world, with_red), stage_of(world, without)) == (FIRST, STAGE)
    assert vouched(world.entries).findings == {}


def test_who_gets_the_programme_later_goes_on_there_then() -> None:
    world, grant, _ = world_with()
    split(world, stage(), red(audience={"programme": "red"}))
    assert stage_of(world, grant) == STAGE
    amended(world, grant, RED)
    assert stage_of(world, grant) == FIRST


def test_a_programme_that_is_suspended_is_not_held() -> None:
    world, grant, _ = world_with(RED)
    world.must(SuspendGrant(grant, "misuse", programmes=("cyber: red",)))
    split(world, stage(), red())
    assert stage_of(world, grant) == STAGE
    world.must(ResumeGrant(grant, programmes=("cyber: red",)))
    assert stage_of(world, grant) == FIRST


def test_no_one_applies_for_it() -> None:
    world, _, _ = world_with(RED)
    split(world, stage(), red())
    assert world.refused(application("org-2", name=FIRST)) == "no_application_needed"


# A control plane that lies


def lied(entries: Sequence[Entry], seq: int, said: dict[str, Any]) -> list[Entry]:
    """The log until a place, where the control plane says something else."""
    entry = entries[seq]
    return [*entries[:seq], forging.told(entry, said, {}, seq=seq, at_ms=entry.at_ms)]


def at_move(world: World) -> int:
    return next(each.seq for each in world.entries if each.type == "grant.moved")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"conditions": {"requestsPerMinute": 601, "validFor": "P30D"}}, "looser than those of the grant"),
        ({"conditions": {"validFor": "P30D"}}, "looser than those of the grant"),
        ({"programmes": []}, "with other programmes"),
        ({"programmes": [{"concern": "cyber", "name": "black"}]}, "with other programmes"),
        ({"party": "sha256:" + "0" * 64}, "no list names"),
        ({"stage": SECOND}, "terms of something else"),
        ({"terms": "sha256:" + "0" * 64}, "other terms than those in force"),
        ({"grant": "grant_none"}, "no grant"),
        ({"silent": ["oncd"]}, "another silence"),
    ],
)
def test_a_move_that_says_more_has_no_effect(said: dict[str, Any], why: str) -> None:
    world, grant, key = world_with(RED)
    split(world, first(conditions={"requestsPerMinute": 6_000, "validFor": "P30D"}), second())
    entries = lied(world.entries, at_move(world), said)
    assert why in breach(entries)
    if "silent" not in said:
        table = vouched(entries)
        assert table.findings == {"grant.moved": 1}
        assert table.grants_by_id[grant].stage == STAGE
        assert isinstance(asked(world, key, table), Allow)


def vouched(entries: Sequence[Entry], floor: Any = None) -> VouchedTable:
    table = VouchedTable(trust() if floor is None else trust(floor))
    folded(list(entries), table)
    return table


def breach(entries: Sequence[Entry]) -> str:
    """Why the last entry is unlawful; empty if it is lawful."""
    record = Record()
    for entry in entries[:-1]:
        record.apply(entry)
    found = law.breach(record, entries[-1], record.pinned(), LOG, Support.RECORD)
    return "" if found is None else getattr(found, "why", "unchecked")


def before_the_move(world: World, *stages: dict[str, Any], names: Any = ()) -> Liar:
    """Terms that are agreed, and a stage that is not open: then the control plane writes."""
    split(world, *stages, opens=(), names=names)
    return Liar(world)


def moves(liar: Liar, grant: str, **said: Any) -> str:
    """The control plane writes that a grant goes on; why that is unlawful, to whom believes the log."""
    world = liar.world
    release = world.state.releases[RELEASE]
    case = world.state.record.agreement(RELEASE, FIRST)
    assert case is not None
    positions = [
        {"agency": name, "digest": each.digest, "seq": each.seq}
        for name, each in sorted(case.positions.items())
    ]
    held = world.state.grants[grant]
    assert held.conditions is not None
    public = {
        "grant": grant,
        "case": case.id,
        "release": RELEASE,
        "stage": FIRST,
        "terms": release.terms[FIRST],
        "conditions": held.conditions.to_json(),
        "programmes": [each.to_json() for each in held.programmes],
        "positions": positions,
        **said,
    }
    liar.write("grant.moved", {name: each for name, each in public.items() if each != []})
    why = breach(liar.entries)
    found = vouched(liar.entries)
    assert found.findings == {"grant.moved": 1}
    assert found.grants_by_id[grant].stage == STAGE
    return why


def test_no_grant_goes_on_in_a_stage_that_is_not_open() -> None:
    world, grant, _ = world_with()
    assert "not open" in moves(before_the_move(world, first()), grant)


def test_no_grant_goes_on_that_the_terms_do_not_take_over() -> None:
    world, grant, _ = world_with()
    split(world, stage(), stage(FIRST))
    assert "do not take over" in moves(Liar(world), grant)
    world, grant, _ = world_with(BLUE)
    split(world, stage(), red())
    assert "do not take over" in moves(Liar(world), grant)


def test_no_grant_goes_on_while_a_case_about_it_is_open_or_after_its_end() -> None:
    world, grant, _ = world_with()
    world.must(OpenRemoval(grant, "misuse", "a notice"))
    split(world, first())
    assert "a case is open about" in moves(Liar(world), grant)
    world.must(SurrenderGrant(grant))
    assert "has ended" in moves(Liar(world), grant)


def test_a_list_takes_over_no_grant_of_another_organization() -> None:
    world = World.opened()
    grant, _ = world.admit("org-A"), world.admit("org-B")
    split(world, first(audience=LISTED), names=["C"])
    assert "no list names" in moves(Liar(world), grant)
    world = World.opened()
    one, other = world.admit("org-A"), world.admit("org-B")
    world.must(opening_account("A"))
    split(world, first(audience=LISTED), opens=(FIRST,), names=["A"])
    assert stage_of(world, one) == FIRST
    assert "another organization" in moves(Liar(world), other, party=party("A"))


def test_below_the_floor_no_grant_goes_on() -> None:
    world, grant, _ = world_with()
    split(world, first(admission={"mode": "approve", "grant": {"anyOf": ["oncd"]}}))
    table = vouched(world.entries, Rule("allOf", ("oncd", "ostp")))
    assert table.grants_by_id[grant].stage == STAGE


def test_a_gateway_of_an_earlier_fold_gets_no_lease_for_it() -> None:
    world, _, _ = world_with()
    split(world, first())
    needed = {each.type: versions.fold_version(each) for each in world.entries}
    assert (needed["grant.moved"], max(needed.values())) == (13, 13)
