"""Another model in the place of one that a directive refuses: only where all of it is so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant, Now
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.grants import (
    ChooseFallback,
    OpenRemoval,
    ResumeGrant,
    SurrenderGrant,
    SuspendGrant,
)
from sluicegate.core.terms.trust import Floor, Releases
from sluicegate_record.entries import Entry
from tests.core import reference_model
from tests.core.access.test_decision import ACTIONS, PROVIDERS, Facts, asks, granted, instants, nows, table_of
from tests.core.access.test_vouch import FLOOR, folded
from tests.worlds import (
    API,
    CODEX,
    DAY_MS,
    DEVELOPER,
    LOG,
    MODEL,
    PINS,
    RELEASE,
    Rough,
    World,
    plan_value,
    stage,
)

FALLBACK, OLDER = "gpt-5.5", "older"


def falling_back(seed: int) -> Facts:
    """An organization with grants for each of two releases, whatever happens to them, and a directive."""
    found = Facts.of(seed)
    some = found.random
    found.applied(
        "r1", ["a", "b"], announced=some.random() < 0.8, per_minute=60, fallback=some.choice("bccc")
    )
    found.applied("r2", ["c"], announced=some.random() < 0.8, per_minute=60, fallback="a")
    for release in ("r1", "r2"):
        terms = found.terms[release, "s1"]
        if some.random() < 0.9:
            found.rough.write("stage.opened", {"release": release, "stage": "s1", "terms": terms})
        for _ in range(2):
            found.granted_to("o1", release, some.choice([API, API, API, CODEX]), lasting=some.random() < 0.8)
            found.credential(found.grants[-1])
            found.choose(found.grants[-1])
    for _ in range(some.randrange(4)):
        some.choice(ACTIONS)(found)
    found.suspend()
    return found


falling = st.builds(falling_back, st.integers(0, 2**32))


def stand_ins(found: Facts) -> list[Ask]:
    """Every request there could be, answered by every model, rightly offered or not."""
    return [
        replace(ask, model=model, instead_of=ask.model) for ask in asks(found) for model in ("a", "b", "c")
    ]


@settings(max_examples=60)
@given(falling, instants)
def test_a_fallback_is_decided_as_the_literal_reading_has_it(found: Facts, now: Instant) -> None:
    table = table_of(found.rough)
    for ask in stand_ins(found):
        expected = reference_model.decide(found.rough.entries, ask, now, PROVIDERS)
        event(expected.reason or "allowed")
        decided = decision.decide(ask, table, now)
        assert reference_model.agrees(expected, decided), (expected, decided, ask)


DIRECTED = frozenset({"directive.issued", "directive.lifted", "directive.expired"})
OWN = bytes.fromhex("11" * 32)


def undirected(found: Facts) -> Rough:
    """The same log, had there never been a directive."""
    rough = Rough()
    for entry in found.rough.entries:
        if entry.type not in DIRECTED:
            gate = {name: opened.value() for name, opened in entry.gate.items()}
            rough.write(entry.type, entry.public, **gate)
    return rough


def no_later(one: int | None, other: int | None) -> bool:
    """Whether a bound is no later, or no larger, than another; None is none."""
    return other is None or (one is not None and one <= other)


@given(falling, instants)
def test_a_fallback_gives_a_key_nothing_that_it_or_its_organization_lacks(found: Facts, now: Instant) -> None:
    """The key may use what was asked for but for directives; a key of the fallback's grant may use that."""
    table = table_of(found.rough)
    for ask in stand_ins(found):
        decided = decision.decide(ask, table, now)
        if isinstance(decided, Allow):
            rough = undirected(found)
            rough.write(
                "credential.issued", {"credential": "own", "grant": decided.grant.id}, digest=OWN.hex()
            )
            free = table_of(rough)
            meant = decision.decide(replace(ask, model=ask.instead_of, instead_of=""), free, now)
            own = decision.decide(Ask(OWN, ask.model, ask.surface), free, now)
            assert isinstance(meant, Allow)
            assert isinstance(own, Allow)
            assert granted(decided) == granted(own)
            assert no_later(decided.until_ms, meant.until_ms)
            assert no_later(decided.until_ms, own.until_ms)
            assert no_later(decided.requests_per_minute, own.requests_per_minute)


@given(falling, nows)
def test_without_the_holders_choice_nothing_falls_back(found: Facts, now: Now) -> None:
    for grant in found.grants:
        found.rough.write("grant.fallback_chosen", {"grant": grant, "fallback": False})
    table = table_of(found.rough)
    for ask in asks(found):
        decided = decision.decide(ask, table, now)
        assert isinstance(decided, Allow) or decision.instead(ask, decided, table) is None
    for ask in stand_ins(found):
        assert isinstance(decision.decide(ask, table, now), Deny)


@given(falling, nows)
def test_only_a_directives_refusal_is_decided_again_and_only_once(found: Facts, now: Now) -> None:
    table = table_of(found.rough)
    for ask in asks(found):
        decided = decision.decide(ask, table, now)
        if isinstance(decided, Deny):
            instead = decision.instead(ask, decided, table)
            event(f"{decided.reason}, again: {instead is not None}")
            if instead is not None:
                assert decided.reason is Reason.DIRECTIVE_IN_FORCE
                assert instead == replace(ask, model=decided.fallback or "", instead_of=ask.model)
                assert decision.instead(instead, decided, table) is None


def test_a_fallback_that_is_not_announced_is_named_only_to_who_holds_a_grant_for_it() -> None:
    """Whatever the refusal is; to others the model does not exist."""
    world = World.opened(onRefusal={"fallbackModel": FALLBACK})
    world.apply(plan_value(OLDER, models=[FALLBACK], announced=False))
    world.agree()
    world.open(OLDER)
    own, other = world.admit(), world.admit(organization="org-2")
    (key, _), (second, _) = world.credential(own), world.credential(other, "second")
    world.admit(organization="org-2", release=OLDER)

    def refused(digest: bytes) -> tuple[str, str | None]:
        now = Instant(world.now_ms, world.now_ms)
        found = decision.decide(Ask(digest, MODEL, API), world.state.table, now)
        assert isinstance(found, Deny)
        return found.reason.value, found.fallback

    world.direct("d-1")
    assert refused(key) == ("directive_in_force", None)
    assert refused(second) == ("directive_in_force", FALLBACK)
    world.lift("d-1")
    for grant in (own, other):
        world.must(SurrenderGrant(grant))
    assert refused(key) == ("not_admitted", None)
    assert refused(second) == ("not_admitted", FALLBACK)


# By hand: one world in which a fallback answers, one change, one answer


class Fallen:
    """A key of a grant for `MODEL`, whose holder has chosen the fallback and has a grant for it."""

    def __init__(self) -> None:
        self.world = World.opened(onRefusal={"fallbackModel": FALLBACK})
        self.older()
        self.own = self.world.admit()
        self.fallbacks = self.world.admit(release=OLDER)
        self.key, _ = self.world.credential(self.own)
        self.world.must(ChooseFallback(self.own, True))
        self.world.direct("d-1")

    def older(self, **changes: Any) -> None:
        self.world.apply(plan_value(OLDER, **{"models": [FALLBACK], **changes}))
        self.world.agree()
        self.world.open(OLDER)

    @property
    def table(self) -> Table:
        return self.world.state.table

    @property
    def now(self) -> Instant:
        return Instant(self.world.now_ms, self.world.now_ms)

    def first(self, surface: str = API) -> Allow | Deny:
        return decision.decide(Ask(self.key, MODEL, surface), self.table, self.now)

    def second(self, surface: str = API, **changes: Any) -> Allow | Deny:
        ask = replace(Ask(self.key, FALLBACK, surface, instead_of=MODEL), **changes)
        return decision.decide(ask, self.table, self.now)

    def amended(self) -> None:
        case = self.world.case(self.world.must(self.world.amend(self.fallbacks, renew=True))["application"])
        self.world.all_say(case, "oncd approve", "ostp approve")

    def on_new_terms(self) -> None:
        self.world.must(SurrenderGrant(self.fallbacks))
        self.world.apply(plan_value(OLDER, models=[FALLBACK], stages=[stage(seats=9, conditions={})]))
        self.world.agree()
        self.world.admit(release=OLDER)

    def again(self) -> None:
        """The same organization is admitted again; its old key stays where it was."""
        self.world.must(SurrenderGrant(self.own))
        self.world.must(ChooseFallback(self.world.admit(), True))

    def outlived(self) -> None:
        """The fallback's grant goes on when the other's time is over."""
        self.world.later(10)
        self.amended()
        self.world.later(20)

    def removed(self, grant: str) -> None:
        case = self.world.case(self.world.must(OpenRemoval(grant, "misuse", "why"))["case"])
        self.world.all_say(case, "oncd approve", "ostp approve")
        self.world.later(10)


@pytest.fixture
def fallen() -> Fallen:
    return Fallen()


def test_a_key_of_another_grant_serves_in_exactly_this_case(fallen: Fallen) -> None:
    assert isinstance(fallen.first(), Deny)
    allowed = fallen.second()
    assert isinstance(allowed, Allow)
    assert (allowed.grant.id, allowed.model, allowed.upstream) == (fallen.fallbacks, FALLBACK, "demo")
    direct = fallen.second(instead_of="")
    assert isinstance(direct, Deny)
    assert direct.reason is Reason.NOT_PROVISIONED


def test_a_lift_does_not_end_what_a_fallback_answers(fallen: Fallen) -> None:
    fallen.world.lift()
    assert isinstance(fallen.second(), Allow)
    assert isinstance(fallen.first(), Allow)


def test_a_fallback_is_allowed_until_the_first_of_the_two_grants_ends(fallen: Fallen) -> None:
    mine = fallen.table.grants_by_id[fallen.own].valid_until_ms
    fallen.world.later(10)
    fallen.amended()
    allowed = fallen.second()
    assert isinstance(allowed, Allow)
    assert allowed.until_ms == mine != fallen.table.grants_by_id[fallen.fallbacks].valid_until_ms


OF_THE_FALLBACK: dict[str, tuple[Callable[[Fallen], Any], Reason]] = {
    "a directive": (lambda f: f.world.direct("d-2", models=[FALLBACK]), Reason.DIRECTIVE_IN_FORCE),
    "one over both": (
        lambda f: f.world.direct("d-2", ["org-1"], models=[MODEL, FALLBACK]),
        Reason.DIRECTIVE_IN_FORCE,
    ),
    "no such model": (lambda f: f.older(models=["gpt-5.4"]), Reason.MODEL_NOT_FOUND),
    "suspended": (lambda f: f.world.must(SuspendGrant(f.fallbacks, "misuse")), Reason.GRANT_SUSPENDED),
    "removed": (lambda f: f.removed(f.fallbacks), Reason.GRANT_REMOVED),
    "surrendered": (lambda f: f.world.must(SurrenderGrant(f.fallbacks)), Reason.NOT_ADMITTED),
    "under new terms, not open": (Fallen.on_new_terms, Reason.STAGE_NOT_OPEN),
}


@pytest.mark.parametrize("name", OF_THE_FALLBACK)
def test_a_fallback_is_refused_as_any_request_for_it(fallen: Fallen, name: str) -> None:
    change, reason = OF_THE_FALLBACK[name]
    change(fallen)
    refused = fallen.second()
    assert isinstance(refused, Deny)
    assert refused.reason is reason
    first = fallen.first()
    assert isinstance(first, Deny)
    assert (first.reason, first.fallback) == (Reason.DIRECTIVE_IN_FORCE, FALLBACK)


def test_a_fallback_that_was_never_granted_is_refused_as_to_anybody(fallen: Fallen) -> None:
    for organization, apply_for, reason in (
        ("org-2", False, Reason.NOT_ADMITTED),
        ("org-3", True, Reason.APPLICATION_PENDING),
    ):
        grant = fallen.world.admit(organization)
        fallen.key, _ = fallen.world.credential(grant, organization)
        fallen.world.must(ChooseFallback(grant, True))
        if apply_for:
            fallen.world.submit(organization, release=OLDER)
        refused = fallen.second()
        assert isinstance(refused, Deny)
        assert refused.reason is reason


OF_THE_OWN: dict[str, tuple[Callable[[Fallen], Any], Reason]] = {
    "not chosen any more": (lambda f: f.world.must(ChooseFallback(f.own, False)), Reason.NOT_PROVISIONED),
    "suspended": (lambda f: f.world.must(SuspendGrant(f.own, "misuse")), Reason.GRANT_SUSPENDED),
    "removed for misuse": (lambda f: f.removed(f.own), Reason.GRANT_REMOVED),
    "surrendered": (lambda f: f.world.must(SurrenderGrant(f.own)), Reason.NOT_ADMITTED),
    "replaced": (Fallen.again, Reason.NOT_PROVISIONED),
    "expired": (Fallen.outlived, Reason.GRANT_EXPIRED),
    "another fallback offered": (
        lambda f: f.world.apply(plan_value(onRefusal={"fallbackModel": "gpt-5.4"})),
        Reason.NOT_PROVISIONED,
    ),
    "no fallback offered": (lambda f: f.world.apply(plan_value()), Reason.NOT_PROVISIONED),
    "no such model any more": (
        lambda f: f.world.apply(plan_value(models=["gpt-7"], onRefusal={"fallbackModel": FALLBACK})),
        Reason.NOT_PROVISIONED,
    ),
}


@pytest.mark.parametrize("name", OF_THE_OWN)
def test_a_directive_gives_nobody_what_their_own_grant_does_not(fallen: Fallen, name: str) -> None:
    """A key that could not use the model without the directive does not get its fallback by it."""
    change, reason = OF_THE_OWN[name]
    change(fallen)
    refused = fallen.second()
    assert isinstance(refused, Deny)
    assert refused.reason is reason


def test_a_revoked_key_has_no_fallback(fallen: Fallen) -> None:
    fallen.key, credential = fallen.world.credential(fallen.own, "key-2")
    assert isinstance(fallen.second(), Allow)
    fallen.world.revoke(credential)
    refused = fallen.second()
    assert isinstance(refused, Deny)
    assert refused.reason is Reason.CREDENTIAL_REVOKED


def test_a_fallback_serves_on_the_surface_of_both_grants(fallen: Fallen) -> None:
    fallen.world.admit(surface=CODEX, release=OLDER)
    assert isinstance(fallen.second(), Allow)
    refused = fallen.second(CODEX)
    assert isinstance(refused, Deny)
    assert refused.reason is Reason.NOT_PROVISIONED


def test_what_is_suspended_and_resumed_falls_back_again(fallen: Fallen) -> None:
    fallen.world.must(SuspendGrant(fallen.own, "misuse"))
    assert isinstance(fallen.second(), Deny)
    fallen.world.must(ResumeGrant(fallen.own))
    assert isinstance(fallen.second(), Allow)


def vouched(fallen: Fallen, entries: list[Entry]) -> Allow | Deny:
    """What a gateway decides that honours only what agencies signed."""
    honoured = {
        RELEASE: Floor(FLOOR, {MODEL: "demo"}),
        OLDER: Floor(FLOOR, {FALLBACK: "demo"}),
    }
    table = folded(entries, VouchedTable(Releases(DEVELOPER, LOG, PINS, honoured)))
    return decision.decide(Ask(fallen.key, FALLBACK, API, instead_of=MODEL), table, fallen.now)


def test_what_agencies_did_not_grant_is_no_fallback_whatever_the_log_says(fallen: Fallen) -> None:
    """Of a control plane that lies: the choice is its word, the grant that serves is not."""
    entries = fallen.world.entries
    assert vouched(fallen, entries) == fallen.second()
    for unsigned in (fallen.fallbacks, fallen.own):
        case = fallen.world.state.grants[unsigned].case
        forged = [
            entry
            for entry in entries
            if not (entry.type == "position.recorded" and entry.public["case"] == case)
        ]
        believed = folded(forged, Table())
        ask = Ask(fallen.key, FALLBACK, API, instead_of=MODEL)
        assert isinstance(decision.decide(ask, believed, fallen.now), Allow)
        refused = vouched(fallen, forged)
        assert isinstance(refused, Deny)
        assert refused.reason is Reason.DEPLOYMENT_UNATTESTED


def test_the_world_by_hand_outlives_what_is_done_to_it(fallen: Fallen) -> None:
    """Else what is refused above could be refused for its age."""
    fallen.world.later(10)
    fallen.amended()
    fallen.world.later(20 - 1 / DAY_MS)
    assert isinstance(fallen.second(), Allow)
