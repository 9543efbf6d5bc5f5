"""What a gateway tells of use: who has streams open, who called how often; what a drill would have cut."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import Any

from sluicegate.core.access.decision import Ask
from sluicegate.core.access.naming import Naming, VerifiedAssertion
from sluicegate.core.access.refusals import Deny
from sluicegate.core.people.persons import identifier
from sluicegate.gate import usage
from sluicegate.gate.engine import Engine, Flight
from sluicegate.gate.usage import STRANGER
from tests.clock import Clock
from tests.gate.world import MODEL, SURFACE, World, engine
from tests.worlds import committed

ANNE, BERT = identifier("anne"), identifier("bert")


def gateway() -> tuple[Engine, str]:
    """An engine, and a key whose organization has one member."""
    world = World.with_release()
    key = world.customer("org-1")
    members = [{"member": "mem_anne", "identifiers": [ANNE.hex()]}]
    world.write("members.registered", {}, organization="org-1", members=members)
    return engine(world, Clock()), key


def admitted(made: Engine, key: str, naming: Naming = Naming()) -> Flight:  # noqa: B008 - it is a value
    ask = Ask(sha256(key.encode()).digest(), MODEL, SURFACE, naming=naming)
    flight = made.admit(ask, lambda deny: None)
    assert not isinstance(flight, Deny)
    return flight


def told(made: Engine) -> list[tuple[dict[str, Any], int, int]]:
    return [(row["naming"], row["open"], row["total"]) for row in made.usage.report()]


def test_what_is_open_and_what_was_called_is_told_by_whom_it_named():
    made, key = gateway()
    flights = [admitted(made, key, Naming((ANNE,))) for _ in range(2)]
    admitted(made, key)
    made.land(flights[0])
    assert told(made) == [({"identifiers": [ANNE.hex()]}, 1, 2), ({}, 1, 1)]
    assert {row["model"] for row in made.usage.report()} == {MODEL}


def test_a_request_is_counted_out_once():
    made, key = gateway()
    flight = admitted(made, key)
    made.land(flight)
    made.land(flight)
    assert told(made) == [({}, 0, 1)]


def test_whatever_arrived_is_not_told_again_and_whatever_did_not_is():
    made, key = gateway()
    admitted(made, key)
    assert told(made) == [({}, 1, 1)]
    assert told(made) == [({}, 1, 1)]  # no answer came
    made.usage.arrived()
    assert told(made) == []
    admitted(made, key)
    assert told(made) == [({}, 2, 2)]
    admitted(made, key)
    made.usage.arrived()  # of the report before the third call
    assert told(made) == [({}, 3, 3)]


def test_identifiers_that_nobody_registered_are_one():
    made, key = gateway()
    for name in ("bert", "carl"):
        admitted(made, key, Naming((identifier(name),)))
    assert told(made) == [({"identifiers": [STRANGER.hex()]}, 2, 2)]


def by(subject: str, credential: str | None = None) -> Naming:
    return Naming(signed=VerifiedAssertion("idp", "kid", identifier(subject), credential))


def test_subjects_that_nobody_registered_are_one():
    made, key = gateway()
    for name in ("anne", "bert", "carl"):
        admitted(made, key, by(name))
    signed = {"provider": "idp", "kid": "kid", "credential": None}
    assert told(made) == [
        ({"signed": {**signed, "subject": ANNE.hex()}}, 1, 1),
        ({"signed": {**signed, "subject": STRANGER.hex()}}, 2, 2),
    ]


def test_assertions_for_other_keys_are_one():
    made, key = gateway()
    for credential in ("cred_8", "cred_9"):
        admitted(made, key, by("anne", credential))
    assert [(open_, total) for _, open_, total in told(made)] == [(2, 2)]
    (row,) = made.usage.report()
    assert Naming.from_json(row["naming"]) == by("anne", "")


def test_what_is_too_much_to_be_told_apart_is_told_without_its_person(monkeypatch):
    monkeypatch.setattr(usage, "KEYS_MAX", usage.SHARES)
    made, key = gateway()
    admitted(made, key, Naming((ANNE,)))
    admitted(made, key, Naming((BERT,)))
    admitted(made, key, Naming((ANNE,)))
    assert told(made) == [({"identifiers": [ANNE.hex()]}, 2, 2), ({}, 1, 1)]


def test_an_organization_with_many_persons_takes_no_others_part(monkeypatch):
    monkeypatch.setattr(usage, "KEYS_MAX", 2 * usage.SHARES)
    world = World.with_release()
    keys = [world.customer(f"org-{at}") for at in range(usage.SHARES + 1)]
    for at in range(len(keys)):
        members = [
            {"member": f"mem_{at}_{name}", "identifiers": [identifier(name).hex()]} for name in "abcdefgh"
        ]
        world.write("members.registered", {}, organization=f"org-{at}", members=members)
    made = engine(world, Clock())
    for key in keys:
        for name in "abcdefgh":
            admitted(made, key, Naming((identifier(name),)))
    named = Counter(row["credential"] for row in made.usage.report() if row["naming"])
    assert list(named.values()) == [2] * usage.SHARES + [1]


FLAGGED = (Naming(is_forged=True), Naming(is_session=True), Naming((ANNE,), is_unclear=True))


def test_a_naming_comes_back_as_it_was_told():
    for naming in (Naming(), Naming((ANNE, BERT)), *FLAGGED):
        assert Naming.from_json(naming.to_json()) == naming


def test_a_drill_counts_what_it_would_have_cut_and_cuts_nothing():
    world = World.with_release()
    made = engine(world, Clock())
    covered, spared = world.customer("org-1"), world.customer("org-2")
    made.advance(world.take())
    flights = [admitted(made, key) for key in (covered, covered, spared)]
    spec = {
        "models": [MODEL],
        "surfaces": "all",
        "basis": {"kind": "order"},
        "covers": committed(["org-1"]),
    }
    public = {"directive": "dr-1", "document": {"metadata": {"drill": True}, "spec": spec}}
    world.write("directive.issued", public, named={"covers": {"organizations": ["org-1"]}})
    made.advance(world.take())
    assert made.cut_by == {"dr-1": 2}
    assert [flight.refused for flight in flights] == [None, None, None]
    world.write("directive.lifted", {"directive": "dr-1", "case": None})
    made.advance(world.take())
    assert (made.table.drills, made.cut_by) == ({}, {"dr-1": 2})
