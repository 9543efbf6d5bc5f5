"""Who uses the models in the June story, and whom its orders cover by the letter.

The reading here is a literal one: it looks at what was claimed and attested, in the words of the order, and
uses nothing of `sluicegate`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

MODELS = ("fable-5", "mythos-5")
GATEWAYS = {"gateway-1": "api", "gateway-2": "api", "gateway-3": "codex", "gateway-4": "codex"}
CATALOGUE = "cloud"
"""The surface that others run."""
STAFF = "The Developer's Own Staff"
US, FOREIGN, UNKNOWN, UNCLAIMED = "us", "foreign", "unknown", "unclaimed"
"""What is known of somebody: a U.S. person, a foreign one, that it is not known, or that nobody has said."""


@dataclass(frozen=True)
class Claim:
    """What the organization says of a person, how well, and what the person says: None: nothing."""

    status: str | None
    known: str
    assurance: str = "organization"
    self_said: str | None = None

    @property
    def is_weak(self) -> bool:
        """Whether nobody stands behind it but the person."""
        return self.assurance == "self-asserted"


CLAIMS = (
    Claim("us_citizen", US),
    Claim("other", FOREIGN),
    Claim(None, UNCLAIMED),
    Claim("us_permanent_resident", US),
    Claim("us_protected_person", US),
    Claim("us_citizen", UNKNOWN, self_said="other"),
    Claim("other", FOREIGN, "self-asserted"),
    Claim("us_citizen", US, "self-asserted"),
    Claim("unknown", UNKNOWN),
    Claim("us_citizen", US, self_said="us_citizen"),
    Claim("other", UNKNOWN, self_said="us_citizen"),
)
CITIZEN, NOTHING = CLAIMS[0], CLAIMS[2]


@dataclass(frozen=True)
class Person:
    """A member of an organization, as its application names it."""

    identifier: str
    claim: Claim


@dataclass(frozen=True)
class Key:
    """A credential: one person's, or a machine's, of whose users the signatory attests some statuses."""

    name: str
    person: Person | None = None
    attested: tuple[str, ...] = ()


@dataclass(frozen=True)
class Organization:
    """A customer. `is_named`: the annex names it."""

    number: int
    name: str
    surface: str
    registered_in: str
    sector: str | None
    is_named: bool
    people: tuple[Person, ...]
    keys: tuple[Key, ...]

    @property
    def slug(self) -> str:
        """What it is called in file names and URLs."""
        return f"organization-{self.number}"

    def person(self, identifier: str) -> Person | None:
        """Whom an identifier means here."""
        return next((each for each in self.people if each.identifier == identifier), None)


@dataclass(frozen=True)
class Caller:
    """A request's sender: a key, and whom the request names besides, if anybody."""

    organization: Organization
    key: Key
    named: str | None = None

    @property
    def name(self) -> str:
        """What it is called where a test fails."""
        return f"{self.organization.slug}/{self.key.name}/{self.named}"

    @property
    def is_foreign(self) -> bool:
        """Whether it is a foreign person, or might be one: anybody whom its request names."""
        claims = [self.key.person.claim] if self.key.person else []
        if self.named is not None:
            person = self.organization.person(self.named)
            claims.append(person.claim if person else NOTHING)
        return any(_might_be_foreign(claim, self.key) for claim in claims or [NOTHING])


def _might_be_foreign(claim: Claim, key: Key) -> bool:
    """Of whom nothing is claimed, the attestation of the key speaks; one's own word has to agree with it."""
    if key.attested and claim.known == UNCLAIMED:
        return "other" in key.attested
    if key.attested and claim.is_weak and key.attested != (claim.status,):
        return True
    return claim.known != US


@dataclass(frozen=True)
class Order:
    """The order as it stands: foreign persons, on both models, but for whom it leaves out.

    `lifted` holds the models that are free for governments.
    """

    excepts_annex: bool = False
    lifted: frozenset[str] = field(default_factory=frozenset)
    is_over: bool = False

    def covers(self, caller: Caller, model: str) -> bool:
        """Whether a request for a model is covered."""
        return caller.is_foreign and not self.frees(caller.organization, model)

    def frees(self, organization: Organization, model: str) -> bool:
        """Whether it leaves out everybody of an organization."""
        return (
            self.is_over
            or (self.excepts_annex and organization.is_named)
            or (model in self.lifted and organization.sector == "government")
        )

    def covers_member(self, organization: Organization, person: Person) -> bool:
        """Whether a member is covered for some model, who is named as well as the organization can."""
        own = [key for key in organization.keys if key.person is person]
        attested = [key for key in organization.keys if key.attested]
        others = [key for key in organization.keys if not key.person]
        best = [*attested, *own] if person.claim.is_weak else [*own, *attested]
        key = [*best, *others][0]
        named = None if key.person is person else person.identifier
        return any(self.covers(Caller(organization, key, named), model) for model in MODELS)

    def covers_key(self, organization: Organization, key: Key) -> bool:
        """Whether a key is covered for some model, where its requests name nobody."""
        return any(self.covers(Caller(organization, key), model) for model in MODELS)

    def affects(self, organization: Organization) -> bool:
        """Whether it covers some of an organization's."""
        return any(self.covers_key(organization, key) for key in organization.keys) or any(
            self.covers_member(organization, person) for person in organization.people
        )


def organizations(count: int, people_each: int) -> list[Organization]:
    """The developer's own staff and `count - 1` customers: governments, operators, some of them abroad."""
    return [_organization(number, people_each) for number in range(count)]


def callers(organization: Organization) -> Iterator[Caller]:
    """Everyone with every key, as far as it makes a difference; nobody, and a stranger."""
    known = {person.claim.known: person for person in organization.people}.values()
    for key in organization.keys:
        everyone = organization.people if key.name in {"shared", "clean"} else known
        names = [None, f"stranger-{organization.number}", *(person.identifier for person in everyone)]
        yield from (Caller(organization, key, name) for name in names)


def spread(groups: Sequence[Sequence[Caller]], count: int) -> list[Caller]:
    """So many callers, as evenly from each organization as there are; again from the beginning if need be."""
    longest = max(map(len, groups))
    row = list(chain.from_iterable([group[at % len(group)] for group in groups] for at in range(longest)))
    return [row[at % len(row)] for at in range(count)]


def _organization(number: int, people_each: int) -> Organization:
    is_clean = number % 10 == 3
    first = number * people_each
    people = tuple(
        Person(f"user-{at}", CITIZEN if is_clean else CLAIMS[at % len(CLAIMS)])
        for at in range(first, first + people_each)
    )
    return Organization(
        number=number,
        name=f"Example Organization {number}" if number else STAFF,
        surface=CATALOGUE if number % 10 == 9 else ("api", "codex")[number % 2],
        registered_in="DE" if number % 5 == 2 else "US",
        sector={1: "government", 4: "critical-infrastructure"}.get(number % 6),
        is_named=number % 4 == 1,
        people=people,
        keys=tuple(_keys(number, people, is_clean=is_clean)),
    )


def _keys(number: int, people: Sequence[Person], *, is_clean: bool) -> Iterator[Key]:
    bound = {person.claim.known: person for person in people}
    yield from (Key(f"bound-{known}", person) for known, person in bound.items() if known != UNCLAIMED)
    if is_clean:
        yield Key("clean", attested=("us_citizen", "us_permanent_resident"))
        return
    yield Key("shared")
    if number % 3 == 1:
        yield Key("attested", attested=("us_citizen", "us_protected_person"))
    elif number % 3 == 2:
        yield Key("attested-mixed", attested=("us_citizen", "other"))
