"""`decide` against a literal reading of DESIGN 4.3, over random tables and asks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sluicegate.core.access import decision, naming
from sluicegate.core.access.decision import Allow, Ask, Instant, Now
from sluicegate.core.access.naming import Naming, VerifiedAssertion
from sluicegate.core.access.programmes import AskedProgramme
from sluicegate.core.access.refusals import REASONS, Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.people import persons
from sluicegate_record.log import times
from sluicegate_record.terms.programmes import FIELD, PROFILE
from tests.core import reference_model
from tests.forging import gate_value, public_of
from tests.worlds import (
    API,
    AT_MS,
    CODEX,
    DAY_MS,
    MODEL,
    RELEASE,
    Rough,
    World,
    digest,
    looser,
    plan_value,
    raw_plan,
    stage,
)

CHANGES = (
    *("grant.suspended", "grant.resumed", "grant.ended", "grant.reinstated"),
    "grant.proven",
)
ORGANIZATIONS, SURFACES, STAGES = ("o1", "o2", "o3"), (API, CODEX), ("s1", "s2")
TAGS, COUNTRIES, STATUSES = ("t1", "t2", "t3"), ("US", "DE"), ("us_citizen", "us_protected_person", "other")
ALICE, BOB = persons.identifier("alice"), persons.identifier("bob")
ISSUERS = ("self", "organization", "idp")
PROVIDERS = {("o1", "idp"): {"kid"}, ("o2", "idp"): {"kid"}}
NAMINGS = (
    *(naming.NOBODY, naming.NOBODY, Naming((ALICE,)), Naming((BOB,)), Naming((ALICE, BOB))),
    *(Naming((persons.identifier("stranger"),)), Naming(is_forged=True), Naming((ALICE,), is_forged=True)),
    *(
        Naming(signed=VerifiedAssertion("idp", kid, ALICE, for_))
        for kid in ("kid", "other")
        for for_ in (None, "cred_0")
    ),
    Naming((BOB,), VerifiedAssertion("idp", "kid", ALICE, None)),
)
HEADER, OWN_PROFILE = "x-access-program", persons.identifier("profile-1").hex()
PROGRAMMES = {
    "cyber": {
        "standard": {},
        "blue": {"asks": {"sso": True}},
        "red": {"asks": {"sso": True, "personNamed": True}},
        "black": {"travels": HEADER},
        "b": {"travels": PROFILE},
    }
}
LABELS = ("cyber: b", "cyber: black", "cyber: blue", "cyber: red")
PROGRAMMES_ASKED = (
    AskedProgramme(FIELD, "cyber", "blue"),
    AskedProgramme(FIELD, "cyber", "red"),
    AskedProgramme(FIELD, "Cyber", "red"),
    AskedProgramme(FIELD, "cyber", "black"),
    AskedProgramme(HEADER, "", "black"),
    AskedProgramme(HEADER, "", "blue"),
    AskedProgramme(PROFILE, "", OWN_PROFILE),
    AskedProgramme(PROFILE, "", persons.identifier("profile-2").hex()),
)
MODELS = {"r1": ("a", "b"), "r2": ("c",)}
NOW = Instant(AT_MS, AT_MS)


@dataclass
class Facts:
    """Writes random entries that a table can fold, and remembers what they speak of."""

    random: Random
    rough: Rough = field(default_factory=Rough)
    terms: dict[tuple[str, str], str] = field(default_factory=dict)
    grants: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    open_cases: dict[tuple[str, str, str], str] = field(default_factory=dict)
    cases: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    granted: dict[str, tuple[str, str]] = field(default_factory=dict)
    directives: list[str] = field(default_factory=list)
    holders: dict[str, str] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    claims: list[tuple[str, str]] = field(default_factory=list)
    models: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stated: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, seed: int) -> Facts:
        found = cls(Random(seed))
        found.applied("r1", MODELS["r1"], announced=True, per_minute=60)
        public = {"release": "r1", "stage": "s1", "terms": found.terms["r1", "s1"]}
        found.rough.write("stage.opened", public)
        for _ in range(found.random.randrange(8, 45)):
            found.random.choice(ACTIONS)(found)
        return found

    def some(self, of: Sequence[str]) -> list[str]:
        return self.random.sample(of, self.random.randrange(1, len(of) + 1))

    def other(self) -> str:
        """A model to fall back to, if there is one."""
        return self.random.choice(["old", "a", "b", "c"])

    def apply(self) -> None:
        release = self.random.choice(sorted(MODELS))
        announced, per_minute = self.random.random() < 0.7, self.random.choice([None, 60])
        self.applied(release, self.some(MODELS[release]), announced=announced, per_minute=per_minute)

    def applied(
        self,
        release: str,
        models: Sequence[str],
        *,
        announced: bool,
        per_minute: int | None,
        fallback: str | None = None,
        at_most: str = "",
    ) -> None:
        programmes = self.random.choice([[*PROGRAMMES["cyber"]], ["blue", "red"], ["standard", "black"]])
        safe = self.random.choice(["safe", "safe", "safer"])
        at_most = at_most or self.random.choice(["", "", "", "", "P1D", "P2D"])
        plan = raw_plan(
            release,
            {model: f"up-{model}" for model in models},
            {name: {"requestsPerMinute": per_minute} for name in STAGES},
            announced=announced,
            onRefusal={"fallbackModel": fallback or self.other()} if per_minute else None,
            programmes={"cyber": {name: PROGRAMMES["cyber"][name] for name in programmes}},
            deployments={"atMost": at_most} if at_most else None,
        )
        for each in plan["spec"]["models"]:
            each["safeguards"] = digest(safe)
        self.models[release] = plan["spec"]["models"]
        said = f"{sorted(models)}{per_minute}{sorted(programmes)}{safe}{at_most}"
        terms = {name: digest(f"{release}{name}{said}") for name in STAGES}
        public: dict[str, Any] = {"release": release, "announced": announced, "terms": terms}
        before = {name: self.terms.get((release, name)) for name in STAGES}
        tightened = [name for name in STAGES if before[name] not in (None, terms[name])]
        if tightened and self.random.random() < 0.5:
            public["tightened"] = {name: before[name] for name in tightened}
        self.terms |= {(release, name): found for name, found in terms.items()}
        if announced:
            self.rough.write("release.applied", public | {"plan": plan})
        else:
            self.rough.write("release.applied", public, plan=plan)

    def state_deployment(self, release: str = "", *, wholly: bool = False) -> None:
        """The developer says what serves a release: what its newest plan names, or something else."""
        release = release or self.random.choice(sorted(self.models))
        serves = []
        for model in self.models[release]:
            said = {name: model[name] for name in ("upstream", "digest", "safeguards")} | {
                "model": model["id"]
            }
            said["surfaces"] = list(SURFACES) if wholly else self.some(SURFACES)
            if not wholly and self.random.random() < 0.2:
                said[self.random.choice(["upstream", "digest", "safeguards"])] = digest("other")
            serves.append(said)
        ago = self.random.choice([0, 1, DAY_MS - 1, DAY_MS, 2 * DAY_MS - 2])
        public = {
            "release": release,
            "serves": serves,
            "signedAt": times.format_time(AT_MS - ago),
            "until": times.format_time(AT_MS + self.random.choice([1, 2, 9, DAY_MS])),
            "digest": digest(f"deployment {len(self.rough.entries)}"),
        }
        self.rough.write("deployment.attested", public)
        self.stated.append((release, str(public["digest"])))

    def end_deployment(self) -> None:
        if self.stated:
            release, stated = self.random.choice(self.stated)
            self.rough.write("deployment.ended", {"release": release, "deployment": stated})

    def open(self) -> None:
        (release, name), terms = self.random.choice(sorted(self.terms.items()))
        self.rough.write("stage.opened", {"release": release, "stage": name, "terms": terms})

    def grant(self) -> None:
        release, name = self.random.choice(sorted(self.terms))
        self.granted_to(self.random.choice(ORGANIZATIONS), release, self.random.choice(SURFACES), name)

    def granted_to(
        self, organization: str, release: str, surface: str, name: str = "s1", *, lasting: bool = False
    ) -> None:
        terms = self.terms[release, name]
        begins, ends = self.random.choice([-5, 0, 0, 1]), self.random.choice([None, None, 1, 2, 9])
        if lasting:
            begins, ends = -5, self.random.choice([None, 9, 20])
        public = {
            "grant": f"grant_{len(self.grants)}",
            "release": release,
            "stage": name,
            "surface": surface,
            "terms": terms,
            "validFrom": times.format_time(AT_MS + begins),
            "validUntil": times.format_time(AT_MS + ends) if ends is not None else None,
            "conditions": self.random.choice([{}, {"requestsPerMinute": 7}]),
            **self.held(organization),
        }
        self.rough.write("grant.approved", public, organization=organization)
        self.grants.append(str(public["grant"]))
        self.holders[self.grants[-1]] = organization
        self.granted[self.grants[-1]] = (release, name)

    def held(self, organization: str) -> dict[str, Any]:
        """Programmes of a grant, some of them for some members alone."""
        if self.random.random() < 0.3:
            return {}
        members = [member for member, of in self.members.items() if of == organization]
        held: list[dict[str, Any]] = []
        for name in self.some(["blue", "red", "black", "b"]):
            each: dict[str, Any] = {"concern": "cyber", "name": name}
            if name == "b":
                each["holders"] = [OWN_PROFILE]
            elif members and self.random.random() < 0.5:
                each["holders"] = self.some(members)
            held.append(each)
        return {"programmes": held}

    def credential(self, grant: str = "") -> None:
        if self.grants:
            name = f"cred_{len(self.credentials)}"
            public = {"credential": name, "grant": grant or self.random.choice(self.grants)}
            gate: dict[str, Any] = {"digest": hashlib.sha256(name.encode()).hexdigest()}
            of = self.holders[public["grant"]]
            mine = [member for member, organization in self.members.items() if organization == of]
            if mine and self.random.random() < 0.4:
                gate["member"] = self.random.choice(mine)
            self.rough.write("credential.issued", public, **gate)
            self.credentials.append(name)

    def revoke(self) -> None:
        if self.credentials:
            revoked = {"credential": self.random.choice(self.credentials)}
            self.rough.write("credential.revoked", revoked)

    def case(self) -> None:
        key = (
            self.random.choice(ORGANIZATIONS),
            self.random.choice(sorted(MODELS)),
            self.random.choice(SURFACES),
        )
        if key not in self.open_cases:
            case = f"case_{len(self.rough.entries)}"
            public = {"kind": "admission", "case": case, "release": key[1], "surface": key[2]}
            self.rough.write("case.opened", public, organization=key[0])
            self.open_cases[key] = case
            self.cases[case] = key

    def again(self) -> None:
        """A case that was determined is under review again."""
        ended = [case for case in sorted(self.cases) if self.cases[case] not in self.open_cases]
        if ended:
            case = self.random.choice(ended)
            type_ = self.random.choice(["case.waitlisted", "case.replied"])
            self.rough.write(type_, {"case": case})
            self.open_cases[self.cases[case]] = case

    def change(self) -> None:
        """Something becomes of a grant."""
        if not self.grants:
            return
        grant = self.random.choice(self.grants)
        type_ = self.random.choice([*CHANGES, "grant.amended"])
        public: dict[str, Any] = {"grant": grant}
        if type_ in ("grant.suspended", "grant.resumed") and self.random.random() < 0.7:
            public["programmes"] = sorted(self.some(LABELS))
        if type_ == "grant.ended":
            public["how"] = self.random.choice(["removed", "expired", "surrendered"])
        if type_ == "grant.amended":
            where = self.granted[grant]
            public |= {
                "terms": self.terms[where],
                "conditions": self.random.choice([{}, {"requestsPerMinute": 5}]),
            }
            public["validUntil"] = self.random.choice([None, times.format_time(AT_MS + 3)])
            public |= self.held(self.holders[grant])
        self.rough.write(type_, public)

    def choose(self, grant: str = "") -> None:
        """The holder of a grant chooses whether the fallback answers."""
        if self.grants:
            grant = grant or self.random.choice(self.grants)
            chosen = {"grant": grant, "fallback": self.random.random() < 0.8}
            self.rough.write("grant.fallback_chosen", chosen)

    def determine(self) -> None:
        if self.open_cases:
            case = self.open_cases.pop(self.random.choice(sorted(self.open_cases)))
            self.rough.write("case.determined", {"case": case, "outcome": "denied"})

    # Whom directives look at

    def describe(self) -> None:
        described = {
            "organization": self.random.choice(ORGANIZATIONS),
            "name": self.random.choice(TAGS),
            "registeredIn": self.random.choice(COUNTRIES),
            "also": self.random.sample(TAGS, self.random.choice((0, 0, 1, 2))),
        }
        self.rough.write("organization.described", {}, described=described)

    def register(self) -> None:
        member, organization = f"mem_{len(self.rough.entries)}", self.random.choice(ORGANIZATIONS)
        row = {"member": member, "identifiers": self.some([ALICE.hex(), BOB.hex()])}
        self.rough.write("members.registered", {}, organization=organization, members=[row])
        self.members[member] = organization

    def leave(self) -> None:
        if self.members:
            member = self.random.choice(sorted(self.members))
            organization = self.members.pop(member)
            self.rough.write("members.removed", {}, organization=organization, members=[member])
            self.claims = [each for each in self.claims if each[0] != member]

    def claim(self) -> None:
        if self.members:
            member, issuer = self.random.choice(sorted(self.members)), self.random.choice(ISSUERS)
            levels = {"self": 0, "organization": 1, "idp": 2}
            row = {
                "member": member,
                "issuer": issuer,
                "status": self.random.choice([*STATUSES, "unknown"]),
                "assurance": reference_model.LEVELS[levels[issuer]],
            }
            if self.random.random() < 0.4:
                row["until"] = times.format_time(AT_MS + self.random.randrange(-1, 6))
            self.rough.write("status.claimed", {}, claims=[row])
            self.claims.append((member, issuer))

    def unclaim(self) -> None:
        if self.claims:
            member, issuer = self.random.choice(self.claims)
            self.rough.write("status.revoked", {}, claims=[{"member": member, "issuer": issuer}])

    def attest(self) -> None:
        if self.credentials:
            attested: dict[str, Any] | None = {
                "statuses": self.some(STATUSES),
                "until": times.format_time(AT_MS + self.random.choice([1, 3, 99])),
            }
            if attested and self.random.random() < 0.3:
                attested["models"] = self.some(["a", "b", "c"])
            if attested and self.members and self.random.random() < 0.4:
                attested["excluded"] = self.some(sorted(self.members))
            if self.random.random() < 0.1:
                attested = None
            public = {"credential": self.random.choice(self.credentials)}
            self.rough.write("credential.attested", public, attested=attested)

    # Directives

    def resolved(self, *, people: bool) -> dict[str, list[str]]:
        """What names come to: pseudonyms, tags, members of an annex."""
        found = {"organizations": self.some(ORGANIZATIONS), "names": self.some(TAGS)}
        if people and self.members:
            found["persons"] = self.some(sorted(self.members))
        return {kind: found[kind] for kind in self.some(sorted(found))}

    def whom(self, part: str, named: dict[str, Any]) -> dict[str, Any]:
        """A selector of some kinds, as it is signed; what it commits to goes into `named`."""
        stated: dict[str, Any] = {}
        for kind in self.some(["organizations", "registeredIn", "persons", "members", "annexes"])[:2]:
            if kind == "organizations":
                stated[kind] = {"count": 1, "commitment": "c"}
                named.setdefault(part, {}).update(self.resolved(people=False))
            elif kind == "registeredIn":
                stated[kind] = self.some(COUNTRIES)
            elif kind == "persons":
                stated[kind] = {"definition": "d", "statuses": self.some(STATUSES), "source": "s"}
                if self.random.random() < 0.5:
                    stated[kind]["assurance"] = self.random.choice(reference_model.LEVELS)
                if part == "covers" and self.random.random() < 0.5:
                    stated[kind]["unknown"] = self.random.choice(["covered", "spared"])
            elif kind == "members" and self.members and "persons" not in stated:
                stated["persons"] = {"count": 1, "commitment": "c"}
                named.setdefault(part, {})["persons"] = self.some(sorted(self.members))
            elif kind == "annexes":
                annex = self.random.choice(["x", "y"])
                stated[kind] = [annex]
                named.setdefault(f"annex.{annex}", self.resolved(people=True))
        return stated or {"registeredIn": ["US"]}

    def spec(self, named: dict[str, Any]) -> dict[str, Any]:
        spec: dict[str, Any] = {
            "models": self.some(["a", "b", "c"]),
            "surfaces": self.random.choice(["all", self.some(SURFACES)]),
            "basis": {"kind": self.random.choice(["order", "agreed"])},
            "covers": "everyone" if self.random.random() < 0.2 else self.whom("covers", named),
        }
        if self.random.random() < 0.4:
            spec["except"] = self.whom("except", named)
        if self.random.random() < 0.3:
            spec["action"] = "restrict"
            spec["conditions"] = self.random.choice(
                [
                    {"requestsPerMinute": 3},
                    {"personNamed": True},
                    {"requestsPerMinute": 90, "personNamed": True},
                ]
            )
        if self.random.random() < 0.3:
            spec["effective"] = times.format_time(AT_MS + self.random.choice([-1_000, -5, 1, 3]))
        if self.random.random() < 0.2:
            spec["drain"] = "PT1S"
        if self.random.random() < 0.2:
            spec["expires"] = times.format_time(AT_MS + self.random.choice([1, 2, 9]))
        return spec

    def suspend(self) -> None:
        name, named = f"d{len(self.rough.entries)}", dict[str, Any]()
        public: dict[str, Any] = {"directive": name, "document": {"spec": self.spec(named), "metadata": {}}}
        if self.directives and self.random.random() < 0.25:
            public["replaces"] = self.directives.pop(self.random.randrange(len(self.directives)))
            public["directive"] = name = self.random.choice([name, public["replaces"]])
        elif self.random.random() < 0.1:
            public["document"]["metadata"]["drill"] = True
        self.rough.write("directive.issued", public, **({"named": named} if named else {}))
        if "drill" not in public["document"]["metadata"]:
            self.directives.append(name)

    def suspend_as_before(self) -> None:
        """A directive as builds before wrote it, over organizations alone."""
        name = f"d{len(self.rough.entries)}"
        spec = {
            "models": self.some(["a", "b", "c"]),
            "surfaces": "all",
            "basis": {"kind": "order"},
            "covers": {"organizations": {"count": 1, "commitment": "c"}},
        }
        public = {"directive": name, "document": {"spec": spec}}
        self.rough.write("directive.issued", public, organizations=self.some(ORGANIZATIONS))
        self.directives.append(name)

    def lift(self) -> None:
        if self.directives:
            name = self.directives.pop(self.random.randrange(len(self.directives)))
            type_ = self.random.choice(["directive.lifted", "directive.expired"])
            self.rough.write(type_, {"directive": name})

    def lift_part(self) -> None:
        """Models, surfaces, organizations or an annex; what is spent is over."""
        standing = [each for each in reference_model.in_force(self.rough.entries) if each.issued.gate]
        names = {each.issued.public["directive"]: each for each in standing}
        names = {name: each for name, each in names.items() if name in self.directives}
        if not names:
            return
        name = self.random.choice(sorted(names))
        annexes = [part[6:] for part in _annexes(names[name])]
        scope: dict[str, Any] = {}
        for kind in self.some(["models", "surfaces", "organizations", *(["annexes"] if annexes else [])])[:2]:
            choices: dict[str, Any] = {
                "models": self.some(names[name].spec["models"]),
                "surfaces": self.some(SURFACES),
                "organizations": {"count": 1, "commitment": "c"},
                "annexes": annexes[:1],
            }
            scope[kind] = choices[kind]
        gate = {"named": {"lift": self.resolved(people=False)}} if "organizations" in scope else {}
        public = {"directive": name, "case": f"case_{len(self.rough.entries)}", "scope": scope}
        self.rough.write("directive.lifted", public, **gate)
        if self.is_spent(names[name], scope):
            self.directives.remove(name)

    def is_spent(self, each: reference_model.InForce, last: dict[str, Any]) -> bool:
        """Whether every model of a directive has been lifted for everyone on all surfaces."""
        scopes = [*(lift.public["scope"] for lift in each.lifts), last]
        whole = [set(scope["models"]) for scope in scopes if scope.keys() == {"models"}]
        return set(each.spec["models"]) <= set().union(*whole)


def _annexes(each: reference_model.InForce) -> list[str]:
    gate = each.issued.gate
    return (
        [part for part in gate_value(each.issued, "named") if part.startswith("annex.")]
        if "named" in gate
        else []
    )


ACTIONS: list[Callable[[Facts], None]] = [
    *(Facts.apply, Facts.open, Facts.grant, Facts.grant, Facts.grant, Facts.credential, Facts.credential),
    *(Facts.credential, Facts.revoke, Facts.case, Facts.case, Facts.determine, Facts.suspend, Facts.lift),
    *(Facts.suspend, Facts.suspend_as_before, Facts.lift_part, Facts.lift_part, Facts.again, Facts.change),
    *(Facts.choose, Facts.choose, Facts.state_deployment, Facts.state_deployment, Facts.end_deployment),
    *(Facts.describe, Facts.register, Facts.register, Facts.register, Facts.leave, Facts.claim, Facts.claim),
    *(Facts.claim, Facts.unclaim, Facts.attest, Facts.attest),
]


facts = st.builds(Facts.of, st.integers(0, 2**32))


def table_of(rough: Rough) -> Table:
    table = Table()
    for (organization, provider), keys in PROVIDERS.items():
        table.providers[organization] = {provider: cast(Any, SimpleNamespace(keys=keys))}
    for entry in rough.entries:
        table.apply(entry)
    return table


def asks(found: Facts) -> list[Ask]:
    """Every key, an unknown one and none, each model, each surface; each names its person in some way."""
    digests = [hashlib.sha256(name.encode()).digest() for name in found.credentials]
    drawn = Random(len(found.rough.entries))
    return [
        Ask(
            each,
            model,
            surface,
            naming=drawn.choice(NAMINGS),
            in_flight=drawn.random() < 0.2,
            programmes=tuple(drawn.sample(PROGRAMMES_ASKED, drawn.choice([0, 0, 1, 1, 2]))),
        )
        for each in [*digests, bytes(32), None]
        for model in ("a", "b", "c", "nothing")
        for surface in SURFACES
    ]


instants = st.sampled_from([0, 1, -1, 2, 5, 10]).flatmap(
    lambda early: st.integers(0, 2).map(lambda width: Instant(AT_MS + early, AT_MS + early + width))
)
WITHOUT_TIME = (Reason.GATE_STALE, Reason.GATE_CLOCK_DIFFERS)
"""Why a gateway may have no time to decide by."""
nows = instants | st.sampled_from(WITHOUT_TIME)


def check_literally(found: Facts, now: Instant) -> None:
    table = table_of(found.rough)
    for ask in asks(found):
        expected = reference_model.decide(found.rough.entries, ask, now, PROVIDERS)
        event(expected.reason or "allowed")
        decided = decision.decide(ask, table, now)
        assert reference_model.agrees(expected, decided), (expected, decided, ask)


@settings(max_examples=250)
@given(facts, instants)
def test_decide_is_the_literal_reading(found: Facts, now: Instant) -> None:
    check_literally(found, now)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@settings(max_examples=40_000)
@given(facts, instants)
def test_decide_is_the_literal_reading_a_million_times(found: Facts, now: Instant) -> None:
    """A table has some 28 asks."""
    check_literally(found, now)


@given(facts, nows)
def test_an_unreadable_request_is_refused_after_its_key(found: Facts, now: Now) -> None:
    table = table_of(found.rough)
    for ask in asks(found):
        unreadable = replace(ask, unread=Deny(Reason.REQUEST_INVALID, "two models"))
        decided = decision.decide(unreadable, table, now)
        assert reference_model.agrees(
            reference_model.decide(found.rough.entries, unreadable, now, PROVIDERS), decided
        )
        assert isinstance(decided, Deny)
        assert decided.reason is not Reason.REQUEST_INVALID or decided.text == "two models"


def last_named(found: Facts, grant: str) -> list[Any]:
    """The programmes that the newest entry of a grant names."""
    given = [e for e in found.rough.entries if e.type in ("grant.approved", "grant.amended")]
    named: list[list[Any]] = [
        public_of(e).get("programmes", []) for e in given if public_of(e)["grant"] == grant
    ]
    return named[-1]


@given(facts, instants)
def test_no_request_has_a_programme_that_its_grant_lacks(found: Facts, now: Instant) -> None:
    """Where the model itself is allowed, each way to ask for each programme is; a yes is the same yes."""
    table = table_of(found.rough)
    for ask in (replace(each, programmes=()) for each in asks(found)):
        plain = decision.decide(ask, table, now)
        if not isinstance(plain, Allow):
            continue
        named = {each["name"] for each in last_named(found, plain.grant.id)}
        for asked in PROGRAMMES_ASKED:
            asking = replace(ask, programmes=(asked,))
            decided = decision.decide(asking, table, now)
            literal = reference_model.decide(found.rough.entries, asking, now, PROVIDERS)
            assert reference_model.agrees(literal, decided), (literal, decided, asking)
            if isinstance(decided, Allow):
                event(f"allowed by {asked.way}")
                assert decided == plain
                is_counted = asked.way != PROFILE or table.in_profiles(ask.model)
                assert not is_counted or ("b" if asked.way == PROFILE else asked.name) in named
            else:
                check_lacked(decided)


def stated(seed: int) -> Facts:
    """A table whose newest plan asks for a statement: there is one, and something happens after that."""
    found = Facts.of(seed)
    found.applied("r1", MODELS["r1"], announced=True, per_minute=60, at_most="P1D")
    public = {"release": "r1", "stage": "s1", "terms": found.terms["r1", "s1"]}
    found.rough.write("stage.opened", public)
    for organization in ORGANIZATIONS[:2]:
        found.granted_to(organization, "r1", API, lasting=True)
        found.credential(found.grants[-1])
    if found.random.random() < 0.8:
        found.state_deployment("r1", wholly=found.random.random() < 0.8)
    for _ in range(found.random.randrange(3)):
        found.random.choice([Facts.state_deployment, Facts.end_deployment, Facts.apply, Facts.change])(found)
    return found


@settings(max_examples=200)
@given(st.builds(stated, st.integers(0, 2**32)), instants)
def test_no_request_is_allowed_without_a_statement_where_its_terms_ask_for_one(
    found: Facts, now: Instant
) -> None:
    """A yes rests on a statement that holds, and lasts no longer; without the question it is the same yes."""
    check_literally(found, now)
    entries = found.rough.entries
    table, unasked = table_of(found.rough), table_of(found.rough)
    for row in unasked.grants_by_id.values():
        row.agreed = None
    for ask in asks(found):
        decided = decision.decide(ask, table, now)
        before = decision.decide(ask, unasked, now)
        if not isinstance(decided, Allow):
            is_by_it = decided.reason is Reason.DEPLOYMENT_UNATTESTED
            # where only a directive refuses both, a licence helps no one who lacks a statement
            loses = isinstance(before, Deny) and decided == before._replace(may_be_excepted=False)
            assert decided == before or is_by_it or loses, (decided, before)
            event("refused by the statement alone" if is_by_it and isinstance(before, Allow) else "")
            continue
        terms = decided.grant.terms
        stated = reference_model.stated_until(entries, terms, ask.model, ask.surface)
        is_asked = reference_model.asks_for_statements(entries, terms)
        if is_asked:
            event("allowed with a statement")
            assert any(now.late_ms < ms for ms in stated)
            assert decided.until_ms is not None
            assert decided.until_ms <= max(stated)
        assert isinstance(before, Allow)
        assert decided._replace(until_ms=before.until_ms, grant=before.grant) == before


def check_lacked(deny: Deny) -> None:
    """A refusal says which programme, and why; what is active is not what it refuses."""
    if deny.reason is Reason.PERSON_REQUIRED:
        return
    lacked = deny.programme
    assert (deny.reason, deny.status) == (Reason.PROGRAMME_NOT_GRANTED, 403)
    assert lacked is not None
    assert repr(lacked.asked) in deny.text
    assert lacked.asked not in lacked.active or lacked.why in ("elsewhere", "not_held")
    event(lacked.why)


@given(facts, nows)
def test_the_usable_models_are_those_that_would_be_allowed(found: Facts, now: Now) -> None:
    table = table_of(found.rough)
    for ask in (replace(each, programmes=()) for each in asks(found)):
        if ask.digest is not None:
            listed = decision.usable_models(ask.digest, ask.surface, table, now, ask.naming)
            allowed = isinstance(decision.decide(replace(ask, in_flight=False), table, now), Allow)
            assert (ask.model in listed) is allowed
            assert listed == sorted(set(listed))


@given(facts, nows)
def test_a_decision_changes_nothing_and_is_given_again(found: Facts, now: Now) -> None:
    table = table_of(found.rough)
    before = repr(vars(table))
    first = [decision.decide(ask, table, now) for ask in asks(found)]
    assert [decision.decide(ask, table, now) for ask in asks(found)] == first
    assert repr(vars(table)) == before


@given(facts, st.sampled_from(WITHOUT_TIME))
def test_nothing_is_allowed_without_a_lease(found: Facts, why: Reason) -> None:
    table = table_of(found.rough)
    for ask in asks(found):
        decided = decision.decide(ask, table, why)
        assert isinstance(decided, Deny)
        assert decided.reason in (Reason.CREDENTIAL_MISSING, why)


@given(facts, st.integers(-2, 10), st.integers(0, 5), st.integers(0, 5))
def test_knowing_the_time_less_well_never_allows_more(found: Facts, at: int, before: int, after: int) -> None:
    table = table_of(found.rough)
    known = Instant(AT_MS + at, AT_MS + at)
    vague = Instant(AT_MS + at - before, AT_MS + at + after)
    for ask in asks(found):
        if isinstance(decision.decide(ask, table, vague), Allow):
            assert isinstance(decision.decide(ask, table, known), Allow)


def granted(answer: Allow) -> tuple[str, str, str, str]:
    """What is allowed, by which grant and stage."""
    return answer.grant.id, answer.model, answer.upstream, answer.stage


def narrower(after: Allow, before: Allow | Deny) -> bool:
    """Whether what is allowed was allowed before, for as long and as much at least."""
    if not isinstance(before, Allow) or granted(after) != granted(before):
        return False
    bounds = zip(after[3:5], before[3:5], strict=True)
    return all(was is None or (now is not None and now <= was) for now, was in bounds)


@settings(max_examples=200)
@given(facts, nows)
def test_a_directive_never_allows_more(found: Facts, now: Now) -> None:
    before = table_of(found.rough)
    found.random.choice([Facts.suspend_as_before, Facts.suspend])(found)
    if "replaces" in found.rough.entries[-1].public:
        return
    after = table_of(found.rough)
    for ask in asks(found):
        decided = decision.decide(ask, after, now)
        if isinstance(decided, Allow):
            assert narrower(decided, decision.decide(ask, before, now))


@settings(max_examples=200)
@given(facts, instants)
def test_an_exception_never_covers_more(found: Facts, now: Instant) -> None:
    """The same directive with one more exception allows whatever it allowed without."""
    named: dict[str, Any] = {}
    spec = found.spec(named)
    more = found.whom("except", named)
    kinds = spec.get("except", {}).keys() & more.keys()
    public = {"directive": "last", "document": {"spec": spec}}
    wider = {
        "directive": "last",
        "document": {"spec": {**spec, "except": {**more, **spec.get("except", {})}}},
    }
    event("another kind of exception" if len(kinds) < len(more) else "the same kinds")
    entries = list(found.rough.entries)
    found.rough.write("directive.issued", public, named=named)
    before = table_of(found.rough)
    found.rough.entries[:] = entries
    found.rough.write("directive.issued", wider, named=named)
    after = table_of(found.rough)
    for ask in asks(found):
        decided = decision.decide(ask, before, now)
        if isinstance(decided, Allow):
            assert isinstance(decision.decide(ask, after, now), Allow)


@settings(max_examples=200)
@given(facts, instants, st.sampled_from([*STATUSES, "unknown"]))
def test_the_word_of_a_person_alone_uncovers_nobody(found: Facts, now: Instant, status: str) -> None:
    """Where the directive asks for more than a person's word, or somebody else has said something."""
    named: dict[str, Any] = {}
    spec = found.spec(named)
    for part in ("covers", "except"):
        people = spec[part].get("persons", {}) if isinstance(spec.get(part), dict) else {}
        if "statuses" in people:
            people["assurance"] = found.random.choice(reference_model.LEVELS[1:])
    if not found.members:
        return
    found.rough.write("directive.issued", {"directive": "last", "document": {"spec": spec}}, named=named)
    found.rough.entries[:] = [
        entry
        for entry in found.rough.entries
        if not entry.type.startswith("directive.") or entry.public["directive"] == "last"
    ]
    found.rough.entries[:] = [entry._replace(seq=i) for i, entry in enumerate(found.rough.entries)]
    before = table_of(found.rough)
    rows = [
        {"member": member, "issuer": "self", "status": status, "assurance": "self-asserted"}
        for member in sorted(found.members)
    ]
    found.rough.write("status.claimed", {}, claims=rows)
    after = table_of(found.rough)
    for ask in asks(found):
        decided = decision.decide(ask, after, now)
        if isinstance(decided, Allow):
            assert isinstance(decision.decide(ask, before, now), Allow)


@settings(max_examples=200)
@given(facts, instants, st.integers(0, 12))
def test_what_is_allowed_stays_so_until_it_is_decided_again(found: Facts, now: Instant, later: int) -> None:
    """No time by itself makes a request covered before the time at which it is to be looked at again."""
    table, then = table_of(found.rough), Instant(now.early_ms + later, now.late_ms + later)
    for ask in asks(found):
        decided = decision.decide(ask, table, now)
        if isinstance(decided, Allow) and (decided.until_ms is None or then.late_ms < decided.until_ms):
            assert isinstance(decision.decide(ask, table, then), Allow)


# By hand: one world, one change, one answer


def decided(
    world: World, key: bytes | None, model: str = MODEL, surface: str = API, **late: int
) -> Allow | Deny:
    at = world.now_ms
    now = Instant(at + late.get("early", 0), at + late.get("late", 0))
    return decision.decide(Ask(key, model, surface), world.state.table, now)


def reason(answer: Allow | Deny) -> Reason:
    assert isinstance(answer, Deny), answer
    return answer.reason


@pytest.fixture
def world() -> World:
    return World.opened()


@pytest.fixture
def key(world: World) -> bytes:
    return world.credential(world.admit())[0]


def test_an_admitted_organization_is_allowed_until_its_grant_ends(world: World, key: bytes) -> None:
    allowed = decided(world, key)
    assert isinstance(allowed, Allow)
    assert allowed.until_ms == AT_MS + 30 * DAY_MS
    assert (allowed.model, allowed.upstream, allowed.requests_per_minute) == (MODEL, "demo", 600)


def test_a_grant_ends_at_the_late_end_of_the_time(world: World, key: bytes) -> None:
    ends = 30 * DAY_MS
    assert isinstance(decided(world, key, early=0, late=ends - 1), Allow)
    assert reason(decided(world, key, early=0, late=ends)) is Reason.GRANT_EXPIRED


def test_a_grant_begins_at_the_early_end_of_the_time(world: World, key: bytes) -> None:
    assert isinstance(decided(world, key, early=0, late=5), Allow)
    assert reason(decided(world, key, early=-1, late=5)) is Reason.STAGE_NOT_OPEN


def test_approval_on_one_surface_never_reaches_another(world: World, key: bytes) -> None:
    assert reason(decided(world, key, surface=CODEX)) is Reason.SURFACE_NOT_GRANTED
    case = world.submit(surface=CODEX)
    answer = decided(world, key, surface=CODEX)
    assert isinstance(answer, Deny)
    assert (answer.reason, answer.application) == (Reason.APPLICATION_PENDING, case.id)
    world.say(case, "oncd")
    world.say(case, "ostp")
    assert reason(decided(world, key, surface=CODEX)) is Reason.NOT_PROVISIONED
    second, _ = world.credential(case.grant or "", "key-2")
    assert isinstance(decided(world, second, surface=CODEX), Allow)
    assert reason(decided(world, second, surface=API)) is Reason.NOT_PROVISIONED


def test_a_stage_that_is_not_open_admits_nobody() -> None:
    world = World.agreed()
    key, _ = world.credential(world.admit())
    assert reason(decided(world, key)) is Reason.STAGE_NOT_OPEN
    world.open()
    assert isinstance(decided(world, key), Allow)


def test_a_stage_under_new_terms_is_closed_until_those_are_opened(world: World, key: bytes) -> None:
    world.apply(plan_value(stages=[looser()]))
    world.agree()
    assert isinstance(decided(world, key), Allow)  # a grant goes on under the terms it was given under
    later, _ = world.credential(world.admit("org-2"), "key-2")
    assert reason(decided(world, later)) is Reason.STAGE_NOT_OPEN
    assert not world.state.table.release_open(RELEASE)
    world.open()
    assert isinstance(decided(world, later), Allow)
    assert isinstance(decided(world, key), Allow)
    assert world.state.table.release_open(RELEASE)


def test_a_revoked_key_is_refused_at_once(world: World) -> None:
    key, credential = world.credential(world.admit())
    world.revoke(credential)
    assert reason(decided(world, key)) is Reason.CREDENTIAL_REVOKED


@pytest.mark.parametrize("name", ["gpt-5.6 ", "GPT-5.6", "gpt-5.6\u200b", "", "gpt-5", "api", "*"])
def test_only_the_exact_model_is_found(world: World, key: bytes, name: str) -> None:
    assert reason(decided(world, key, name)) is Reason.MODEL_NOT_FOUND


def test_to_who_is_not_admitted_an_unannounced_model_does_not_exist(world: World, key: bytes) -> None:
    hidden = plan_value("secret", models=["gpt-6"], announced=False, onRefusal={"fallbackModel": MODEL})
    world.apply(hidden)
    world.agree()
    world.open("secret")
    answers = [decided(world, key, "gpt-6"), decided(world, key, "gpt-7")]
    texts = [repr(answer).replace("gpt-6", "gpt-7") for answer in answers]
    assert texts[0] == texts[1]
    world.direct("d-9", models=["gpt-6"])
    assert repr(decided(world, key, "gpt-6")) == repr(answers[0])
    world.submit("org-1", release="secret")
    assert repr(decided(world, key, "gpt-6")) == repr(answers[0])


def test_to_who_is_admitted_an_unannounced_model_exists(world: World) -> None:
    world.apply(plan_value("secret", models=["gpt-6"], announced=False))
    world.agree()
    world.open("secret")
    key, _ = world.credential(world.admit(release="secret"))
    assert isinstance(decided(world, key, "gpt-6"), Allow)
    assert reason(decided(world, key, "gpt-6", CODEX)) is Reason.MODEL_NOT_FOUND
    world.direct("d-9", models=["gpt-6"])
    assert reason(decided(world, key, "gpt-6")) is Reason.DIRECTIVE_IN_FORCE


@pytest.mark.parametrize(("kind", "status"), [("order", 451), ("agreed", 403), ("voluntary", 403)])
def test_a_directive_is_named_and_an_order_is_451(world: World, key: bytes, kind: str, status: int) -> None:
    world.direct("d-1", ["org-1"], basis={"kind": kind, "authority": "a letter"})
    answer = decided(world, key)
    assert isinstance(answer, Deny)
    assert (answer.reason, answer.directive, answer.status) == (Reason.DIRECTIVE_IN_FORCE, "d-1", status)
    world.lift()
    assert isinstance(decided(world, key), Allow)


def test_a_grant_keeps_the_terms_it_was_given_under(world: World, key: bytes) -> None:
    changed = plan_value(models=["gpt-5.6-mini", MODEL], stages=[stage(conditions={"requestsPerMinute": 1})])
    world.apply(changed)
    allowed = decided(world, key)
    assert isinstance(allowed, Allow)
    assert allowed.requests_per_minute == 600
    assert reason(decided(world, key, "gpt-5.6-mini")) is Reason.NOT_ADMITTED
    world.apply(plan_value(models=["gpt-5.6-mini"]))
    assert reason(decided(world, key)) is Reason.MODEL_NOT_FOUND


def test_what_an_error_says_first_is_the_order_of_the_reasons() -> None:
    assert list(REASONS) == list(Reason)


def test_only_a_quota_says_when_to_try_again(world: World, key: bytes) -> None:
    """A refusal by the table has no time of its own: SDKs would retry it."""
    for answer in (decided(world, None), decided(world, bytes(32)), decided(world, key, surface=CODEX)):
        assert isinstance(answer, Deny)
        assert answer.retry_after_s is None
