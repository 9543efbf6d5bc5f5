"""A control plane that lies, and a gateway that honours only what it can check itself.

Lies are made from an honest history: one entry is rewritten, or written where none belongs.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.grants import OpenRemoval
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import OpenStage
from sluicegate.core.terms.trust import Floor, Releases
from sluicegate.errors import VerificationFailed
from sluicegate_record.entries import Entry
from sluicegate_record.log import canonical, dsse, times
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.cases import Position
from sluicegate_record.statements.question import Question
from sluicegate_record.terms.rule import Rule
from tests import forging
from tests.core.lifecycle.test_histories import Player, histories
from tests.forging import forged as forged_entry
from tests.forging import openings
from tests.worlds import (
    AGENCIES,
    API,
    DAY_MS,
    DEVELOPER,
    LOG,
    MODEL,
    OFFICER,
    OTHER_OFFICER,
    PINS,
    RELEASE,
    STAGE,
    World,
    approval,
    opening,
    plan_value,
    position,
    read_plan,
    signed,
    stage,
)

KEY = hashlib.sha256(b"key-1").digest()
FLOOR = Rule("allOf", ("oncd", "ostp"))
Lie = Callable[[Entry], Entry | None]
AnyTable = TypeVar("AnyTable", bound=Table)


def trust(rule: Rule = FLOOR, upstreams: Mapping[str, str] = MappingProxyType({MODEL: "demo"})) -> Releases:
    return Releases(DEVELOPER, LOG, PINS, {RELEASE: Floor(rule, upstreams)})


def honest() -> World:
    """A stage agreed to and opened, an organization admitted, and its key."""
    world = World.opened()
    world.credential(world.admit())
    return world


def told(entry: Entry, public: Mapping[str, Any], **gate: Any) -> Entry:
    """An entry with other words at the same place."""
    return forging.told(entry, public, openings(gate, Entropy(bytes(32))))


def moved(entry: Entry, seq: int) -> Entry:
    return forging.told(entry, {}, seq=seq)


def folded(entries: list[Entry], table: AnyTable) -> AnyTable:
    """What a table makes of entries; places are given anew, for a lie may leave some out."""
    for i, entry in enumerate(entries):
        table.apply(entry if entry.seq == i else moved(entry, i))
    return table


def lying(world: World, lie: Lie) -> list[Entry]:
    made = [lie(entry) for entry in world.entries]
    return [entry for entry in made if entry is not None]


def asked(table: Table, model: str = MODEL, surface: str = API, at_ms: int | None = None) -> Allow | Deny:
    now_ms = at_ms if at_ms is not None else World().now_ms + 1_000
    return decision.decide(Ask(KEY, model, surface), table, Instant(now_ms, now_ms))


def believed_and_vouched(entries: list[Entry], **changes: Any) -> tuple[Allow | Deny, Allow | Deny]:
    """What a gateway decides that believes the log, and one that checks."""
    return asked(folded(entries, Table())), asked(folded(entries, VouchedTable(trust(**changes))))


def of_type(type_: str, change: Callable[[Entry], Entry | None], *, which: int = 0) -> Lie:
    """A lie about one entry of a type; each history begins where places begin again."""
    seen, last = 0, -1

    def lie(entry: Entry) -> Entry | None:
        nonlocal seen, last
        if entry.seq <= last:
            seen = 0
        last = entry.seq
        if entry.type != type_:
            return entry
        seen += 1
        return change(entry) if seen == which + 1 else entry

    return lie


def test_an_honest_log_is_honoured_as_it_is() -> None:
    believed, vouched = believed_and_vouched(honest().entries)
    assert isinstance(believed, Allow)
    assert vouched == believed


def test_nothing_is_found_in_an_honest_log() -> None:
    table = VouchedTable(trust())
    folded(honest().entries, table)
    assert not table.findings


def envelope_of(case: Question, agency: str, *signers: str, **changes: Any) -> dict[str, Any]:
    return signed(approval(case, agency, **changes).payload(), *signers).to_json()


def forged(signer: str) -> Callable[[Entry], Entry]:
    """ostp's position, signed by somebody else."""

    def change(entry: Entry) -> Entry:
        said = Position.read(dsse.Envelope.from_json(entry.public["envelope"]))
        if said.agency != "ostp":
            return entry
        return told(entry, {"envelope": envelope_of(said.question, "ostp", signer)})

    return change


def every_position(change: Callable[[Entry], Entry]) -> Lie:
    return lambda entry: change(entry) if entry.type == "position.recorded" else entry


def unsigned(entry: Entry) -> Entry:
    envelope = {**entry.public["envelope"], "signatures": []}
    return told(entry, {"envelope": {**envelope, "signatures": entry.public["envelope"]["signatures"][:0]}})


def altered(entry: Entry) -> Entry:
    envelope = dict(entry.public["envelope"])
    payload = canonical.unb64(envelope["payload"]).replace(b'"approve"', b'"abstain"')
    return told(entry, {"envelope": {**envelope, "payload": canonical.b64(payload)}})


def swapped_plan(entry: Entry) -> Entry:
    """Another plan under the digests that were agreed to."""
    other = read_plan(plan_value(stages=[stage(conditions={"requestsPerMinute": 60_000})]))
    return told(entry, {"plan": other.to_json()})


def mapped(entry: Entry) -> Entry:
    """The agreed model's name, mapped to another upstream, all digests made to fit."""
    value = plan_value()
    value["spec"]["models"][0]["upstream"] = "mythos"
    other = read_plan(value)
    return told(entry, {"plan": other.to_json(), "terms": other.terms})


def another_organization(entry: Entry) -> Entry:
    return told(entry, {}, organization="org-2")


LIES: dict[str, Lie] = {
    "a position signed by another agency": every_position(forged("oncd")),
    "a position signed by an officer": every_position(forged(OFFICER)),
    "a position signed by nobody known": every_position(forged("stranger")),
    "positions without signatures": every_position(unsigned),
    "positions altered after signing": every_position(altered),
    "one agency's positions left out": lambda e: (
        None if e.type == "position.recorded" and e.public["agency"] == "ostp" else e
    ),
    "no positions at all": lambda e: None if e.type == "position.recorded" else e,
    "no agreement to the terms": lambda e: None if e.type == "position.recorded" and e.seq < 12 else e,
    "another plan under agreed digests": of_type("release.applied", swapped_plan),
    "a model mapped to another upstream": of_type("release.applied", mapped),
    "a grant on another surface": of_type("grant.approved", lambda e: told(e, {"surface": "codex"})),
    "a grant to another organization": of_type("grant.approved", another_organization),
    "a grant for more requests": of_type(
        "grant.approved",
        lambda e: told(e, {"conditions": {"requestsPerMinute": 601, "validFor": "P30D"}}),
    ),
    "a grant without its conditions": of_type("grant.approved", lambda e: told(e, {"conditions": {}})),
    "a grant without an end": of_type("grant.approved", lambda e: told(e, {"validUntil": None})),
    "a grant for longer": of_type(
        "grant.approved", lambda e: told(e, {"validUntil": times.format_time(e.at_ms + 31 * DAY_MS)})
    ),
    "a grant by silence": of_type("position.recorded", lambda _: None, which=3),
    "a grant by the terms case": of_type("grant.approved", lambda e: told(e, {"case": "none"})),
    "an opening by an agency": of_type(
        "stage.opened",
        lambda e: told(e, {"envelope": resigned(e, "oncd")}),
    ),
    "an opening by nobody known": of_type(
        "stage.opened", lambda e: told(e, {"envelope": resigned(e, "stranger")})
    ),
    "an opening of other terms": of_type("stage.opened", lambda e: told(e, {"stage": "other"})),
}


def resigned(entry: Entry, signer: str) -> dict[str, Any]:
    payload = canonical.unb64(entry.public["envelope"]["payload"])
    return signed(payload, signer).to_json()


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lie_admits_nobody_at_a_gateway_that_checks(lie: Lie) -> None:
    entries = lying(honest(), lie)
    try:
        vouched = asked(folded(entries, VouchedTable(trust())))
    except VerificationFailed:
        return  # the fold stops, and with it the lease
    assert isinstance(vouched, Deny)


def test_some_of_these_lies_are_believed_without_a_trust_file() -> None:
    """Else the test above would show nothing."""
    believed = []
    for name, lie in LIES.items():
        with suppress(VerificationFailed):
            if isinstance(asked(folded(lying(honest(), lie), Table())), Allow):
                believed.append(name)
    assert len(believed) >= 12, believed


def test_a_key_that_the_control_plane_pins_counts_for_nobody() -> None:
    """The control plane pins a second key for ostp, and signs with it."""
    world = World.opened()
    pinned = [entry for entry in world.entries if entry.type == "key.pinned"][-1]
    own = told(pinned, {"owner": "ostp-2", "party": "ostp", "keyid": "x", "publicKey": "x"})
    assert own.public["party"] == "ostp"
    case = world.submit()
    world.say(case, "oncd")
    world.must(RecordPosition(position(case, "ostp")))
    entries = lying(world, every_position(forged("stranger")))
    table = VouchedTable(trust())
    folded([*entries], table)
    assert table.findings["position.recorded"]
    assert table.findings["grant.approved"] == 1


def test_an_approval_that_was_superseded_does_not_come_back() -> None:
    """ostp approved, then objected; the control plane records the approval again, and admits."""
    world = World.opened()
    world.submit()
    case = world.submit("org-2")
    world.say(case, "ostp")
    approved = world.entries[-1]
    world.say(case, "ostp", "abstain")
    world.say(case, "oncd")
    honest_ = World.opened()
    honest_.admit("org-2")
    table = VouchedTable(trust())
    entries = [*world.entries, moved(approved, len(world.entries))]
    folded(entries, table)
    assert table.findings["position.recorded"] == 1
    assert table.record.cases[case.id].positions["ostp"].position == "abstain"


def test_a_position_for_another_organization_does_not_serve_this_one() -> None:
    world = World.opened()
    grant = world.admit("org-1")
    world.credential(grant)
    other = world.submit("org-2")
    mine = [e.public["envelope"] for e in world.entries if e.type == "position.recorded"][-1]
    replayed = told(
        [e for e in world.entries if e.type == "position.recorded"][-1],
        {"case": other.id, "envelope": mine},
    )
    table = VouchedTable(trust())
    folded([*world.entries, moved(replayed, len(world.entries))], table)
    assert table.findings == {"position.recorded": 1}
    assert not table.record.cases[other.id].positions


def test_the_floor_holds_where_a_plan_asks_for_less() -> None:
    """A plan that every agency agreed to lets one of them admit; the gateway's floor asks for two."""
    admission = {"mode": "approve", "grant": {"anyOf": ["oncd", "ostp"]}}
    world = World.opened(stages=[stage(admission=admission)])
    case = world.submit()
    world.say(case, "oncd")
    world.credential(case.grant or "")
    believed, vouched = believed_and_vouched(world.entries)
    assert isinstance(believed, Allow)
    assert isinstance(vouched, Deny)
    assert vouched.reason is Reason.DEPLOYMENT_UNATTESTED


def test_proceeding_silence_and_notice_give_nothing() -> None:
    clock = {"within": 1, "silence": "no-objection"}
    admission = {"mode": "notify", "grant": {"allOf": ["oncd", "ostp"]}, "clock": clock}
    world = World.opened(stages=[stage(admission=admission)])
    case = world.submit()
    world.now_ms += 3 * DAY_MS
    world.tick()
    assert case.grant is not None
    world.credential(case.grant)
    at_ms = world.now_ms + 1
    assert isinstance(asked(folded(world.entries, Table()), at_ms=at_ms), Allow)
    assert isinstance(asked(folded(world.entries, VouchedTable(trust())), at_ms=at_ms), Deny)


def test_tighter_terms_go_on_and_looser_ones_called_tighter_do_not() -> None:
    world = honest()
    world.apply(plan_value(stages=[stage(conditions={"requestsPerMinute": 60, "validFor": "P30D"})]))
    table = VouchedTable(trust())
    folded(world.entries, table)
    assert not table.findings
    current = world.state.releases[RELEASE].terms[STAGE]
    assert current in table.open_terms
    loose = read_plan(plan_value(stages=[stage(conditions={"requestsPerMinute": 6_000, "validFor": "P30D"})]))
    fresh = loose.terms[STAGE]
    applied = next(e for e in reversed(world.entries) if e.type == "release.applied")
    lie = told(applied, {"plan": loose.to_json(), "terms": {STAGE: fresh}})
    table = VouchedTable(trust())
    folded([*world.entries[: applied.seq], lie], table)
    assert table.findings == {"release.applied": 1}
    assert fresh not in table.open_terms


def test_a_directive_is_lifted_by_whom_it_names_and_nobody_else() -> None:
    world = honest()
    world.direct()
    world.lift()
    assert isinstance(asked(folded(world.entries, VouchedTable(trust()))), Allow)
    without = [
        None if e.type == "position.recorded" and e.seq > world.entries[-4].seq else e for e in world.entries
    ]
    entries = [entry for entry in without if entry is not None]
    assert len(entries) < len(world.entries)
    believed, vouched = believed_and_vouched(entries)
    assert isinstance(believed, Allow)
    assert isinstance(vouched, Deny)
    assert vouched.reason is Reason.DIRECTIVE_IN_FORCE


def test_a_second_directive_of_a_name_does_not_replace_the_first() -> None:
    world = honest()
    world.direct()
    first = world.entries[-1]
    spec = {**first.public["document"]["spec"], "models": ["other"]}
    narrower = told(first, {"document": {**first.public["document"], "spec": spec}})
    _, vouched = believed_and_vouched([*world.entries, moved(narrower, len(world.entries))])
    assert isinstance(vouched, Deny)
    assert vouched.reason is Reason.DIRECTIVE_IN_FORCE


def test_a_renewal_is_honoured_and_one_that_nobody_signed_is_not() -> None:
    world = honest()
    (grant,) = world.state.grants
    world.now_ms += 20 * DAY_MS
    case = world.case(world.must(world.amend(grant, renew=True))["application"])
    world.say(case, "oncd")
    world.say(case, "ostp")
    at_ms = world.now_ms + 15 * DAY_MS
    assert isinstance(asked(folded(world.entries, VouchedTable(trust())), at_ms=at_ms), Allow)
    entries = lying(
        world, lambda e: None if e.type == "position.recorded" and e.public["case"] == case.id else e
    )
    assert isinstance(asked(folded(entries, Table()), at_ms=at_ms), Allow)
    vouched = asked(folded(entries, VouchedTable(trust())), at_ms=at_ms)
    assert isinstance(vouched, Deny)
    assert vouched.reason is Reason.GRANT_EXPIRED


def test_what_narrows_applies_though_nobody_signed_it() -> None:
    world = honest()
    (grant,) = world.state.grants
    seq = len(world.entries)
    public = {"grant": grant, "case": "none", "how": "removed"}
    end = forged_entry("grant.ended", public, seq=seq, at_ms=world.now_ms)
    _, vouched = believed_and_vouched([*world.entries, end])
    assert isinstance(vouched, Deny)
    assert vouched.reason is Reason.GRANT_REMOVED


NARROW = plan_value(stages=[stage(eligibility={"registeredIn": ["US"]})])
"""A tighter plan, by which fewer may apply."""


@pytest.mark.parametrize("plans", [[], [NARROW]])
def test_an_appeal_gives_a_grant_that_is_honoured(plans: list[dict[str, Any]]) -> None:
    world = World.opened()
    case = world.submit()
    world.say(case, "ostp", "object")
    for plan in plans:
        world.apply(plan)
    appeal = world.case(world.must(world.appeal(case.id, "we disagree"))["case"])
    assert appeal.rule == Rule("majorityOf", ("caisi",))
    world.say(appeal, "caisi")
    assert appeal.grant is not None
    world.credential(appeal.grant)
    with_caisi = Rule("anyOf", AGENCIES)
    believed, vouched = believed_and_vouched(world.entries, rule=with_caisi)
    assert isinstance(believed, Allow)
    assert vouched == believed
    assert isinstance(believed_and_vouched(world.entries)[1], Deny), "the floor asks for oncd and ostp"


def test_an_appeal_gives_nothing_under_terms_that_have_changed_who_may_apply_since() -> None:
    """The control plane leaves out that the plan has ended the appeal, and admits by it afterwards."""
    world = World.opened()
    case = world.submit()
    world.say(case, "ostp", "object")
    appeal = world.case(world.must(world.appeal(case.id, "we disagree"))["case"])
    size = len(world.entries)
    world.say(appeal, "caisi")
    said, determined, granted = world.entries[size:]
    world.credential(granted.public["grant"])
    key = world.entries[-1]
    world.apply(NARROW)
    applied = world.entries[-1]
    lie = told(granted, {"terms": applied.public["terms"][STAGE]})
    entries = [*world.entries[:size], said, applied, determined, lie, key]
    believed, vouched = believed_and_vouched(entries, rule=Rule("anyOf", AGENCIES))
    assert isinstance(believed, Allow)
    assert isinstance(vouched, Deny)
    assert vouched.reason is Reason.DEPLOYMENT_UNATTESTED


def test_a_reinstatement_without_an_appeal_changes_nothing() -> None:
    world = honest()
    (grant,) = world.state.grants
    removal = world.case(world.must(OpenRemoval(grant, "misuse", "why"))["case"])
    for agency in ("oncd", "ostp"):
        world.say(removal, agency)
    world.now_ms += 11 * DAY_MS
    world.tick()
    assert world.state.grants[grant].standing == "removed"
    public = {"grant": grant, "case": removal.id}
    lie = forged_entry("grant.reinstated", public, seq=len(world.entries), at_ms=world.now_ms)
    believed, vouched = (
        asked(folded([*world.entries, lie], table), at_ms=world.now_ms)
        for table in (Table(), VouchedTable(trust()))
    )
    assert isinstance(believed, Allow)
    assert isinstance(vouched, Deny)


def test_a_model_of_a_release_that_the_trust_file_does_not_name_is_not_served() -> None:
    world = honest()
    other = Releases(DEVELOPER, LOG, PINS, {"another": Floor(FLOOR, {MODEL: "demo"})})
    assert isinstance(asked(folded(world.entries, VouchedTable(other))), Deny)


def test_a_log_of_another_name_gives_nothing() -> None:
    other = Releases(DEVELOPER, LOG.replace("openai", "other"), PINS, trust().releases)
    table = VouchedTable(other)
    assert isinstance(asked(folded(honest().entries, table)), Deny)
    assert table.findings["grant.approved"] == 1


def test_another_officer_may_open_too() -> None:
    world = World.agreed()
    world.must(OpenStage(opening(world.state, signer=OTHER_OFFICER)))
    world.credential(world.admit())
    assert isinstance(believed_and_vouched(world.entries)[1], Allow)


ACTS = {
    *(
        "case.opened",
        "position.recorded",
        "case.determined",
        "case.warned",
        "case.waitlisted",
        "case.replied",
    ),
    *("case.offered", "release.applied", "stage.opened", "grant.approved", "grant.amended"),
    *("grant.suspended", "grant.resumed", "grant.ended", "grant.reinstated", "grant.proven"),
    *("grant.fallback_chosen", "credential.issued", "credential.revoked", "directive.issued"),
    "directive.lifted",
}
"""What random histories consist of."""
REFUSED = {"OpenAppeal: not_eligible", "Amend: not_eligible", "Reply: terms_changed"}
"""What is refused in them to applicants who come back under a tighter plan."""


def recused(floor: Floor, *words: str) -> VouchedTable:
    """A gateway's table after an application in which agencies said something, or recused themselves."""
    rule = {"mode": "approve", "grant": {"allOf": ["caisi", "oncd"]}}
    world = World.opened(stages=[stage(admission=rule)])
    case = world.submit()
    conditions = {"requestsPerMinute": 5}
    world.must(RecordPosition(position(case, "caisi", "approve-with-conditions", conditions=conditions)))
    world.all_say(case, *words)
    world.credential(case.grant)
    table = VouchedTable(Releases(DEVELOPER, LOG, PINS, {RELEASE: floor}))
    folded(world.entries, table)
    return table


def floor_of(*parties: str, without_recused: bool) -> Floor:
    return Floor(Rule("allOf", parties), {MODEL: "demo"}, without_recused)


def test_a_party_that_recused_itself_is_left_out_of_a_floor_that_says_so() -> None:
    table = recused(floor_of("caisi", "oncd", without_recused=True), "oncd recuse")
    assert not table.findings, table.told
    found = asked(table)
    assert isinstance(found, Allow)
    assert found.requests_per_minute == 5


@pytest.mark.parametrize(
    "floor",
    [
        floor_of("caisi", "oncd", without_recused=False),
        floor_of("caisi", "ostp", without_recused=True),
        floor_of("oncd", without_recused=True),
    ],
    ids=["it says nothing", "another is missing", "no one is left"],
)
def test_else_a_floor_stands_after_a_recusal(floor: Floor) -> None:
    table = recused(floor, "oncd recuse")
    assert not isinstance(asked(table), Allow)
    assert table.findings == {"grant.approved": 1}


@settings(max_examples=30)
@given(histories)
def test_whoever_checks_allows_no_more_and_an_honest_log_no_less(player: Player) -> None:
    """Less only where officers proceeded, or silence spoke: there is no signature for that."""
    agree(player)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_it_does_so_in_histories_in_which_every_act_occurs() -> None:
    made: Counter[str] = Counter()
    for seed in range(250):
        player = Player(seed)
        made.update({entry.type for entry in agree(player).entries})
        made.update(player.refusals)
    assert made.keys() >= ACTS | REFUSED, (ACTS | REFUSED) - made.keys()


def agree(player: Player) -> World:
    world = player.play()
    names = (MODEL, "gpt-5.6-mini", "gpt-6")
    release = Floor(Rule("anyOf", AGENCIES), dict.fromkeys(names, "demo"))
    trusted = Releases(DEVELOPER, LOG, PINS, {RELEASE: release, "secret": release})
    vouching = VouchedTable(trusted)
    folded(world.entries, vouching)
    unsigned_ = any(
        entry.public.get("proceeded") or entry.public.get("silent") or entry.public.get("unopposed")
        for entry in world.entries
    ) or any(entry.type == "case.proceeded" for entry in world.entries)
    now = Instant(world.state.at_ms, world.state.at_ms + 1)
    for key in {*player.keys, "unknown"}:
        for model in names:
            ask = Ask(hashlib.sha256(key.encode()).digest(), model, API)
            believed = decision.decide(ask, world.state.table, now)
            vouched = decision.decide(ask, vouching, now)
            assert vouched == believed or (unsigned_ and isinstance(vouched, Deny))
    return world
