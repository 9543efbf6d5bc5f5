from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.core import events
from sluicegate.core.events import Draft, Entropy, Entry
from sluicegate.core.lifecycle.applications import Accept, Amend, OpenAppeal, Reply
from sluicegate.core.lifecycle.grants import (
    ChooseFallback,
    OpenRemoval,
    ProveGrant,
    ResumeGrant,
    SurrenderGrant,
    SuspendGrant,
)
from sluicegate.core.table import LEASE_MS_DEFAULT, Directive, Table
from sluicegate.errors import VerificationFailed
from tests.worlds import AT_MS, DAY_MS, MODEL, Rough, World, plan_value, stage

MODELS, SURFACES, ORGANIZATIONS = ("a", "b", "c"), ("api", "codex"), ("o1", "o2", "o3")


def table_of(entries: list[Entry]) -> Table:
    table = Table()
    for entry in entries:
        table.apply(entry)
    return table


# Suspensions


def suspend(rough: Rough, name: str, random: Random) -> Entry:
    def some(of: tuple[str, ...]) -> list[str]:
        return random.sample(of, random.randrange(1, len(of) + 1))

    everyone = random.random() < 0.25
    spec = {
        "models": some(MODELS),
        "surfaces": random.choice(["all", some(SURFACES)]),
        "basis": {"kind": random.choice(["order", "agreed"])},
        "covers": "everyone" if everyone else {"organizations": {}},
    }
    public = {"directive": name, "document": {"spec": spec}}
    if everyone:
        return rough.write(events.DIRECTIVE_ISSUED, public)
    return rough.write(events.DIRECTIVE_ISSUED, public, organizations=some(ORGANIZATIONS))


def literally(entry: Entry) -> Directive:
    """What the document says, read again by hand."""
    spec = entry.public["document"]["spec"]
    return Directive(
        name=entry.public["directive"],
        by_order=spec["basis"]["kind"] == "order",
        models=frozenset(spec["models"]),
        surfaces=None if spec["surfaces"] == "all" else frozenset(spec["surfaces"]),
        organizations=None if spec["covers"] == "everyone" else frozenset(entry.gate_value("organizations")),
    )


@given(st.integers(0, 2**32), st.integers(1, 8))
def test_looking_up_is_asking_each_directive_in_force(seed: int, count: int) -> None:
    """Issued and lifted in any order: the compiled look-up finds one exactly if one literally covers."""
    random, rough, table = Random(seed), Rough(), Table()
    in_force: dict[str, Directive] = {}
    for i in range(3 * count):
        if in_force and random.random() < 0.4:
            name = random.choice(sorted(in_force))
            del in_force[name]
            table.apply(rough.write(events.DIRECTIVE_LIFTED, {"directive": name}))
        else:
            entry = suspend(rough, f"d{i}", random)
            table.apply(entry)
            in_force[f"d{i}"] = literally(entry)
        for ask in [
            (m, s, o) for m in (*MODELS, "d") for s in (*SURFACES, "web", "*") for o in (*ORGANIZATIONS, "o4")
        ]:
            covering = {name for name, directive in in_force.items() if directive.covers(*ask)}
            found = table.covering(*ask)
            assert (found is None) is (not covering)
            assert found is None or (found.name in covering and found == in_force[found.name])
    assert table.directives == in_force


def test_what_is_lifted_leaves_nothing_behind() -> None:
    random, rough, table = Random(1), Rough(), Table()
    for i in range(50):
        table.apply(suspend(rough, f"d{i}", random))
    for i in random.sample(range(50), 50):
        table.apply(rough.write(events.DIRECTIVE_LIFTED, {"directive": f"d{i}"}))
    assert table.directives == {}
    assert table.suspensions == {}


def test_a_directive_that_covers_nobody_covers_nobody() -> None:
    directive = Directive("d", True, frozenset(), None, frozenset())
    assert not directive.covers("a", "api", "o1")


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
    assert world.state.table.longest_lease_ms == LEASE_MS_DEFAULT
    world.apply(plan_value(leaseMs=60_000))
    world.apply(plan_value(leaseMs=500))
    assert world.state.table.longest_lease_ms == 60_000


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
    world = World.opened(announced=False, stages=[stage(seats=2)])
    grant = world.admit()
    credential = world.credential(grant)[1]
    world.direct("d-1", ["org-1"])
    world.direct("d-2")
    world.revoke(credential)
    world.lift("d-1")
    for command in (ProveGrant(grant, "g"), SuspendGrant(grant, "misuse"), ResumeGrant(grant)):
        world.must(command)
    world.must(ChooseFallback(grant, True))
    amendment = world.state.cases[world.must(Amend(grant, renew=True))["application"]]
    removal = world.state.cases[world.must(OpenRemoval(grant, "misuse", "why"))["case"]]
    for agency in ("oncd", "ostp"):
        world.say(amendment, agency)
        world.say(removal, agency)
    world.now_ms += 10 * DAY_MS
    world.tick()
    appeal = world.state.cases[world.must(OpenAppeal(removal.id, "why"))["case"]]
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
    return world.entries


WHOLE = whole()


def test_every_type_that_the_table_reads_is_in_the_example() -> None:
    read = {name for name in events.TYPES if name.startswith(("release", "stage", "grant", "credential"))}
    read |= {events.DIRECTIVE_ISSUED, events.DIRECTIVE_LIFTED, events.CASE_OPENED, events.CASE_DETERMINED}
    read |= {events.CASE_WAITLISTED, events.CASE_REPLIED}
    assert {entry.type for entry in WHOLE} >= read


@pytest.mark.parametrize("at", [0, 5, 100])
def test_an_entry_out_of_order_is_refused(at: int) -> None:
    table = table_of(WHOLE[:3])
    entry = events.place(Draft("key.pinned", "keys"), seq=at, at_ms=AT_MS, by="b", command="c")
    with pytest.raises(VerificationFailed, match="cannot follow"):
        table.apply(entry)
    assert table.size == 3


@pytest.mark.parametrize("type_", ["", "grant.sparkled", "GRANT.APPROVED", "grant.approved "])
def test_an_entry_of_an_unknown_type_stops_the_fold(type_: str) -> None:
    table = table_of(WHOLE)
    entry = events.place(Draft(type_, "s"), seq=len(WHOLE), at_ms=AT_MS, by="b", command="c")
    with pytest.raises(VerificationFailed, match="unknown to this build"):
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
    entropy = Entropy(bytes(32))
    openings = {name: events.opening(value, entropy) for name, value in gate.items()}
    draft = Draft(entry.type, entry.stream, public, openings)
    return events.place(draft, seq=entry.seq, at_ms=entry.at_ms, by=entry.by, command=entry.id)


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
            *(events.RELEASE_APPLIED, events.CASE_OPENED, events.CASE_DETERMINED, events.STAGE_OPENED),
            *(events.GRANT_APPROVED, events.CREDENTIAL_ISSUED, events.CREDENTIAL_REVOKED),
            *(events.DIRECTIVE_ISSUED, events.DIRECTIVE_LIFTED, events.GRANT_FALLBACK_CHOSEN),
        }
    ),
)
def test_an_entry_without_its_parts_is_refused(type_: str) -> None:
    entry = events.place(Draft(type_, "s"), seq=len(WHOLE), at_ms=AT_MS, by="b", command="c")
    table = table_of(WHOLE)
    with pytest.raises(VerificationFailed):
        table.apply(entry)
    assert table.size == len(WHOLE)


@pytest.mark.parametrize(
    "type_", [events.RELEASE_APPLIED, events.CASE_OPENED, events.GRANT_APPROVED, events.CREDENTIAL_ISSUED]
)
def test_an_entry_that_came_without_its_gate_part_is_refused(type_: str) -> None:
    """As an auditor has it: enough to check the log, not to decide by it."""
    (first, *_) = [entry for entry in WHOLE if entry.type == type_ and entry.gate]
    table = table_of(WHOLE[: first.seq])
    with pytest.raises(VerificationFailed, match="without its gate part"):
        table.apply(events.read(first.leaf))


@pytest.mark.parametrize("said", [1, "true", "false", [True], {}, None])
def test_a_fallback_is_chosen_by_a_plain_true_alone(said: Any) -> None:
    rough = Rough()
    rough.entries += WHOLE
    (grant, *_) = [entry.public["grant"] for entry in WHOLE if entry.type == events.GRANT_APPROVED]
    for value, falls_back in ((True, True), (said, False)):
        rough.write(events.GRANT_FALLBACK_CHOSEN, {"grant": grant, "fallback": value})
        assert table_of(rough.entries).grants_by_id[grant].falls_back is falls_back


def test_a_directive_without_its_organizations_is_refused_and_does_not_cover_nobody() -> None:
    (issued, *_) = [entry for entry in WHOLE if entry.type == events.DIRECTIVE_ISSUED]
    table = table_of(WHOLE[: issued.seq])
    with pytest.raises(VerificationFailed):
        table.apply(events.read(issued.leaf))
    assert table.size == issued.seq


# What the public part tells


def test_an_unannounced_plan_is_in_no_public_part() -> None:
    world = World.opened(models=["gpt-secret"], announced=False, title=None)
    world.credential(world.admit())
    world.submit("org-2")
    assert b"gpt-secret" not in b"".join(entry.leaf for entry in world.entries)
    (applied,) = [entry for entry in world.entries if entry.type == events.RELEASE_APPLIED]
    assert "plan" not in applied.public
    assert applied.gate_value("plan")["spec"]["models"][0]["id"] == "gpt-secret"


def test_an_announced_plan_is_public() -> None:
    world = World.opened()
    (applied,) = [entry for entry in world.entries if entry.type == events.RELEASE_APPLIED]
    assert applied.public["plan"]["spec"]["models"][0]["id"] == MODEL
    assert applied.gate == {}


def test_no_leaf_names_an_applicant() -> None:
    world = World.opened()
    world.credential(world.admit("org-1"))
    world.direct("d-1", ["org-1"])
    leaves = b"".join(entry.leaf for entry in world.entries)
    assert b"Example org-1" not in leaves
    assert b"org-1" not in leaves
