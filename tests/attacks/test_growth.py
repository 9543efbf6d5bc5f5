"""What the least privileged can write for ever is counted by the party and day, and every act says how."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

import pytest

from sluicegate.acts import (
    applications,
    colleagues,
    credentials,
    directives,
    drafts,
    grants,
    members,
    person,
    releases,
    sign_ins,
    subscriptions,
)
from sluicegate.acts.act import DEVELOPER, AnyAct
from sluicegate.acts.members import MemberRow
from sluicegate.acts.table import ACTS
from sluicegate.core.lifecycle import Refusal
from sluicegate.ports import UNCONFIRMED, Principal, Spent, Subscription
from sluicegate.service.context import Services
from sluicegate.settings import DailyLimits
from sluicegate_record.statements.cases import Schedule, ScheduledCase
from tests import worlds
from tests.core.lifecycle.test_directives import transcription
from tests.plane import Plane, no, yes
from tests.worlds import API, CODEX, DAY_MS

FEW = DailyLimits(
    applications=3,
    drafts=3,
    choices=3,
    keys=3,
    members=3,
    claims=3,
    links=3,
    corrections=3,
    corrections_of_members=5,
    signers=3,
    subscriptions=3,
    people=3,
    cases=3,
    repeats=3,
    directives=3,
)


def limited(limits: DailyLimits = FEW) -> Plane:
    """A plane with an open stage and few things allowed a day."""
    plane = Plane()
    plane.opened()
    limited_by(plane, limits)
    return plane


def limited_by(plane: Plane, limits: DailyLimits) -> None:
    plane.services = Services.over(plane.ledger, plane.fleet, limits=limits)


def identifier(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:16]


def register(plane: Plane, grant: str, *names: str, who: str = "applicant") -> Any:
    rows = tuple(MemberRow(identifiers=(identifier(name),)) for name in names)
    return plane.do(who, members.REGISTER, grant=grant, rows=rows)


def fall_back(plane: Plane, grant: str, *, on: bool) -> Any:
    return plane.do("applicant", grants.CHOOSE_FALLBACK, grant=grant, fallback=on)


# The table


def unbounded(acts: Iterable[AnyAct]) -> list[str]:
    """The acts by which others than the developer's staff write, and that say no bound."""
    low = [act for act in acts if act.roles - {DEVELOPER}]
    return [act.name for act in low if act.kind in {"command", "secret"} and act.bound is None]


def test_every_act_by_which_others_than_staff_write_says_what_bounds_it() -> None:
    assert unbounded(ACTS.values()) == []
    assert unbounded([replace(grants.CHOOSE_FALLBACK, bound=None), releases.APPLY]) == ["grant.fallback"]


def test_every_count_has_a_limit_and_every_limit_a_count() -> None:
    counted = {act.bound.counted for act in ACTS.values() if act.bound is not None} - {""}
    assert counted | {"bytes", "corrections_of_members", "directive_bytes"} == {
        each.name for each in fields(DailyLimits)
    }


# What is counted


def test_a_fallback_is_switched_on_and_off_a_few_times_a_day_and_no_change_writes_nothing() -> None:
    plane = limited()
    grant = plane.admit()
    for number in range(3):
        yes(fall_back(plane, grant, on=number % 2 == 0))
    size = plane.size
    refused = fall_back(plane, grant, on=False)
    assert isinstance(refused, Refusal)
    assert (refused.kind, refused.code) == ("exhausted", "too_many_choices")
    assert refused.message == "3 choices are allowed in a day, and all are used"
    assert refused.remedy.startswith("again at 20")
    assert refused.retry_after_s == DAY_MS // 3 // 1_000
    assert plane.size == size
    plane.wall.at_ms += refused.retry_after_s * 1_000 - 1_000
    assert no(fall_back(plane, grant, on=False)) == "too_many_choices"
    plane.wall.at_ms += 1_000
    yes(fall_back(plane, grant, on=False))


def test_what_is_used_in_part_is_all_used_for_one_more_and_counted_for_several() -> None:
    plane = limited(replace(FEW, keys=2, members=5))
    grant = plane.admit()
    for key in ("1", "2"):
        yes(plane.credential(grant, key))
    plane.wall.at_ms += 1_000
    refused = plane.credential(grant, "3")
    assert isinstance(refused, Refusal)
    assert refused.message == "2 keys are allowed in a day, and all are used"
    yes(register(plane, grant, *"abc"))
    refused = register(plane, grant, *"def")
    assert isinstance(refused, Refusal)
    assert refused.message == "5 members are allowed in a day, 3 are used, and this asks for 3"


def test_what_was_used_is_known_after_a_restart_and_under_another_token() -> None:
    plane = limited()
    grant = plane.admit()
    for key in ("1", "2", "3"):
        yes(plane.credential(grant, key))
    plane.who.clear()  # each gets another token
    plane.restart()
    limited_by(plane, FEW)
    assert no(plane.credential(grant, "4")) == "too_many_keys"


def test_two_tokens_of_one_organization_have_one_allowance() -> None:
    plane = limited()
    ours, theirs = plane.admit(), plane.admit("rival", "Example Utility", surface=CODEX)
    other = plane.admit("rival", "Example Bank")
    yes(plane.credential(ours, "1"))
    yes(plane.credential(theirs, "2", who="rival"))
    yes(plane.credential(ours, "3"))
    assert no(plane.credential(theirs, "4", who="rival")) == "too_many_keys"
    yes(plane.credential(other, "5", who="rival"))


def test_who_applies_in_the_name_of_another_takes_nothing_from_it() -> None:
    plane = limited()
    for _ in range(3):
        case = yes(plane.submit("rival")).application
        yes(plane.do("rival", applications.WITHDRAW, case=case))
    assert no(plane.submit("rival")) == "too_many_applications"
    yes(plane.submit("applicant"))


def test_members_in_and_out_are_counted_in_rows_and_going_out_is_never_refused() -> None:
    plane = limited()
    grant = plane.admit()
    found = yes(register(plane, grant, "a", "b", "c")).members
    yes(plane.do("applicant", members.REMOVE, grant=grant, members=found))
    assert no(register(plane, grant, "d")) == "too_many_members"
    whole = register(plane, grant, "e", "f", "g", "h")
    assert isinstance(whole, Refusal)
    assert (whole.retry_after_s, whole.remedy) == (None, "send less in one command")


def test_keys_that_are_issued_can_always_be_revoked_but_not_for_ever_again() -> None:
    plane = limited()
    grant = plane.admit()
    made = [yes(plane.credential(grant, key)).credential for key in ("1", "2", "3")]
    for name in made:
        yes(plane.do("applicant", credentials.REVOKE, credential=name))
    for _ in range(3):
        yes(plane.do("applicant", credentials.REVOKE, credential=made[0]))
    refused = plane.do("applicant", credentials.REVOKE, credential=made[0])
    assert isinstance(refused, Refusal)
    said = "3 acts that change nothing are allowed in a day, and all are used"
    assert (refused.code, refused.message) == ("too_many_repeats", said)
    yes(plane.do("developer", credentials.REVOKE, credential=made[0]))


def repeats(plane: Plane, act: AnyAct, **asked: str) -> list[str]:
    """The codes of the refusals when the applicant does an act again and again."""
    found = [plane.do("applicant", act, **asked) for _ in range(5)]
    return [each.code for each in found if isinstance(each, Refusal)]


def colleague(plane: Plane, name: str) -> Principal:
    made = yes(plane.do("applicant", sign_ins.INVITE, name=name))
    found = plane.store.principals.holder(made.principal)
    assert found is not None
    return found


def test_an_end_beside_the_log_that_changes_nothing_is_counted_too() -> None:
    for act in (colleagues.END, colleagues.DEMOTE):
        plane = limited()
        ana = colleague(plane, "ana")
        plane.store.principals.administer(ana.id, administers=True)
        assert repeats(plane, act, principal=ana.id) == ["too_many_repeats"]  # one of five had an effect
    plane = limited()
    target, by = "ana@example.org", plane.who["applicant"].id
    unconfirmed = Subscription("sub_1", by, UNCONFIRMED, target, plane.ledger.now_ms())
    plane.store.outbox.add_subscription(unconfirmed)
    assert repeats(plane, subscriptions.REMOVE, subscription="sub_1") == ["too_many_repeats"]


def test_an_end_beside_the_log_that_has_an_effect_is_never_refused() -> None:
    plane = limited()
    ana, bo = colleague(plane, "ana"), colleague(plane, "bo")
    assert repeats(plane, colleagues.DEMOTE, principal=ana.id) == ["too_many_repeats"] * 2
    for each in (ana, bo):
        yes(plane.do("applicant", colleagues.END, principal=each.id))


def test_links_that_someone_makes_for_themselves_take_nothing_from_their_organization() -> None:
    plane = limited()
    ana = colleague(plane, "ana")
    for who in (ana, plane.who["applicant"]):
        for _ in range(3):
            yes(plane.do(who, sign_ins.INVITE))
        assert no(plane.do(who, sign_ins.INVITE)) == "too_many_people"
    for name in ("bo", "cy"):
        colleague(plane, name)
    assert no(plane.do("applicant", sign_ins.INVITE, name="dan")) == "too_many_people"


def test_corrections_by_link_are_counted_for_the_person_and_for_all_of_the_organization() -> None:
    plane = limited(replace(FEW, links=9, members=9))
    grant = plane.admit()
    first, second, third = yes(register(plane, grant, "a", "b", "c")).members

    def correct(member: str) -> Any:
        link = yes(plane.do("applicant", members.LINK, member=member))
        by = plane.store.principals.by_token(hashlib.sha256(link.token.encode()).digest())
        assert by is not None
        return plane.do(by, person.CLAIM, status="us_citizen")

    for _ in range(3):
        yes(correct(first))  # by another link each time
    assert no(correct(first)) == "too_many_corrections"
    for _ in range(2):
        yes(correct(second))
    assert no(correct(third)) == "too_many_corrections_of_members"
    yes(plane.do("applicant", members.CLAIM, member=first, status="other", method="i-9"))


def test_links_are_counted() -> None:
    plane = limited()
    (member,) = yes(register(plane, plane.admit(), "a")).members
    made = [yes(plane.do("applicant", members.LINK, member=member)) for _ in range(3)]
    assert no(plane.do("applicant", members.LINK, member=member)) == "too_many_links"
    own = plane.store.principals.by_token(hashlib.sha256(made[-1].token.encode()).digest())
    assert own is not None
    for _ in range(3):
        yes(plane.do(own, person.LINK))
    assert no(plane.do(own, person.LINK)) == "too_many_corrections"


def test_what_is_beside_the_log_is_counted_too() -> None:
    plane = limited()
    asked = {
        "release": "gpt-5.6",
        "stage": "trusted-partners",
        "surface": API,
        "organization": "{}",
        "file": "o.yaml",
    }
    name = yes(plane.do("applicant", drafts.SAVE, **asked)).draft
    for _ in range(2):
        yes(plane.do("applicant", drafts.EDIT, draft=name, surface=CODEX))
    assert no(plane.do("applicant", drafts.EDIT, draft=name, surface=API)) == "too_many_drafts"
    yes(plane.do("applicant", drafts.DISCARD, draft=name))
    for number in range(3):
        target = f"https://{number}.example.org/hook"
        yes(plane.do("oncd", subscriptions.ADD, kind="webhook", target=target))
    target = "https://example.org/hook"
    assert no(plane.do("oncd", subscriptions.ADD, kind="webhook", target=target)) == "too_many_subscriptions"


def test_what_an_agencys_token_opens_without_a_signature_is_counted() -> None:
    plane = limited()
    yes(plane.direct("d-1"))
    for _ in range(3):
        yes(plane.do("oncd", directives.LIFT, directive="d-1"))
    assert no(plane.do("oncd", directives.LIFT, directive="d-1")) == "too_many_cases"
    yes(plane.direct("d-2", models=["gpt-5.6"]))


def test_an_agencys_directives_are_counted_and_officers_can_transcribe_one_beyond_that() -> None:
    plane = limited()
    for number in range(3):
        yes(plane.direct(f"d-{number}"))
    refused = plane.direct("d-3")
    assert isinstance(refused, Refusal)
    assert refused.code == "too_many_directives"
    assert refused.remedy.endswith("two officers can transcribe it now")
    written = transcription(name="d-3", issuer="oncd", models=["gpt-5.6"]).envelope
    yes(plane.do("developer", directives.ISSUE, envelope=written.to_json(), opened={}))


def test_positions_are_counted_also_those_of_a_schedule() -> None:
    plane = limited(replace(FEW, applications=99, positions=4))
    cases = [plane.case(yes(plane.submit(name=f"Example {number}")).application) for number in range(4)]
    for case in cases[:2]:
        yes(plane.say(case.id, "oncd", "object"))
    rows = tuple(
        ScheduledCase(case=each.id, question=each.question.digest, previous=None) for each in cases[2:]
    )
    stated = Schedule(log=worlds.LOG, agency="oncd", position="object", reason="all of them", cases=rows)
    answer = yes(plane.carry(worlds.signed(stated.payload(), "oncd"), "oncd"))
    assert [each.refused and each.refused.code for each in answer.cases] == [None, "too_many_positions"]
    yes(plane.say(cases[3].id, "ostp", "object"))


@pytest.mark.parametrize("limit", [4, 6])
def test_a_higher_limit_frees_a_party_at_once(limit: int) -> None:
    plane = limited()
    grant = plane.admit()
    for number in range(3):
        yes(plane.credential(grant, str(number)))
    assert no(plane.credential(grant, "3")) == "too_many_keys"
    limited_by(plane, replace(FEW, keys=limit))
    for number in range(3, limit):
        yes(plane.credential(grant, str(number)))
    assert no(plane.credential(grant, "more")) == "too_many_keys"
    limited_by(plane, replace(FEW, keys=2))  # what was used under a higher limit is not forgotten
    plane.wall.at_ms += DAY_MS // 4
    assert no(plane.credential(grant, "more")) == "too_many_keys"


def test_bytes_are_counted_whatever_they_say() -> None:
    plane = limited(DailyLimits(bytes=20_000))
    grant = plane.admit()
    found = yes(register(plane, grant, *map(str, range(100)))).members
    assert no(register(plane, grant, *map(str, range(100, 200)))) == "too_many_bytes"
    limited_by(plane, DailyLimits(bytes=1))
    yes(plane.do("applicant", members.REMOVE, grant=grant, members=found))
    assert no(register(plane, grant, "a")) == "too_many_bytes"


def test_a_command_that_is_sent_again_counts_once() -> None:
    plane = limited()
    grant = plane.admit()
    for _ in range(9):
        yes(plane.do("applicant", grants.CHOOSE_FALLBACK, "the-same-id", grant=grant, fallback=True))
    yes(fall_back(plane, grant, on=False))


def test_staff_are_not_counted() -> None:
    plane = limited()
    grant = plane.admit()
    for number in range(9):
        yes(plane.credential(grant, str(number), who="developer"))


@pytest.mark.parametrize("days", [1, 400])
def test_a_clock_that_goes_back_keeps_no_one_waiting_for_more_than_a_day(days: int) -> None:
    plane = limited()
    grant = plane.admit()
    spent, by = plane.store.principals, plane.who["applicant"].id
    for number in range(3):
        yes(fall_back(plane, grant, on=number % 2 == 0))
    for party in list(plane.store.session.contents.spent):  # as if all of it was days later
        known = spent.spent(party)
        later = {name: Spent(each.until_ms + days * DAY_MS, each.limit) for name, each in known.items()}
        spent.spend(party, later)
    assert spent.spent(by)
    refused = fall_back(plane, grant, on=False)
    assert isinstance(refused, Refusal)
    assert refused.retry_after_s == DAY_MS // 3 // 1_000
