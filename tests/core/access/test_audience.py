"""Who a stage for everyone lets in: by its shares, beside grants, and never who was put out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.core.access.coverage import coverage
from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.directives.cover import compiled
from sluicegate.core.lifecycle.accounts import CloseAccount, OpenAccount
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.grants import OpenRemoval, SuspendGrant
from sluicegate_record.directives.document import DirectiveSpec
from sluicegate_record.entries import Entry
from sluicegate_record.log import times
from sluicegate_record.terms import audience
from sluicegate_record.terms.audience import RampStep
from tests.forging import gate_value
from tests.worlds import (
    API,
    CODEX,
    DAY_MS,
    MODEL,
    RELEASE,
    STAGE,
    World,
    application,
    directive_value,
    moving,
    plan_value,
    stage,
)

GENERAL = "general"
AGREED = {"basis": {"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"}}


def general(**changes: Any) -> dict[str, Any]:
    """A stage for everyone, opened by hand."""
    body = {"audience": "everyone", "admission": None, "conditions": {"requestsPerMinute": 60}, **AGREED}
    return stage(GENERAL, **{**body, **changes})


def world(*, is_open: bool = True, preview: dict[str, Any] | None = None, **changes: Any) -> World:
    made = World.opened(stages=[stage(**(preview or {})), general(**changes)])
    if is_open:
        made.open(name=GENERAL)
    return made


def account(made: World, organization: str = "org-a") -> str:
    dossier = {"organization": {"name": organization, "registeredIn": "US"}}
    found: str = made.must(OpenAccount(organization, dossier))["account"]
    return found


def key(made: World, under: str, name: str) -> bytes:
    digest = hashlib.sha256(name.encode()).digest()
    made.must(IssueCredential(under, digest.hex()))
    return digest


def asked(made: World, digest: bytes, surface: str = API, **changes: Any) -> Allow | Deny:
    ask = Ask(digest, MODEL, surface, **changes)
    return decide(ask, made.state.table, Instant(made.now_ms, made.now_ms))


def reason(answer: Allow | Deny) -> str:
    return answer.reason if isinstance(answer, Deny) else "allowed"


def test_an_organization_with_an_account_needs_no_case_once_a_stage_is_for_everyone() -> None:
    made = world(is_open=False)
    name = account(made)
    digest = key(made, name, "a")
    assert reason(asked(made, digest)) == Reason.NOT_ADMITTED
    made.open(name=GENERAL)
    answer = asked(made, digest)
    assert isinstance(answer, Allow)
    assert (answer.grant.id, answer.until_ms, answer.requests_per_minute) == (name, None, 60)
    assert reason(asked(made, digest, CODEX)) == "allowed"
    assert reason(asked(made, digest, "cloud")) == Reason.NOT_ADMITTED


def test_an_account_that_is_closed_allows_nothing_and_gets_no_key() -> None:
    made = world()
    name = account(made)
    digest = key(made, name, "a")
    made.must(CloseAccount(name))
    assert reason(asked(made, digest)) == Reason.NOT_ADMITTED
    assert made.refused(IssueCredential(name, "ab" * 32)) == "account_closed"
    assert made.refused(CloseAccount("acct_none")) == "account_unknown"
    assert account(made) != name


def test_an_organization_has_one_open_account() -> None:
    made = world()
    name, size = account(made), made.state.size
    assert account(made) == name
    made.must(CloseAccount(name))
    made.must(CloseAccount(name))
    assert made.types(size) == ["account.closed"]


def test_a_directive_stops_accounts_as_it_stops_grants() -> None:
    made = world()
    digest, other = key(made, account(made), "a"), key(made, account(made, "org-b"), "b")
    made.direct("d-1", ["org-a"])
    assert [reason(asked(made, each)) for each in (digest, other)] == [Reason.DIRECTIVE_IN_FORCE, "allowed"]
    late = key(made, account(made, "org-c"), "c")
    made.direct("d-3", ["org-d"])
    assert [reason(asked(made, each)) for each in (late, key(made, account(made, "org-d"), "d"))] == [
        "allowed",
        Reason.DIRECTIVE_IN_FORCE,
    ]
    made.direct("d-2")
    assert reason(asked(made, other)) == Reason.DIRECTIVE_IN_FORCE


def test_a_revoked_key_and_an_unknown_model_are_refused_all_the_same() -> None:
    made = world()
    digest = key(made, account(made), "a")
    made.revoke(next(iter(made.state.keyring.places)))
    assert reason(asked(made, digest)) == Reason.CREDENTIAL_REVOKED


def test_no_one_applies_for_a_stage_that_is_for_everyone() -> None:
    assert world().refused(application(name=GENERAL)) == "no_application_needed"


# Beside grants


def test_the_keys_of_a_grant_go_on_when_it_ends() -> None:
    made = world()
    grant = made.admit()
    digest, _ = made.credential(grant)
    first = asked(made, digest)
    assert isinstance(first, Allow)
    assert (first.grant.id, first.requests_per_minute) == (grant, 600)
    assert first.until_ms is not None
    made.now_ms = first.until_ms
    at_its_end = asked(made, digest)
    made.tick()
    after = asked(made, digest)
    assert at_its_end == after
    assert isinstance(after, Allow)
    assert (after.until_ms, after.requests_per_minute) == (None, 60)


def test_a_grant_that_becomes_part_of_the_stage_has_its_conditions() -> None:
    made = world(is_open=False, grants={STAGE: {"become": GENERAL}})
    digest, _ = made.credential(made.admit())
    assert asked(made, digest)[4] == 600
    made.open(name=GENERAL)
    answer = asked(made, digest)
    assert isinstance(answer, Allow)
    assert (answer.until_ms, answer.requests_per_minute) == (None, 60)


@pytest.mark.parametrize("how", ["removed", "suspended"])
def test_who_was_put_out_is_not_let_in_again_by_a_stage_for_everyone(how: str) -> None:
    made = world()
    grant = made.admit()
    digest, _ = made.credential(grant)
    extra = key(made, account(made, "org-1"), "extra")
    if how == "suspended":
        made.must(SuspendGrant(grant, "misuse"))
    else:
        case = made.case(made.must(OpenRemoval(grant, "misuse", "a notice"))["case"])
        made.all_say(case, "oncd approve", "ostp approve")
        made.later(11)
    expected = Reason.GRANT_SUSPENDED if how == "suspended" else Reason.GRANT_REMOVED
    assert [reason(asked(made, each)) for each in (digest, extra)] == [expected, expected]
    assert reason(asked(made, extra, CODEX)) == "allowed"


def test_a_stage_goes_on_under_its_old_terms_until_new_ones_are_agreed_and_open() -> None:
    made = world()
    digest = key(made, account(made), "a")
    looser = general(conditions={"requestsPerMinute": 600})
    made.apply(plan_value(stages=[stage(), looser]))
    assert asked(made, digest)[4] == 60
    made.agree()
    assert asked(made, digest)[4] == 60
    made.open(name=GENERAL)
    assert asked(made, digest)[4] == 600
    made.apply(plan_value(stages=[stage(), general(conditions={"requestsPerMinute": 6})]))
    assert asked(made, digest)[4] == 6


def test_a_stage_that_leaves_the_plan_lets_nobody_in() -> None:
    made = world()
    digest = key(made, account(made), "a")
    made.apply(plan_value(stages=[stage()]))
    assert reason(asked(made, digest)) == Reason.NOT_ADMITTED


def test_a_stage_that_is_not_for_everyone_any_more_lets_nobody_in_once_it_opens() -> None:
    made = world()
    digest = key(made, account(made), "a")
    made.apply(plan_value(stages=[stage(), stage(GENERAL)]))
    made.agree()
    made.open(name=GENERAL)
    assert reason(asked(made, digest)) == Reason.NOT_ADMITTED


# By share

RAMP = [{"share": 5, "for": "P1D"}, {"share": 50, "for": "P2D"}, {"share": 100}]


def test_shares_grow_by_time_and_what_was_in_stays_in() -> None:
    made = world(ramp=RAMP)
    digests = {name: key(made, account(made, name), name) for name in map(str, range(60))}
    opened_ms, before = made.now_ms, set[str]()
    for days, least, most in ((0, 0, 12), (1, 20, 40), (2.9, 20, 40), (3, 60, 60), (400, 60, 60)):
        made.now_ms = opened_ms + round(days * DAY_MS)
        inside = {name for name, digest in digests.items() if reason(asked(made, digest)) == "allowed"}
        assert before <= inside
        assert least <= len(inside) <= most
        outside = {reason(asked(made, digests[name])) for name in digests.keys() - inside}
        assert outside <= {Reason.STAGE_NOT_OPEN}
        before = inside


def test_who_is_outside_of_the_share_hears_so_and_when_it_comes_in() -> None:
    made = world(ramp=RAMP)
    digests = {name: key(made, account(made, name), name) for name in map(str, range(60))}
    opened_ms = made.now_ms
    answers = {name: asked(made, digest) for name, digest in digests.items()}
    outside = {name: answer for name, answer in answers.items() if isinstance(answer, Deny)}
    assert outside
    for name, denied in outside.items():
        assert "is not in it yet; it is from " in denied.text
        days = 1 if audience.place_of(RELEASE, name) < 5_000 else 3
        assert f"from {times.format_time(opened_ms + days * DAY_MS)} on" in denied.text
        made.now_ms = opened_ms + days * DAY_MS - 1
        assert reason(asked(made, digests[name])) == Reason.STAGE_NOT_OPEN
        made.now_ms += 1
        assert reason(asked(made, digests[name])) == "allowed"
    made.now_ms = opened_ms
    made.must(moving(made.state, "pauses", name=GENERAL))
    (first, *_) = outside
    answer = asked(made, digests[first])
    assert isinstance(answer, Deny)
    assert answer.text.endswith("an officer has stopped the shares from growing for now")


def test_a_licence_is_offered_only_to_who_would_have_access_without_the_directive() -> None:
    made = world()
    digest, closed = key(made, account(made), "a"), account(made, "org-b")
    other = key(made, closed, "b")
    made.must(CloseAccount(closed))
    made.direct("d-1")
    answers = [asked(made, each) for each in (digest, other)]
    assert [reason(each) for each in answers] == [Reason.DIRECTIVE_IN_FORCE] * 2
    offers = [
        isinstance(each, Deny) and "'sluicegate licence request d-1'" in each.remedy for each in answers
    ]
    assert offers == [True, False]


def test_a_grant_loses_nothing_while_shares_grow() -> None:
    made = world(ramp=[{"share": 1, "for": "P1D"}, {"share": 100}], grants={STAGE: {"become": GENERAL}})
    digest, _ = made.credential(made.admit("org-outside"))
    assert audience.place_of(RELEASE, "org-outside") >= 100
    assert asked(made, digest)[4] == 600
    made.later(1)
    assert asked(made, digest)[4] == 60


@given(
    st.lists(st.tuples(st.integers(1, 100), st.integers(1, 30)), min_size=1, max_size=5),
    st.lists(st.integers(0, 200), min_size=2, max_size=6),
    st.text(max_size=8),
)
def test_a_share_only_grows_for_an_organization(
    steps: list[tuple[int, int]], days: list[int], organization: str
) -> None:
    growing = sorted({share for share, _ in steps})
    ramp = [RampStep(share=share, for_=f"P{each}D") for share, (_, each) in zip(growing, steps, strict=False)]
    shares = audience.shares([*ramp[:-1], RampStep(share=100)])
    place = audience.place_of(RELEASE, organization)
    inside = [place < audience.share_at(shares, day * DAY_MS) for day in sorted(days)]
    assert inside == sorted(inside)
    assert audience.share_at(shares, -1) == 0


# The same, read literally from plan, log and time


@dataclass
class Reading:
    """What a log says, entry by entry, with nothing looked up by an index."""

    opened: dict[str, int] = field(default_factory=dict)
    stages: dict[str, Any] = field(default_factory=dict)
    accounts: dict[str, list[Any]] = field(default_factory=dict)
    grants: dict[str, dict[str, Any]] = field(default_factory=dict)
    under: dict[str, str] = field(default_factory=dict)

    def read(self, entry: Entry) -> None:
        said = entry.public
        if entry.type == "release.applied":
            self.stages = {each["name"]: each for each in said["plan"]["spec"]["stages"]}
        elif entry.type == "stage.opened":
            self.opened[said["stage"]] = entry.at_ms
        elif entry.type == "account.opened":
            self.accounts[said["account"]] = [gate_value(entry, "organization"), True]
        elif entry.type == "account.closed":
            self.accounts[said["account"]][1] = False
        elif entry.type == "grant.approved":
            holder = gate_value(entry, "organization")
            self.grants[said["grant"]] = {**said, "organization": holder, "how": ""}
        elif entry.type in {"grant.ended", "grant.suspended"}:
            self.grants[said["grant"]]["how"] = said.get("how", "suspended")
        elif entry.type == "credential.issued":
            self.under[gate_value(entry, "digest")] = said["grant"]

    def is_put_out(self, organization: str, surface: str, held: dict[str, Any] | None) -> bool:
        mine = [each for each in self.grants.values() if each["organization"] == organization]
        barred = [each for each in mine if each["surface"] == surface or each is held]
        return any(each["how"] in {"suspended", "removed"} for each in barred)

    def is_in_share(self, organization: str, at_ms: int) -> bool:
        share, after_ms = 0, self.opened[GENERAL]
        for step in self.stages[GENERAL].get("ramp", [{"share": 100}]):
            share = step["share"] if after_ms <= at_ms else share
            after_ms += int(step.get("for", "P0D")[1:-1]) * DAY_MS
        hashed = hashlib.sha256(f"{RELEASE}\n{organization}".encode()).digest()[:8]
        return int.from_bytes(hashed, "big") % 10_000 < share * 100


def entitled(entries: Sequence[Entry], digest: bytes, surface: str, at_ms: int) -> bool:
    """Whether a key may use the model, by a slow reading of the log: its grant, or a stage for everyone."""
    log = Reading()
    for entry in entries:
        log.read(entry)
    under = log.under[digest.hex()]
    held = log.grants.get(under)
    organization = held["organization"] if held else log.accounts[under][0]
    if log.is_put_out(organization, surface, held):
        return False
    if held and held["how"] == "" and held["surface"] == surface and _time(held["validUntil"]) > at_ms:
        return True
    is_closed = under in log.accounts and not log.accounts[under][1]
    return not is_closed and GENERAL in log.opened and log.is_in_share(organization, at_ms)


def _time(text: str) -> int:
    return times.parse_time(text)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("account"), st.integers(0, 4)),
        st.tuples(st.just("close"), st.integers(0, 4)),
        st.tuples(st.just("admit"), st.integers(0, 4)),
        st.tuples(st.just("suspend"), st.integers(0, 4)),
        st.tuples(st.just("general"), st.just(0)),
        st.tuples(st.just("days"), st.sampled_from([1, 2, 7, 29])),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from([None, RAMP]))
def test_entitlements_are_those_of_a_literal_reading(steps: list[tuple[str, int]], ramp: Any) -> None:
    made = world(is_open=False, ramp=ramp)
    digests: list[bytes] = []
    for count, (what, which) in enumerate(steps):
        organization = f"org-{which}"
        held = made.state.table.grants.get((organization, RELEASE, API))
        if what == "account":
            digests.append(key(made, account(made, organization), f"key {count}"))
        elif what == "close" and organization in made.state.accounts.newest:
            made.must(CloseAccount(made.state.accounts.newest[organization]))
        elif what == "admit" and held is None:
            digests.append(made.credential(made.admit(organization), f"key {count}")[0])
        elif what == "suspend" and held is not None and not held.has_ended:
            made.must(SuspendGrant(held.id, "misuse"))
        elif what == "general":
            made.open(name=GENERAL)
        elif what == "days":
            made.later(which)
        for digest in digests:
            for surface in (API, CODEX):
                allowed = isinstance(asked(made, digest, surface), Allow)
                assert allowed == entitled(made.entries, digest, surface, made.now_ms), (digest, surface)


def test_a_key_that_ends_at_a_time_ends_there_too() -> None:
    made = world()
    digest = hashlib.sha256(b"short").digest()
    until_ms = made.now_ms + DAY_MS
    made.must(IssueCredential(account(made), digest.hex(), expires_ms=until_ms))
    answer = asked(made, digest)
    assert isinstance(answer, Allow)
    assert answer.until_ms == until_ms
    made.now_ms = until_ms
    assert reason(asked(made, digest)) == Reason.CREDENTIAL_EXPIRED


def test_who_has_only_an_account_is_counted_before_an_order_is_given() -> None:
    """As decisions say; a grant that is suspended is counted where it is held, because it can go on."""
    made = world(ramp=[{"share": 50, "for": "P1D"}, {"share": 100}])
    digests = {name: key(made, account(made, name), name) for name in map("org-{}".format, range(8))}
    made.must(CloseAccount(made.state.accounts.newest["org-7"]))
    for name in ("org-8", "org-9"):
        digests[name], _ = made.credential(made.admit(name), name)
    held = made.state.table.grants["org-9", RELEASE, API]
    made.must(SuspendGrant(held.id, "misuse"))
    for _ in range(2):
        for surfaces in ([API, CODEX], [API], [CODEX]):
            spec = DirectiveSpec.from_json(directive_value(surfaces=surfaces)["spec"])
            counted = coverage(made.state.table, compiled("d", spec, {}, made.now_ms), [], made.now_ms)
            reached = {
                name
                for name, digest in digests.items()
                if any(reason(asked(made, digest, each)) == "allowed" for each in surfaces)
            }
            expected = reached | ({"org-9"} if API in surfaces else set())
            assert counted.covered.organizations == len(expected)
        made.later(1)
