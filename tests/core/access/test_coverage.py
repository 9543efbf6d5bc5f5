"""Preview counts what enforcement refuses: against `decide`, and against the literal model."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from random import Random
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sluicegate.core.access import decision
from sluicegate.core.access.coverage import KINDS, Customers, Usage, _subjects, coverage, everyone
from sluicegate.core.access.decision import Ask, Instant
from sluicegate.core.access.naming import NOBODY, Naming, VerifiedAssertion
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.rows import CredentialRow
from sluicegate.core.access.table import Table
from sluicegate.core.people.persons import SETTLED_BY, identifier
from sluicegate_record.log import canonical, times
from tests.core import reference_model
from tests.core.access.test_decision import ALICE, BOB, NAMINGS, ORGANIZATIONS, PROVIDERS, Facts, table_of
from tests.core.reference_model import Asking, InForce
from tests.worlds import API, AT_MS, CODEX, Rough

NOW = Instant(AT_MS, AT_MS)
MODELS = ("a", "b")
ACTIONS = [
    Facts.describe,
    Facts.register,
    Facts.register,
    Facts.leave,
    Facts.claim,
    Facts.claim,
    Facts.unclaim,
]


def population(seed: int) -> Facts:
    """Organizations with grants in force for two models on both surfaces, their keys and their members."""
    found = Facts(Random(seed))
    found.applied("r1", MODELS, announced=True, per_minute=None)
    public = {"release": "r1", "stage": "s1", "terms": found.terms["r1", "s1"]}
    found.rough.write("stage.opened", public)
    for organization in ORGANIZATIONS:
        for surface in (API, CODEX):
            granted = {
                "grant": f"grant_{len(found.grants)}",
                "release": "r1",
                "stage": "s1",
                "surface": surface,
                "terms": found.terms["r1", "s1"],
                "validFrom": times.format_time(AT_MS),
                "validUntil": None,
            }
            found.rough.write("grant.approved", granted, organization=organization)
            found.grants.append(str(granted["grant"]))
            found.holders[str(granted["grant"])] = organization
    for _ in range(found.random.randrange(5, 40)):
        found.random.choice([*ACTIONS, Facts.credential, Facts.credential, Facts.attest])(found)
    return found


def directed(found: Facts) -> InForce:
    """One directive that has begun, issued anywhere among what else happens, perhaps lifted in part."""
    named: dict[str, Any] = {}
    spec = {key: value for key, value in found.spec(named).items() if key not in _TIMES}
    public = {"directive": "d", "document": {"spec": spec}}
    found.rough.write("directive.issued", public, named=named)
    found.directives.append("d")
    for _ in range(found.random.randrange(4)):
        found.random.choice([*ACTIONS, Facts.lift_part])(found)
    (each,) = reference_model.in_force(found.rough.entries)
    return each


_TIMES = {"action", "conditions", "effective", "expires", "drain"}


def key_of(credential: CredentialRow) -> bytes:
    return hashlib.sha256(credential.id.encode()).digest()


def asking(found: Facts, credential: CredentialRow, named: Naming, model: str) -> Asking:
    ask = Ask(key_of(credential), model, credential.grant.surface, naming=named)
    (issued,) = [
        e for e in found.rough.entries
        if e.type == "credential.issued" and e.public["credential"] == credential.id
    ]  # fmt: skip
    return Asking(found.rough.entries, ask, issued, credential.grant.organization, PROVIDERS)


def refused(
    table: Table, found: Facts, each: InForce, credential: CredentialRow, named: Naming, model: str
) -> bool:
    """Whether a request is refused by the directive: by `decide`, and by the words."""
    asked = asking(found, credential, named, model)
    decided = decision.decide(asked.ask, table, NOW)
    by_directive = isinstance(decided, Deny) and decided.reason is Reason.DIRECTIVE_IN_FORCE
    assert by_directive is asked.covered(each, NOW)
    return by_directive


def reached(table: Table, each: InForce, surface: str) -> list[str]:
    surfaces = each.spec["surfaces"]
    on = surfaces == "all" or surface in surfaces
    return [model for model in MODELS if on and model in each.spec["models"] and model in table.offers]


def check_counts(seed: int) -> None:
    found = population(seed)
    each = directed(found)
    table = table_of(found.rough)
    directive = table.directives.get("d")
    if directive is None:
        event("lifted in parts until nothing was left")
        return
    keys = [credential for credential in table.credentials.values() if not credential.state.revoked]
    usage = [
        Usage(
            key.id, model, found.random.choice(NAMINGS), found.random.randrange(3), found.random.randrange(9)
        )
        for key in keys
        for model in MODELS
    ]
    told = coverage(table, directive, usage, AT_MS).to_json()
    expected = {kind: [0, 0] for kind in ("credentials", "streams", "requests")}
    for key in keys:
        models = reached(table, each, key.grant.surface)
        if models:
            answers = [refused(table, found, each, key, NOBODY, model) for model in models]
            is_refused = any(answers)
            expected["credentials"][is_refused] += 1
    for used in usage:
        key = table.credentials_by_id[used.credential]
        if used.model in reached(table, each, key.grant.surface):
            is_refused = refused(table, found, each, key, used.naming, used.model)
            expected["streams"][is_refused] += used.open
            expected["requests"][is_refused] += used.requests
    for kind, (spared, covered) in expected.items():
        assert (told["spared"][kind], told["covered"][kind]) == (spared, covered), kind
    event("some covered, some spared" if all(expected["credentials"]) else "all of them the same")
    check_members(table, found, each, told)
    check_sums(told)


def check_members(table: Table, found: Facts, each: InForce, told: dict[str, Any]) -> None:
    """A member is counted once, as covered if it is for a model however it is named best there."""
    certainly = possibly = total = 0
    for member, person in table.people.items():
        answers: list[set[bool]] = []
        names = [who for who, known in table.registry[person.organization].items() if known is person]
        for surface in (API, CODEX):
            for model in reached(table, each, surface):
                ways = [
                    (key, named)
                    for key in table.credentials.values()
                    if (key.grant.organization, key.grant.surface) == (person.organization, surface)
                    if key.member in (person, None) and not key.state.revoked
                    for named in _ways(table, person.organization, names if key.member is None else None)
                ]
                if ways:
                    answers.append({refused(table, found, each, key, named, model) for key, named in ways})
        if answers:
            total += 1
            certainly += any(answer == {True} for answer in answers)
            possibly += any(True in answer for answer in answers)
        assert member == person.id
    assert certainly <= told["covered"]["members"] <= possibly
    assert told["covered"]["members"] + told["spared"]["members"] == total


def _ways(table: Table, organization: str, names: list[bytes] | None) -> list[Naming]:
    """By signed assertion, where the organization has a provider; else by an identifier; None by the key."""
    if names is None:
        return [NOBODY]
    provider = next(iter(table.providers.get(organization, {})), None)
    if provider is None:
        return [Naming((name,)) for name in names]
    return [Naming(signed=VerifiedAssertion(provider, "kid", name, None)) for name in names]


def check_sums(told: dict[str, Any]) -> None:
    for kind in KINDS:
        for part in ("covered", "unknown"):
            assert sum(row[part][kind] for row in told["organizations"]) == told[part][kind]
        assert (
            sum(row[kind] for row in told["unknown"]["settledBy"])
            == told["unknown"][kind]
            <= told["covered"][kind]
        )
    assured = [row[side] for row in told["assurance"].values() for side in ("covered", "spared")]
    assert sum(assured) == told["covered"]["requests"] + told["spared"]["requests"]


@settings(max_examples=250)
@given(st.integers(0, 2**32))
def test_preview_counts_what_enforcement_refuses(seed: int) -> None:
    check_counts(seed)


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=4_000)
@given(st.integers(0, 2**32))
def test_preview_counts_what_enforcement_refuses_many_times(seed: int) -> None:
    check_counts(seed)


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_an_exception_spares_what_would_be_covered_without_it(seed: int) -> None:
    found = population(seed)
    directed(found)
    table = table_of(found.rough)
    directive = table.directives.get("d")
    if directive is None:
        return
    told = coverage(table, directive, (), AT_MS).to_json()
    for i, row in enumerate(told["exceptions"]):
        exempt = directive.exempt.pop(i)
        without = coverage(table, directive, (), AT_MS).to_json()
        directive.exempt.insert(i, exempt)
        assert row["exception"] == exempt.name
        assert row["spares"] == {kind: without["covered"][kind] - told["covered"][kind] for kind in KINDS}


# By hand


@pytest.fixture
def rough() -> Rough:
    """A government user and a company, each with one key for two models; Alice and Bob at the company."""
    found = Facts(Random(0))
    found.applied("r1", MODELS, announced=True, per_minute=None)
    rough = found.rough
    for number, (organization, sector) in enumerate(
        (("o1", None), ("o2", "government"), ("o3", "critical-infrastructure"))
    ):
        granted = {
            "grant": f"g{number}",
            "release": "r1",
            "stage": "s1",
            "surface": API,
            "terms": found.terms["r1", "s1"],
            "validFrom": times.format_time(AT_MS),
            "validUntil": None,
        }
        described = {"organization": organization, "name": f"t{number}", "registeredIn": "US"}
        described |= {"sector": sector} if sector else {}
        rough.write("grant.approved", granted, organization=organization)
        rough.write("organization.described", {}, described=described)
        digest = hashlib.sha256(f"c{number}".encode()).hexdigest()
        rough.write("credential.issued", {"credential": f"c{number}", "grant": f"g{number}"}, digest=digest)
    members = [
        {"member": "mem_a", "identifiers": [ALICE.hex()]},
        {"member": "mem_b", "identifiers": [BOB.hex()]},
    ]
    rough.write("members.registered", {}, organization="o1", members=members)
    claim = {"member": "mem_a", "issuer": "o1", "status": "us_citizen", "assurance": "organization"}
    rough.write("status.claimed", {}, claims=[claim])
    return rough


PERSONS = {"persons": {"definition": "d", "statuses": ["other"], "source": "s"}}


def told_of(rough: Rough, covers: Any, usage: list[Usage] | None = None, **changes: Any) -> dict[str, Any]:
    spec = {
        "models": list(MODELS),
        "surfaces": "all",
        "basis": {"kind": "order"},
        "covers": covers,
        **changes,
    }
    rough.write("directive.issued", {"directive": "d", "document": {"spec": spec}})
    table = table_of(rough)
    return coverage(table, table.directives["d"], usage or (), AT_MS).to_json()


def test_government_is_listed_first_then_critical_users_then_whoever_loses_most(rough: Rough) -> None:
    usage = [Usage("c0", "a", NOBODY, 500, 500), Usage("c2", "a", NOBODY, 0, 1)]
    told = told_of(rough, "everyone", usage)
    assert [row["organization"] for row in told["organizations"]] == ["o2", "o3", "o1"]
    assert [row["sector"] for row in told["organizations"]] == ["government", "critical-infrastructure", None]


def test_a_member_is_counted_once_over_several_models_and_keys(rough: Rough) -> None:
    digest = hashlib.sha256(b"more").hexdigest()
    rough.write("credential.issued", {"credential": "c9", "grant": "g0"}, digest=digest)
    told = told_of(rough, "everyone")
    assert told["covered"] == {
        "organizations": 3,
        "members": 2,
        "credentials": 4,
        "streams": 0,
        "requests": 0,
    }
    assert told["spared"] == {"organizations": 0, "members": 0, "credentials": 0, "streams": 0, "requests": 0}


def test_a_member_covered_for_one_model_is_covered(rough: Rough) -> None:
    told = told_of(rough, "everyone", models=["a"])
    assert told["covered"]["members"] == 2
    assert told_of(rough, "everyone", models=["c"])["covered"]["members"] == 0


def test_the_unknown_are_told_apart_with_what_settles_it(rough: Rough) -> None:
    usage = [
        Usage("c0", "a", Naming((ALICE,)), 1, 10),
        Usage("c0", "a", Naming((BOB,)), 2, 20),
        Usage("c0", "a", Naming((identifier("who"),)), 4, 40),
        Usage("c0", "a", NOBODY, 8, 80),
        Usage("c0", "a", Naming(is_forged=True), 16, 160),
        Usage("gone", "a", NOBODY, 1, 1),
    ]
    told = told_of(rough, PERSONS, usage)
    assert told["spared"]["requests"] == 10
    assert told["covered"]["requests"] == told["unknown"]["requests"] == 300
    by_why = {row["why"]: row for row in told["unknown"]["settledBy"]}
    assert {why: row["requests"] for why, row in by_why.items()} == {
        "not_claimed": 20,
        "not_registered": 40,
        "not_named": 80,
        "assertion_invalid": 160,
    }
    assert by_why["not_claimed"]["streams"] == 2
    assert by_why["not_claimed"]["members"] == 1
    assert by_why["not_named"]["credentials"] == 3
    assert all(row["text"] == SETTLED_BY[why] for why, row in by_why.items())


def test_nobody_is_told_apart_where_persons_do_not_matter(rough: Rough) -> None:
    told = told_of(rough, "everyone", [Usage("c0", "a", NOBODY, 1, 1)])
    assert told["unknown"]["settledBy"] == []
    assert told["unknown"]["requests"] == 0


def test_requests_are_counted_by_how_well_their_persons_are_known(rough: Rough) -> None:
    usage = [Usage("c0", "a", Naming((ALICE,)), 0, 10), Usage("c0", "a", NOBODY, 0, 5)]
    told = told_of(rough, PERSONS, usage)["assurance"]
    assert told["organization"] == {"covered": 0, "spared": 10}
    assert told["self-asserted"] == {"covered": 5, "spared": 0}
    assert told["credential"] == {"covered": 0, "spared": 0}


def test_a_revoked_key_and_another_surface_are_not_counted(rough: Rough) -> None:
    rough.write("credential.revoked", {"credential": "c0"})
    told = told_of(rough, "everyone")
    assert told["covered"]["credentials"] == 2
    assert told["covered"]["members"] == 0
    told = told_of(rough, "everyone", surfaces=[CODEX])
    assert told["covered"]["credentials"] == told["spared"]["credentials"] == 0


@pytest.mark.parametrize("how", ["removed", "expired", "surrendered"])
def test_who_held_a_grant_that_has_ended_is_not_counted(rough: Rough, how: str) -> None:
    rough.write("grant.suspended", {"grant": "g1"})
    rough.write("grant.ended", {"grant": "g0", "how": how})
    told = told_of(rough, "everyone", [Usage("c0", "a", NOBODY, 1, 2), Usage("c1", "a", NOBODY, 3, 4)])
    assert [row["organization"] for row in told["organizations"]] == ["o2", "o3"]
    assert told["covered"] == {
        "organizations": 2, "members": 0, "credentials": 2, "streams": 3, "requests": 4
    }  # fmt: skip


def test_only_the_organizations_asked_for_are_counted(rough: Rough) -> None:
    told_of(rough, "everyone")
    table = table_of(rough)
    usage = [Usage(name, "a", NOBODY, 1, 1) for name in ("c1", "c2")]
    first = [each for each in table.credentials.values() if each.grant.organization == "o1"]
    members = [each for each in table.people.values() if each.organization == "o1"]
    own = Customers(lambda: first, lambda: members, {"o1"})
    told = coverage(table, table.directives["d"], usage, AT_MS, own).to_json()
    assert told["covered"] == {
        "organizations": 1,
        "members": 2,
        "credentials": 1,
        "streams": 0,
        "requests": 0,
    }
    assert [row["organization"] for row in told["organizations"]] == ["o1"]


def test_identifiers_that_are_declared_to_name_no_one_are_told_apart(rough: Rough) -> None:
    """A bound key decides alone; where no one is named, the call stays covered."""
    bound = {"digest": hashlib.sha256(b"bound").hexdigest(), "member": "mem_a"}
    rough.write("credential.issued", {"credential": "c9", "grant": "g0"}, **bound)
    rough.write("identifiers.declared", {"grant": "g0"}, identifiers="none")
    stranger = Naming((identifier("device"),))
    usage = [
        Usage("c9", "a", stranger, 0, 1),
        Usage("c0", "a", stranger, 0, 10),
        Usage("c9", "a", Naming((BOB,)), 0, 100),
    ]
    told = told_of(rough, PERSONS, usage)
    assert (told["spared"]["requests"], told["covered"]["requests"]) == (1, 110)
    by_why = {row["why"]: row["requests"] for row in told["unknown"]["settledBy"] if row["requests"]}
    assert by_why == {"declared_none": 10, "not_claimed": 100}


def test_what_is_no_key_yet_or_no_more_is_not_counted(rough: Rough) -> None:
    issued = told_of(rough, "everyone")["covered"]["credentials"]
    keys = {"digests": canonical.b64(bytes(range(64))), "grants": ["g0"], "of": [0, 0]}
    rough.write("credentials.chunk", {"import": "imp", "part": 0, "count": 2}, keys=keys)
    assert told_of(rough, "everyone")["covered"]["credentials"] == issued
    whole = {"import": "imp", "parts": 1, "count": 2, "root": "00" * 32}
    rough.write("credentials.imported", whole)
    assert told_of(rough, "everyone")["covered"]["credentials"] == issued + 2
    rough.write("credential.expiring", {"credential": "imp.0"}, until=times.format_time(AT_MS))
    assert told_of(rough, "everyone")["covered"]["credentials"] == issued + 1


def test_keys_of_which_the_same_is_known_are_looked_at_once(rough: Rough) -> None:
    """However many there are: a count over a million keys of a hundred grants is of a hundred."""
    count = 500
    digests = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(count))
    keys = {"digests": canonical.b64(digests), "grants": ["g0"], "of": [0] * count}
    rough.write("credentials.chunk", {"import": "imp", "part": 0, "count": count}, keys=keys)
    rough.write("credentials.imported", {"import": "imp", "parts": 1, "count": count, "root": "00" * 32})
    bound = {"digest": hashlib.sha256(b"bound").hexdigest(), "member": "mem_a"}
    rough.write("credential.issued", {"credential": "c9", "grant": "g0"}, **bound)
    told = told_of(rough, PERSONS)
    assert told["covered"]["credentials"] == count + 3
    assert told["spared"]["credentials"] == 1
    table = table_of(rough)
    subjects = _subjects(table, table.directives["d"], everyone(table), AT_MS, nullcontext)
    assert sum(each.kind == "credentials" for each in subjects) < 20
