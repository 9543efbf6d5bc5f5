from __future__ import annotations

import copy
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.core.access.leases import LEASE_MS_DEFAULT
from sluicegate.core.access.table import Table
from sluicegate.core.directives.cover import DirectiveIndex, Requester, Whom
from sluicegate.core.lifecycle.applications import Accept, Reply
from sluicegate.core.lifecycle.grants import (
    ChooseFallback,
    OpenRemoval,
    ProveGrant,
    ResumeGrant,
    SurrenderGrant,
    SuspendGrant,
)
from sluicegate.core.lifecycle.releases import CloseStage
from sluicegate.errors import VerificationFailed
from sluicegate_record import entries
from sluicegate_record.directives.status import Assurance
from sluicegate_record.entries import Entry
from sluicegate_record.log import canonical, times
from sluicegate_record.log.leaf import VERSION, Entropy
from tests.core import reference_model
from tests.core.access.test_decision import Facts
from tests.core.lifecycle import test_designations as designated
from tests.forging import forged, gate_value, openings
from tests.worlds import (
    API,
    AT_MS,
    DAY_MS,
    LOG,
    MODEL,
    Rough,
    World,
    covering,
    directive_value,
    plan_value,
    stage,
    stage_closing,
)

MODELS, SURFACES, ORGANIZATIONS = ("a", "b", "c"), ("api", "codex"), ("o1", "o2", "o3")


def table_of(entries: list[Entry]) -> Table:
    table = Table()
    for entry in entries:
        table.apply(entry)
    return table


# Directives in force: looked up by whom they could cover


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_looking_up_finds_each_directive_that_covers(seed: int) -> None:
    """Issued, changed, lifted in any order: the index finds those that cover, each asked by itself."""
    found = Facts.of(seed)
    table = table_of(found.rough.entries)
    for model in (*MODELS, "d"):
        directed = table.directed.get(model, DirectiveIndex())
        for surface, organization, person in product((*SURFACES, "web"), (*ORGANIZATIONS, "o4"), WHOMS):
            whoms = [person._replace(person=member) for member in (None, *table.people)]
            entity = table.entity(organization)
            for whom in whoms:
                asked = (model, surface, entity, [whom])
                persons = [whom.person] if whom.person is not None else []
                candidates = directed.candidates(entity, persons)
                listed = {each.name for each in candidates if each.covers(*asked)}
                by_hand = [each for each in table.directives.values() if each.covers(*asked)]
                assert listed == {each.name for each in by_hand}
    in_force = [each.issued.public["directive"] for each in reference_model.in_force(found.rough.entries)]
    assert set(table.directives) <= set(in_force)


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_a_row_that_is_not_marked_is_named_by_no_directive(seed: int) -> None:
    """Rows of replaced grants, revoked credentials and removed members too; and each mark goes in time."""
    found = Facts.of(seed)
    table = table_of(found.rough.entries)
    for row in table.credentials.values():
        organization = Requester(row.grant.organization, None)
        in_force = [each for index in table.directed.values() for each in index.candidates(organization, ())]
        named = [each for each in in_force if organization.id in each.selector.organizations]
        assert row.grant.directed is any(not each.selector.is_open for each in named)
        if row.member is not None:
            is_gone = table.people.get(row.member.id) is not row.member
            assert row.state.directed is (is_gone or _names_member(table, row.member.id))


def _names_member(table: Table, member: str) -> bool:
    selectors = [each.selector for each in table.directives.values()]
    return any(member in selector.members and not selector.is_open for selector in selectors)


WHOMS = [
    Whom(None, frozenset(statuses), assurance)
    for statuses in ({"unknown"}, {"other"}, {"us_citizen", "other"})
    for assurance in (Assurance.SELF_ASSERTED, Assurance.CREDENTIAL)
]


@pytest.mark.parametrize("seed", range(20))
def test_what_has_ended_leaves_nothing_behind(seed: int) -> None:
    found = Facts.of(seed)
    for _ in range(30):
        found.suspend()
        found.describe()
    table = table_of(found.rough.entries)
    for name in found.random.sample(sorted(table.directives), len(table.directives)):
        table.apply(found.rough.write("directive.lifted", {"directive": name}))
    assert table.directives == {}
    assert table.directed == {}


def spec(covers: Any, **more: Any) -> dict[str, Any]:
    return {"models": ["a"], "surfaces": "all", "basis": {"kind": "order"}, "covers": covers, **more}


def issued(rough: Rough, covers: Any, name: str = "d", named: Any = None, **more: Any) -> None:
    gate = {"named": named} if named is not None else {}
    public = {"directive": name, "document": {"spec": spec(covers, **more)}}
    rough.write("directive.issued", public, **gate)


def described(rough: Rough, organization: str, name: str = "tag", country: str = "US") -> None:
    said = {"organization": organization, "name": name, "registeredIn": country}
    rough.write("organization.described", {}, described=said)


ANNEX = {"annexes": ["x"]}


def test_whoever_comes_later_under_a_name_in_an_annex_is_covered() -> None:
    rough = Rough()
    issued(rough, ANNEX, named={"annex.x": {"names": ["tag"]}})
    described(rough, "o1", "other")
    table = table_of(rough.entries)
    assert covering(table, "a", API, "o1") == []
    described(rough, "o2")
    table.apply(rough.entries[-1])
    assert covering(table, "a", API, "o2") == ["d"]
    described(rough, "o1")
    table.apply(rough.entries[-1])
    assert covering(table, "a", API, "o1") == ["d"]


def test_whoever_comes_later_under_an_excepted_name_is_excepted() -> None:
    rough = Rough()
    exception: dict[str, Any] = {"except": ANNEX}
    issued(rough, "everyone", named={"annex.x": {"names": ["tag"]}}, **exception)
    table = table_of(rough.entries)
    assert covering(table, "a", API, "o1") == ["d"]
    described(rough, "o1")
    table.apply(rough.entries[-1])
    assert covering(table, "a", API, "o1") == []


def test_whoever_comes_later_under_a_name_that_was_lifted_is_left_out() -> None:
    rough = Rough()
    issued(rough, "everyone")
    scope = {"organizations": {"count": 1, "commitment": "c"}}
    public = {"directive": "d", "case": "c", "scope": scope}
    rough.write("directive.lifted", public, named={"lift": {"names": ["tag"]}})
    described(rough, "o1")
    table = table_of(rough.entries)
    assert covering(table, "a", API, "o1") == []
    assert covering(table, "a", API, "o2") == ["d"]


def test_names_that_nobody_bears_outlast_other_directives() -> None:
    """Nothing that ends beside a directive of strangers alone takes its place in the table away."""
    rough = Rough()
    issued(rough, ANNEX, named={"annex.x": {"names": ["tag"]}})
    issued(rough, "everyone", "other")
    rough.write("directive.lifted", {"directive": "other"})
    described(rough, "o1")
    table = table_of(rough.entries)
    assert covering(table, "a", API, "o1") == ["d"]
    table.apply(rough.write("directive.lifted", {"directive": "d"}))
    assert table.directed == {}


@pytest.mark.parametrize("beside", [False, True])
def test_a_directive_of_strangers_alone_can_be_lifted(beside: bool) -> None:
    rough = Rough()
    issued(rough, ANNEX, named={"annex.x": {"names": ["tag"]}})
    if beside:
        issued(rough, "everyone", "other")
        rough.write("directive.lifted", {"directive": "other"})
    rough.write("directive.lifted", {"directive": "d"})
    table = table_of(rough.entries)
    assert not table.directives
    assert not table.directed


def test_whoever_comes_under_a_name_of_a_directive_over_persons_is_free_when_it_ends() -> None:
    rough = Rough()
    persons = {"definition": "d", "statuses": ["other"], "source": "s"}
    issued(rough, {**ANNEX, "persons": persons}, named={"annex.x": {"names": ["tag"]}})
    described(rough, "o1")
    rough.write("directive.lifted", {"directive": "d"})
    assert table_of(rough.entries).directed == {}


def test_who_was_covered_under_a_former_name_stays_covered() -> None:
    rough = Rough()
    issued(rough, ANNEX, named={"annex.x": {"names": ["tag"]}})
    described(rough, "o1")
    described(rough, "o1", "renamed")
    assert covering(table_of(rough.entries), "a", API, "o1") == ["d"]


def test_a_directive_lifted_in_parts_ends_with_the_last_one() -> None:
    rough = Rough()
    issued(rough, "everyone", models=["a", "b"])
    for model in ("a", "b"):
        assert "d" in table_of(rough.entries).directives
        public = {"directive": "d", "case": model, "scope": {"models": [model]}}
        rough.write("directive.lifted", public)
    table = table_of(rough.entries)
    assert not table.directives
    assert not table.directed


def test_a_drill_refuses_nobody() -> None:
    rough = Rough()
    document = {"spec": spec("everyone"), "metadata": {"name": "d", "drill": True}}
    rough.write("directive.issued", {"directive": "d", "document": document})
    table = table_of(rough.entries)
    assert table.drills.keys() == {"d"}
    assert not table.directives
    assert not table.directed
    table.apply(rough.write("directive.lifted", {"directive": "d", "case": None}))
    assert table.drills == {}


# The lease


def test_the_lease_is_the_smallest_of_the_plans_in_force() -> None:
    world = World()
    assert world.state.table.lease_ms == LEASE_MS_DEFAULT
    world.apply(plan_value("one", models=["a"], leaseMs=20_000))
    assert world.state.table.lease_ms == 20_000
    world.apply(plan_value("two", models=["b"], leaseMs=700))
    assert world.state.table.lease_ms == 700
    world.apply(plan_value("two", models=["b"], leaseMs=30_000))
    assert world.state.table.lease_ms == 20_000


def test_the_longest_lease_ever_allowed_is_remembered() -> None:
    world = World()
    assert world.state.table.leases.longest_ms == LEASE_MS_DEFAULT
    world.apply(plan_value(leaseMs=60_000))
    world.apply(plan_value(leaseMs=500))
    assert world.state.table.leases.longest_ms == 60_000


# Offers


def test_a_model_that_a_plan_no_longer_has_is_no_longer_offered() -> None:
    world = World()
    world.apply(plan_value("one", models=["a", "b"]))
    world.apply(plan_value("one", models=["b"]))
    assert world.state.table.offers.keys() == {"b"}
    world.apply(plan_value("two", models=["a"]))
    assert world.state.table.offers["a"].release == "two"


# What cannot be folded


def whole() -> list[Entry]:
    """An entry of every type that the table reads, and most others, as the rules make them."""
    world = World.opened(
        announced=False,
        stages=[stage(seats=2)],
        designations=designated.DESIGNATIONS,
        scrutiny={"elevated": {"seats": 1}},
    )
    grant = world.admit()
    credential = world.credential(grant)[1]
    world.direct("d-1", ["org-1"])
    world.direct("d-2")
    world.revoke(credential)
    world.lift("d-1")
    for command in (ProveGrant(grant, "g"), SuspendGrant(grant, "misuse"), ResumeGrant(grant)):
        world.must(command)
    world.must(ChooseFallback(grant, True))
    amendment = world.case(world.must(world.amend(grant, renew=True))["application"])
    removal = world.case(world.must(OpenRemoval(grant, "misuse", "why"))["case"])
    for agency in ("oncd", "ostp"):
        world.say(amendment, agency)
        world.say(removal, agency)
    world.now_ms += 10 * DAY_MS
    world.tick()
    appeal = world.case(world.must(world.appeal(removal.id, "why"))["case"])
    world.say(appeal, "caisi")
    world.admit("org-2")
    waiting = world.submit("org-3")
    for word in ("approve", "abstain", "object"):
        world.say(waiting, "ostp", word)
    world.must(Reply(waiting.id, "because"))
    for agency in ("ostp", "oncd"):
        world.say(waiting, agency)
    world.must(SurrenderGrant(grant))
    world.must(Accept(waiting.id))
    world.submit("org-4")
    designated.designate(world)
    world.say(designated.reconsidered(world), "oncd")
    world.must(CloseStage(stage_closing()))
    _about_persons(world, grant)
    return world.entries


def _about_persons(world: World, grant: str) -> None:
    """What directives look at, in entries that a test writes; and a directive that looks at all of it."""
    member, held = "mem_aaaaaaaaaaaaaaaa", "cred_held"
    row = {"member": member, "issuer": "self", "status": "other", "assurance": "self-asserted"}
    until = times.format_time(AT_MS + 90 * DAY_MS)
    attested = {"statuses": ["us_citizen"], "models": [MODEL], "excluded": [member], "until": until}
    persons = {"definition": "d", "statuses": ["other"], "source": "s", "assurance": "organization"}
    covers = {"persons": {**persons, "unknown": "spared"}, "annexes": ["x"], "registeredIn": ["US"]}
    document = directive_value("d-3", covers=covers, expires=until, drain="PT5S")
    document["metadata"]["log"] = LOG
    document["spec"]["except"] = {"annexes": ["y"], "persons": persons}
    gone = {"members": ["mem_bbbbbbbbbbbbbbbb"], "organization": "org-2"}
    registered = [
        {"member": each, "identifiers": [each.encode().hex()]} for each in (member, gone["members"][0])
    ]
    named = {"annex.x": {"names": ["tag"], "persons": [member]}, "annex.y": {"organizations": ["org-2"]}}
    lifted = {"directive": "d-3", "case": "c", "scope": {"annexes": ["y"], "surfaces": [API]}}
    world.write("organization.described", {}, described=DESCRIBED)
    world.write("members.registered", {}, organization="org-2", members=registered)
    world.write("status.claimed", {}, claims=[{**row, "until": until}])
    world.write("status.revoked", {}, claims=[{"member": member, "issuer": "self"}])
    world.write("members.removed", {}, **gone)
    public = {"credential": held, "grant": grant}
    world.write("credential.issued", public, digest="ab" * 32, member=member)
    world.write("credential.attested", {"credential": held}, attested=attested)
    world.write("credential.expiring", {"credential": held}, until=until)
    world.write("identifiers.declared", {"credential": held}, identifiers="none")
    keys = {"digests": canonical.b64(bytes(range(64))), "grants": [grant], "of": [0, 0]}
    for name in ("imp_1", "imp_2"):
        world.write("credentials.chunk", {"import": name, "part": 0, "count": 2}, keys=keys)
    world.write("credentials.discarded", {"import": "imp_1"})
    whole = {"import": "imp_2", "parts": 1, "count": 2, "root": "00" * 32}
    world.write("credentials.imported", whole)
    for name in ("d-3", "d-4"):
        issuing = {"directive": name, "issuer": "oncd", "document": document}
        world.write("directive.issued", issuing, named=named)
    world.write("directive.lifted", lifted)
    world.write("directive.expired", {"directive": "d-4"})


DESCRIBED = {"organization": "org-2", "name": "tag", "registeredIn": "US", "sector": "government"}


WHOLE = whole()


def test_every_type_that_the_table_reads_is_in_the_example() -> None:
    read = {name for name in entries.TYPES if name.startswith(("release", "stage", "grant", "credential"))}
    read |= {name for name in entries.TYPES if name.startswith(("members", "status", "designation"))}
    read |= {"directive.issued", "directive.lifted", "case.opened", "case.determined"}
    read |= {"case.waitlisted", "case.replied", "directive.expired"}
    read |= {"organization.described"}
    assert {entry.type for entry in WHOLE} >= read - UNREAD


UNREAD = {
    "stage.lacking",
    "stage.foreseen",
    "stage.ramped",
    "release.closed",
    "grant.moved",
    "grant.differed",
}
"""Types that change no decision of this example: who applies hears of a lack, and holders of what is
foreseen, or of what ran otherwise; how ramps and grants move has tests of its own, and what a closing ends is
law.
"""


@pytest.mark.parametrize("at", [0, 5, 100])
def test_an_entry_out_of_order_is_refused(at: int) -> None:
    table = table_of(WHOLE[:3])
    entry = forged("key.pinned", {}, seq=at, at_ms=AT_MS)
    with pytest.raises(VerificationFailed, match="cannot follow"):
        table.apply(entry)
    assert table.size == 3


@pytest.mark.parametrize("type_", ["", "grant.sparkled", "GRANT.APPROVED", "grant.approved "])
def test_an_entry_of_an_unknown_type_stops_the_fold(type_: str) -> None:
    table = table_of(WHOLE)
    entry = forged(type_, {}, seq=len(WHOLE), at_ms=AT_MS)
    with pytest.raises(VerificationFailed, match="unknown to this build"):
        table.apply(entry)
    assert table.size == len(WHOLE)


@pytest.mark.parametrize("v", [0, VERSION + 1])
def test_an_entry_of_an_unknown_version_stops_the_fold(v: int) -> None:
    table = table_of(WHOLE)
    entry = forged("grant.ended", {}, seq=len(WHOLE), at_ms=AT_MS, v=v)
    with pytest.raises(VerificationFailed, match=f"version {v} is unknown to this build"):
        table.apply(entry)
    assert table.size == len(WHOLE)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(found for step, child in children for found in _paths(child, (*path, step)))]


def _damaged(entry: Entry, random: Random) -> Entry:
    """The entry with something missing, or something else in its place, somewhere in what the fold reads."""
    public: Any = copy.deepcopy(dict(entry.public))
    gate: Any = {name: opened.value() for name, opened in entry.gate.items()}
    both = {"public": public, "gate": gate}
    path = random.choice([path for path in _paths(both) if len(path) > 1])
    at: Any = both
    for step in path[:-1]:
        at = at[step]
    if random.random() < 0.3 and isinstance(at, dict):
        del at[path[-1]]
    else:
        at[path[-1]] = random.choice([None, "", "x", 0, -1, True, [], {}, ["x"], {"x": 1}, [[]], [{}]])
    opened = openings(gate, Entropy(bytes(32)))
    return forged(entry.type, public, opened, seq=entry.seq, at_ms=entry.at_ms, by=entry.by)


@settings(max_examples=500)
@given(st.integers(0, 2**32), st.sampled_from(range(len(WHOLE))))
def test_a_damaged_entry_is_folded_or_refused_but_is_no_surprise(seed: int, at: int) -> None:
    """The log's key signs it, so a gateway must not fall over it; nor may the control plane."""
    state = World(started=False).state
    for entry in WHOLE[:at]:
        state.apply(entry)
    table = table_of(WHOLE[:at])
    damaged = _damaged(WHOLE[at], Random(seed))
    for folding in (table, state):
        try:
            folding.apply(damaged)
        except VerificationFailed:
            continue
    assert table.size in (at, at + 1)


@pytest.mark.parametrize(
    "type_",
    sorted(
        {
            *("release.applied", "case.opened", "case.determined", "stage.opened"),
            *("grant.approved", "credential.issued", "credential.revoked"),
            *("directive.issued", "directive.lifted", "directive.expired"),
            *("organization.described", "members.registered", "members.removed"),
            *("grant.fallback_chosen",),
            *("status.claimed", "status.revoked", "credential.attested"),
        }
    ),
)
def test_an_entry_without_its_parts_is_refused(type_: str) -> None:
    entry = forged(type_, {}, seq=len(WHOLE), at_ms=AT_MS)
    table = table_of(WHOLE)
    with pytest.raises(VerificationFailed):
        table.apply(entry)
    assert table.size == len(WHOLE)


@pytest.mark.parametrize("type_", ["release.applied", "case.opened", "grant.approved", "credential.issued"])
def test_an_entry_that_came_without_its_gate_part_is_refused(type_: str) -> None:
    """As an auditor has it: enough to check the log, not to decide by it."""
    (first, *_) = [entry for entry in WHOLE if entry.type == type_ and entry.gate]
    table = table_of(WHOLE[: first.seq])
    with pytest.raises(VerificationFailed, match="hidden behind its commitment"):
        table.apply(entries.read(first.leaf))


@pytest.mark.parametrize("said", [1, "true", "false", [True], {}, None])
def test_a_fallback_is_chosen_by_a_plain_true_alone(said: Any) -> None:
    rough = Rough()
    rough.entries += WHOLE
    (grant, *_) = [entry.public["grant"] for entry in WHOLE if entry.type == "grant.approved"]
    for value, falls_back in ((True, True), (said, False)):
        rough.write("grant.fallback_chosen", {"grant": grant, "fallback": value})
        assert table_of(rough.entries).grants_by_id[grant].falls_back is falls_back


def test_a_directive_that_came_without_its_names_covers_everyone() -> None:
    (issued, *_) = [entry for entry in WHOLE if entry.type == "directive.issued" and entry.gate]
    table = table_of(WHOLE[: issued.seq])
    assert covering(table, MODEL, API, "anybody") == []
    table.apply(entries.read(issued.leaf))
    assert covering(table, MODEL, API, "anybody") == [issued.public["directive"]]


# What the public part tells


def test_an_unannounced_plan_is_in_no_public_part() -> None:
    world = World.opened(models=["gpt-secret"], announced=False, title=None)
    world.credential(world.admit())
    world.submit("org-2")
    assert b"gpt-secret" not in b"".join(entry.leaf for entry in world.entries)
    (applied,) = [entry for entry in world.entries if entry.type == "release.applied"]
    assert "plan" not in applied.public
    assert gate_value(applied, "plan")["spec"]["models"][0]["id"] == "gpt-secret"


def test_an_announced_plan_is_public() -> None:
    world = World.opened()
    (applied,) = [entry for entry in world.entries if entry.type == "release.applied"]
    assert applied.public["plan"]["spec"]["models"][0]["id"] == MODEL
    assert applied.gate == {}


def test_no_leaf_names_an_applicant() -> None:
    world = World.opened()
    world.credential(world.admit("org-1"))
    world.direct("d-1", ["org-1"])
    leaves = b"".join(entry.leaf for entry in world.entries)
    assert b"Example org-1" not in leaves
    assert b"org-1" not in leaves
