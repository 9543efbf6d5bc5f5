"""What becomes of a grant: suspended, resumed, given back, removed, expired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.lifecycle import Command
from sluicegate.core.lifecycle.applications import Amend, Reply, Withdraw
from sluicegate.core.lifecycle.grants import (
    ChooseFallback,
    NoteDifference,
    OpenRemoval,
    ProveGrant,
    ResumeGrant,
    SurrenderGrant,
    SuspendGrant,
)
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.effective import NOT_GIVEN, NOT_GRANTED
from tests.worlds import API, MODEL, RELEASE, STAGE, Followed, World, application, proceeding, stage


class Held:
    """A grant in use."""

    def __init__(self, **changes: Any) -> None:
        self.world = World.opened(stages=[stage(**changes)])
        self.grant = self.world.admit()
        self.key = self.world.credential(self.grant)[0]

    @property
    def answer(self) -> str:
        now_ms = self.world.now_ms
        ask = Ask(self.key, MODEL, API)
        decided = decision.decide(ask, self.world.state.table, Instant(now_ms, now_ms))
        return "allowed" if isinstance(decided, Allow) else decided.reason.value

    def removal(self, code: str = "misuse", party: str | None = None) -> Followed:
        result = self.world.must(OpenRemoval(self.grant, code, "this is why", party))
        return self.world.case(result["case"])

    def removed(self) -> Followed:
        case = self.removal()
        self.world.all_say(case, "oncd approve", "ostp approve")
        self.world.later(10)
        assert case.outcome == "approved"
        return case


@pytest.fixture
def held() -> Held:
    return Held()


def test_a_suspended_grant_allows_nothing_until_it_is_resumed(held: Held) -> None:
    assert held.answer == "allowed"
    for _ in range(2):
        held.world.must(SuspendGrant(held.grant, "security"))
    assert held.answer == "grant_suspended"
    for _ in range(2):
        held.world.must(ResumeGrant(held.grant))
    assert held.answer == "allowed"
    assert held.world.types().count("grant.suspended") == 1
    assert held.world.types().count("grant.resumed") == 1


def test_a_suspended_grant_ends_with_its_time(held: Held) -> None:
    held.world.must(SuspendGrant(held.grant, "security"))
    held.world.later(30)
    assert held.answer == "grant_expired"
    assert held.world.refused(ResumeGrant(held.grant)) == "grant_ended"


def test_a_grant_that_was_given_back_is_over(held: Held) -> None:
    for _ in range(2):
        held.world.must(SurrenderGrant(held.grant))
    assert held.answer == "not_admitted"
    assert held.world.state.seated(RELEASE, STAGE) == frozenset()
    assert held.world.types().count("grant.ended") == 1
    held.world.must(application())


ENDS: list[Callable[[str], Command]] = [
    SurrenderGrant,
    ResumeGrant,
    lambda grant: SuspendGrant(grant, "misuse"),
    lambda grant: OpenRemoval(grant, "misuse", "why"),
    lambda grant: Amend(
        grant, renew=True, dossier={"organization": {"name": "Renamed", "registeredIn": "US"}}
    ),
    lambda grant: ProveGrant(grant, "gateway"),
]


@pytest.mark.parametrize("command", ENDS)
def test_nothing_more_becomes_of_a_grant_that_has_ended_or_never_was(
    held: Held, command: Callable[[str], Command]
) -> None:
    held.world.later(30)
    assert held.world.refused(command(held.grant)) == "grant_ended"
    assert held.world.refused(command("grant_unknown")) == "grant_unknown"


def test_a_grant_ends_by_an_entry_before_any_later_command(held: Held) -> None:
    held.world.now_ms += 30 * DAY_MS
    again = held.world.must(application())
    ended = [entry for entry in held.world.entries if entry.type == "grant.ended"]
    assert [entry.public["how"] for entry in ended] == ["expired"]
    assert ended[0].seq < held.world.case(again["application"]).seq


def test_a_grant_is_proven_once(held: Held) -> None:
    for _ in range(2):
        held.world.must(ProveGrant(held.grant, "gateway-1"))
    assert held.world.types().count("grant.proven") == 1
    assert held.world.state.table.grants_by_id[held.grant].proven


def test_a_difference_is_on_the_record_once_a_day_for_each_kind(held: Held) -> None:
    size = held.world.state.size
    for kind in (NOT_GIVEN, NOT_GRANTED, NOT_GIVEN, NOT_GRANTED):
        held.world.must(NoteDifference(held.grant, kind, "gateway-1"))
    assert held.world.types(size) == ["grant.differed"] * 2
    held.world.later(1)
    held.world.must(NoteDifference(held.grant, NOT_GIVEN, "gateway-1"))
    assert held.world.types(size).count("grant.differed") == 3
    days = dict(held.world.state.table.grants_by_id[held.grant].differed)
    assert days[NOT_GIVEN] == days[NOT_GRANTED] + 1


def test_a_fallback_is_chosen_by_entries_that_say_what_is_new(held: Held) -> None:
    grant = held.world.state.table.grants_by_id[held.grant]
    assert not grant.falls_back
    for chosen in (False, True, True, False, False, True):
        result = held.world.must(ChooseFallback(held.grant, chosen))
        assert (result["grant"], result["fallback"]) == (held.grant, chosen)
        assert grant.falls_back is chosen
    chosen_ones = [e for e in held.world.entries if e.type == "grant.fallback_chosen"]
    case = held.world.state.grants[held.grant].case
    said = [{"grant": held.grant, "case": case, "fallback": each} for each in (True, False, True)]
    assert [dict(entry.public) for entry in chosen_ones] == said
    assert not any(entry.gate or entry.sealed for entry in chosen_ones)
    assert held.answer == "allowed"


def test_a_new_grant_has_no_fallback_chosen(held: Held) -> None:
    held.world.must(ChooseFallback(held.grant, True))
    held.world.must(SurrenderGrant(held.grant))
    assert held.world.refused(ChooseFallback(held.grant, False)) == "grant_ended"
    assert held.world.refused(ChooseFallback("grant_unknown", True)) == "grant_unknown"
    assert not held.world.state.table.grants_by_id[held.world.admit()].falls_back


@pytest.mark.parametrize("code", ["", "sparkles", "Misuse"])
def test_a_reason_is_one_of_the_codes(held: Held, code: str) -> None:
    assert held.world.refused(SuspendGrant(held.grant, code)) == "reason_unknown"
    assert held.world.refused(OpenRemoval(held.grant, code, "why")) == "reason_unknown"


# Removal


def test_a_removal_counts_when_the_holder_has_had_its_time(held: Held) -> None:
    case = held.removal()
    held.world.all_say(case, "oncd approve", "ostp approve")
    held.world.later(10 - 1 / DAY_MS)
    assert (case.outcome, held.answer) == (None, "allowed")
    held.world.later(1 / DAY_MS)
    assert (case.outcome, held.answer) == ("approved", "grant_removed")
    assert held.world.state.seated(RELEASE, STAGE) == frozenset()


def test_a_reply_to_a_removal_is_on_the_record_before_it_counts(held: Held) -> None:
    case = held.removal()
    held.world.must(Reply(case.id, "it was not us"))
    assert held.world.refused(Reply(case.id, "again")) == "replied_already"
    held.world.all_say(case, "oncd approve", "ostp object")
    assert (case.outcome, held.answer) == ("denied", "allowed")


def test_a_removal_that_was_denied_is_not_replied_to(held: Held) -> None:
    case = held.removal()
    held.world.all_say(case, "ostp object")
    assert case.outcome == "denied"
    assert held.world.refused(Reply(case.id, "thank you")) == "nothing_to_reply_to"
    assert held.removal().id != case.id


def test_a_removal_is_asked_for_by_the_developer_or_an_agency_of_the_rule(held: Held) -> None:
    assert held.world.refused(OpenRemoval(held.grant, "misuse", "why", "caisi")) == "not_asked"
    case = held.removal(party="oncd")
    assert held.removal(party="ostp") is case
    assert case.applicant == held.world.case(held.world.state.grants[held.grant].case).applicant


def test_the_rule_of_removals_is_its_own_where_the_plan_states_one() -> None:
    rules = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "remove": {"anyOf": ["caisi"]}}
    held = Held(admission=rules)
    case = held.removal()
    held.world.all_say(case, "caisi approve")
    held.world.later(10)
    assert held.answer == "grant_removed"


def test_a_removal_ends_what_is_open_about_the_grant(held: Held) -> None:
    name = held.world.must(held.world.amend(held.grant, renew=True))["application"]
    held.removed()
    amendment = held.world.case(name)
    assert (amendment.outcome, amendment.reason_code) == ("superseded", "grant_removed")
    held.world.later(100)
    assert held.world.types().count("grant.ended") == 1
    assert held.answer == "grant_removed"


@pytest.mark.parametrize("days", [0, 30])
def test_a_grant_that_ends_otherwise_ends_its_removal(held: Held, days: int) -> None:
    held.world.later(25)
    case = held.removal()
    held.world.later(days)
    if not days:
        held.world.must(SurrenderGrant(held.grant))
    assert case.outcome == "superseded"


def test_a_removal_is_not_withdrawn_by_its_holder(held: Held) -> None:
    assert held.world.refused(Withdraw(held.removal().id)) == "not_in_this_kind"


def test_officers_do_not_proceed_with_a_removal_of_what_is_over(held: Held) -> None:
    case = held.removal()
    held.world.all_say(case, "oncd object")
    held.world.must(SurrenderGrant(held.grant))
    assert held.world.refused(proceeding(case)) == "grant_ended"
    assert held.world.types().count("grant.ended") == 1
