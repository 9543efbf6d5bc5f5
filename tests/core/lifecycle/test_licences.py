"""Licences: who may ask, what is granted, how long it holds, and what a gateway believes of it."""

from __future__ import annotations

from typing import Any

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.accounts import CloseAccount
from sluicegate.core.lifecycle.applications import Withdraw
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.licences import EndLicence, RequestLicence
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.cases import Schedule, ScheduledCase
from tests.core.access.test_vouch import KEY, folded, trust
from tests.forging import openings, told
from tests.listing import opening_account
from tests.worlds import API, DAY_MS, LOG, MODEL, Followed, World, position, signed, stage


def covered() -> tuple[World, str]:
    """An organization with a key under a grant, and an order over everyone."""
    world = World.opened()
    grant = world.admit()
    world.credential(grant)
    world.direct("d-1")
    return world, grant


def asking(world: World, grant: str, **more: Any) -> Followed:
    return world.case(world.must(RequestLicence("d-1", grant, **more))["case"])


def conditioned(case: Followed, **conditions: Any) -> RecordPosition:
    return RecordPosition(position(case, "oncd", "approve-with-conditions", conditions=conditions))


def answer(entries: list[Entry], at_ms: int, table: Table | None = None) -> Allow | Deny:
    """What a gateway answers after these entries, and with a trust file if its table is given."""
    now = Instant(at_ms, at_ms)
    return decision.decide(Ask(KEY, MODEL, API), folded(entries, table or Table()), now)


def licence(world: World) -> Any:
    return list(world.state.record.licences.values())[-1]


def test_a_licence_excepts_its_holder_with_its_conditions_until_its_end() -> None:
    world, grant = covered()
    assert answer(world.entries, world.now_ms).reason is Reason.DIRECTIVE_IN_FORCE  # type: ignore[union-attr]
    world.must(conditioned(asking(world, grant), requestsPerMinute=7, validFor="P3D"))
    allowed = answer(world.entries, world.now_ms)
    assert isinstance(allowed, Allow)
    assert (allowed.requests_per_minute, allowed.until_ms) == (7, world.now_ms + 3 * DAY_MS)
    assert isinstance(answer(world.entries, world.now_ms + 3 * DAY_MS), Deny)
    world.later(3)
    assert (licence(world).standing, world.types()[-1]) == ("expired", "licence.ended")


def test_no_one_else_is_excepted() -> None:
    world, grant = covered()
    other = world.admit("org-2")
    world.must(RecordPosition(position(asking(world, other), "oncd")))
    assert isinstance(answer(world.entries, world.now_ms), Deny)
    assert grant != other


def test_a_request_that_is_open_is_the_answer_to_the_same_again() -> None:
    world, grant = covered()
    case = asking(world, grant)
    assert asking(world, grant).id == case.id
    world.must(Withdraw(case.id))
    assert asking(world, grant).id != case.id


def test_it_is_decided_by_the_rule_that_the_directive_names_or_that_lifts_it() -> None:
    world, grant = covered()
    assert asking(world, grant).rule.to_json() == {"allOf": ["oncd"]}
    world.direct("d-2", licensedBy={"anyOf": ["ostp"]})
    case = world.case(world.must(RequestLicence("d-2", grant))["case"])
    assert case.rule.to_json() == {"anyOf": ["ostp"]}


def test_an_objection_denies_it_and_the_holder_may_ask_again() -> None:
    world, grant = covered()
    case = asking(world, grant)
    world.say(case, "oncd", "object")
    assert case.outcome == "denied"
    assert asking(world, grant).id != case.id


def test_one_signed_schedule_decides_many() -> None:
    world, grant = covered()
    cases = [asking(world, each) for each in (grant, world.admit("org-2"), world.admit("org-3"))]
    rows = tuple(ScheduledCase(case=each.id, question=each.question.digest, previous=None) for each in cases)
    said = Schedule(log=LOG, agency="oncd", position="approve", reason="the second letter", cases=rows)
    envelope = signed(said.payload(), "oncd")
    for each in cases:
        world.must(RecordPosition(envelope, case=each.id))
    assert len(world.state.record.licences) == 3


def test_who_may_lift_or_the_developer_ends_it_and_no_one_else() -> None:
    world, grant = covered()
    world.say(asking(world, grant), "oncd")
    name = licence(world).id
    assert world.refused(EndLicence("caisi", name, "why")) == "not_to_end"
    world.must(EndLicence("openai", name, "it was misused"))
    assert isinstance(answer(world.entries, world.now_ms), Deny)
    size = world.state.size
    world.must(EndLicence("oncd", name, "again"))
    assert world.state.size == size


def test_it_ends_with_its_directive_and_so_do_requests() -> None:
    world, grant = covered()
    world.say(asking(world, grant), "oncd")
    waiting = asking(world, world.admit("org-2"))
    world.lift("d-1")
    assert waiting.outcome == "superseded"
    world.direct("d-2")
    assert isinstance(answer(world.entries, world.now_ms), Deny)
    assert world.refused(RequestLicence("d-1", grant)) == "directive_lifted"


def test_only_a_member_of_the_organization_can_be_licensed() -> None:
    world, grant = covered()
    assert world.refused(RequestLicence("d-1", grant, "mem_none")) == "member_unknown"


# A control plane that lies


def vouched(world: World, entries: list[Entry]) -> Allow | Deny:
    return answer(entries, world.now_ms, VouchedTable(trust()))


def test_a_gateway_that_checks_signatures_honours_a_licence_that_its_issuer_signed() -> None:
    world, grant = covered()
    world.say(asking(world, grant), "oncd")
    assert isinstance(vouched(world, world.entries), Allow)


def test_a_gateway_honours_no_licence_that_the_issuer_did_not_sign_for_this_holder() -> None:
    world, grant = covered()
    other = world.admit("org-2")
    world.say(asking(world, other), "oncd")
    (granted,) = (entry for entry in world.entries if entry.type == "licence.granted")
    unsigned = [e for e in world.entries if (e.type, e.public.get("agency")) != ("position.recorded", "oncd")]
    moved = [told(e, {"grant": grant}) if e is granted else e for e in world.entries]
    for lied in (moved, [e for e in unsigned if e.stream != other]):
        assert isinstance(vouched(world, lied), Deny)


def test_a_gateway_honours_no_licence_for_longer_than_was_signed() -> None:
    world, grant = covered()
    world.must(conditioned(asking(world, grant), validFor="P3D"))
    lied = [told(e, {"validUntil": None}) if e.type == "licence.granted" else e for e in world.entries]
    assert isinstance(vouched(world, lied), Deny)


# Who has an account, and no grant


GENERAL = stage(
    "general",
    audience="everyone",
    admission=None,
    conditions=None,
    basis={"kind": "agreed", "askedBy": ["oncd", "ostp"], "how": "a call", "askedOn": "2026-06-24"},
)


def by_account(holder: str | None = None) -> tuple[World, str]:
    """An organization that a stage for everyone lets in, and an order over everyone."""
    world = World.agreed(stages=[GENERAL])
    world.open(name="general")
    account: str = world.must(opening_account("A", holder))["account"]
    world.must(IssueCredential(account, KEY.hex()))
    assert isinstance(answer(world.entries, world.now_ms), Allow)
    world.direct("d-1")
    assert isinstance(answer(world.entries, world.now_ms), Deny)
    return world, account


def test_who_has_an_account_and_no_grant_asks_and_gets_a_licence() -> None:
    world, account = by_account()
    case = asking(world, account)
    opened = next(entry for entry in world.entries if entry.type == "account.opened")
    assert case.question.party == opened.sealed["organization"].commitment("sealed", "organization")
    world.must(conditioned(case, requestsPerMinute=7, validFor="P3D"))
    for table in (Table(), VouchedTable(trust())):
        allowed = answer(world.entries, world.now_ms, table)
        assert isinstance(allowed, Allow)
        assert (allowed.grant.id, allowed.requests_per_minute) == (account, 7)
    world.later(3)
    assert isinstance(answer(world.entries, world.now_ms), Deny)


def test_an_account_that_is_closed_asks_for_nothing() -> None:
    world, account = by_account()
    world.must(CloseAccount(account))
    assert world.refused(RequestLicence("d-1", account)) == "grant_unknown"


def test_a_gateway_honours_no_licence_for_another_account_than_was_signed_for() -> None:
    world, account = by_account()
    other: str = world.must(opening_account("B"))["account"]
    world.must(RecordPosition(position(asking(world, other), "oncd")))
    assert isinstance(answer(world.entries, world.now_ms), Deny)
    holder = openings({"organization": "org-A"}, Entropy(bytes(32)))
    for said in ({"grant": account}, {}):
        lied = [
            told(each, said, holder) if each.type == "licence.granted" else each for each in world.entries
        ]
        assert isinstance(answer(lied, world.now_ms), Allow)
        assert isinstance(vouched(world, lied), Deny)


def test_a_gateway_honours_no_licence_whose_account_is_closed() -> None:
    world, account = by_account()
    world.must(RecordPosition(position(asking(world, account), "oncd")))
    (granted,) = (entry for entry in world.entries if entry.type == "licence.granted")
    table = VouchedTable(trust())
    folded(world.entries[: granted.seq], table)
    table.record.accounts[account] = replace(table.record.accounts[account], is_open=False)
    table.apply(granted)
    assert "a licence for a grant that has ended" in table.told[-1]
