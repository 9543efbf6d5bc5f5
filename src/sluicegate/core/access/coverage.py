"""Who a directive covers: counted over real organizations, members, credentials, open streams and traffic.

Rules:
- `Cover.covers` over `naming.known` answers, as it does for every request. Nothing is estimated.
- A credential is counted as if a request used it and named no one. A member is counted as if a request named
  it as well as it can. A stream or a call is counted as it named its person.
- The table is read in slices, each within `held`, so that a change to the table waits for one slice only. A
  count over a table that changes meanwhile is not of one moment.
- Covered persons of unknown status are also counted separately, with what would make their status known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from sluicegate.acts.coverage import (
    AssuranceSides,
    Counts,
    Coverage,
    ExceptionCoverage,
    OrganizationCoverage,
    Settlement,
    SideCounts,
    UnknownCounts,
)
from sluicegate.core.access import naming
from sluicegate.core.access.naming import Naming, VerifiedAssertion
from sluicegate.core.access.rows import CredentialRow, GrantRow
from sluicegate.core.access.table import Table
from sluicegate.core.directives.cover import Cover, Exempt, Requester, Whom
from sluicegate.core.people.persons import SELF, SETTLED_BY, CredentialAttestation, Person
from sluicegate_record.directives.status import ASSURANCES, UNKNOWN, Assurance

ORGANIZATIONS_MAX = 1_000
"""How many organizations are listed one by one. All of them are counted."""
_SECTORS = {"government": 0, "critical-infrastructure": 1}
SLICE = 500
"""How many credentials one slice looks at; for members, those that each of them could use."""
SLICE_OF_ROWS = 5_000
"""How many credentials one slice sorts, which looks nothing up."""
KINDS = ("members", "credentials", "streams", "requests")


Held = Callable[[], AbstractContextManager[object]]
"""Within what it makes, the table does not change."""
_Item = TypeVar("_Item")


class Usage(NamedTuple):
    """What gateways report about a credential, model and naming: streams open now, calls of the last day."""

    credential: str
    model: str
    naming: Naming
    open: int
    requests: int


class Customers(NamedTuple):
    """Those that a directive is counted over: all organizations, or `only` some.

    What is called gives their credentials and their members. It is called where the table does not change.
    Who asks about customers of its own (`are_own`) does not see what a person said: without a claim by
    another issuer, the status stays unknown.
    """

    credentials: Callable[[], Iterable[CredentialRow]]
    people: Callable[[], Iterable[Person]]
    only: Collection[str] | None = None
    are_own: bool = False


def everyone(table: Table) -> Customers:
    """All organizations."""
    return Customers(table.credentials.values, table.people.values)


_Group = tuple[str, str, CredentialAttestation | None]
"""Keys of which a directive says the same: those of a grant, for a member, of which the same is attested."""


class _Subject(NamedTuple):
    """Something that a directive may cover: `weight` of the things that `kind` names."""

    kind: str
    organization: str
    model: str
    surface: str
    whoms: tuple[Whom, ...]
    weight: int
    of: str = ""
    """The member or credential. It is counted once, however many models it reaches."""


@dataclass(slots=True)
class _Tally:
    covered: Counter[str] = field(default_factory=Counter)
    spared: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    """How many of the covered ones have an unknown status."""


def coverage(  # noqa: PLR0913 - a directive, and all that it is counted over
    table: Table,
    directive: Cover,
    usage: Iterable[Usage],
    now_ms: int,
    some: Customers | None = None,
    held: Held = nullcontext,
) -> Coverage:
    """Who a directive would cover and spare: of everyone, or of some.

    Requires: the directive's selectors are complete. Units: now_ms milliseconds since 1970 UTC.
    """
    among = some or everyone(table)
    used = _used(table, directive, usage, now_ms, held)
    subjects = [
        *_subjects(table, directive, among, now_ms, held),
        *(each for each in used if among.only is None or each.organization in among.only),
    ]
    entities = _entities(table, subjects, held)
    unheard = _unheard(among, now_ms, held) if among.are_own else {}
    tallies, why, assured = _tallied(subjects, directive, entities, unheard)
    total = _sum(tallies.values())
    covered = sum(bool(each.covered) for each in tallies.values())
    return Coverage(
        covered=SideCounts(organizations=covered, **_by_kind(total.covered)),
        spared=SideCounts(organizations=len(tallies) - covered, **_by_kind(total.spared)),
        not_known=UnknownCounts(settled_by=tuple(_settled(why)), **_by_kind(total.unknown)),
        organizations=tuple(_listed(table, tallies)),
        assurance={
            word: AssuranceSides(covered=assured["covered", word], spared=assured["spared", word])
            for word in ASSURANCES
        },
        exceptions=tuple(_exceptions(subjects, directive, entities)),
    )


def affected(
    table: Table,
    directive: Cover,
    now_ms: int,
    among: Customers | None = None,
    held: Held = nullcontext,
) -> frozenset[str]:
    """The organizations, of all or of some, with at least one member or credential that is covered."""
    subjects = list(_subjects(table, directive, among or everyone(table), now_ms, held))
    entities = _entities(table, subjects, held)
    return frozenset(
        each.organization for each, is_covered in _answered(subjects, directive, entities) if is_covered
    )


def _tallied(
    subjects: Sequence[_Subject],
    directive: Cover,
    entities: Mapping[str, Requester],
    unheard: Mapping[str, str],
) -> tuple[dict[str, _Tally], Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    tallies: dict[str, _Tally] = {name: _Tally() for name in entities}
    why: Counter[tuple[str, str]] = Counter()
    assured: Counter[tuple[str, str]] = Counter()
    for each, is_covered in _answered(subjects, directive, entities):
        tally = tallies[each.organization]
        (tally.covered if is_covered else tally.spared)[each.kind] += each.weight
        unknown = _unknown(each.whoms, unheard) if is_covered and directive.asks_persons else ""
        if unknown:
            tally.unknown[each.kind] += each.weight
            why[each.kind, unknown] += each.weight
        if each.kind == "requests":
            side = "covered" if is_covered else "spared"
            assured[side, min(whom.assurance for whom in each.whoms).word] += each.weight
    return tallies, why, assured


def _unknown(whoms: Iterable[Whom], unheard: Mapping[str, str]) -> str:
    """Why the status of one of the persons named is unknown; empty if the status of all is known."""
    for whom in whoms:
        missing = unheard.get(whom.person or "")
        if missing is not None and whom.assurance is Assurance.SELF_ASSERTED:
            return missing
        if whom.statuses >= UNKNOWN:
            return whom.why or "not_named"
    return ""


def sliced(items: Callable[[], Iterable[_Item]], held: Held, count: int = SLICE) -> Iterator[_Item]:
    """Items of a table, and what is done with each, `count` of them at a time within `held`."""
    with held():
        every = list(items())
    for at in range(0, len(every), count):
        with held():
            yield from every[at : at + count]


def _entities(table: Table, subjects: Iterable[_Subject], held: Held) -> dict[str, Requester]:
    """The organizations of some subjects, as directives look at them."""
    names = dict.fromkeys(each.organization for each in subjects)
    return {name: table.entity(name) for name in sliced(lambda: names, held)}


def _unheard(among: Customers, now_ms: int, held: Held) -> dict[str, str]:
    """The members who have no valid claim except their own, and what is missing for each."""
    found = {}
    for person in sliced(among.people, held):
        others = [claim for claim in person.claims if claim.issuer != SELF]
        is_live = any(claim.until_ms is None or now_ms < claim.until_ms for claim in others)
        if not is_live:
            found[person.id] = "expired" if others else "not_claimed"
    return found


def _answered(
    subjects: Sequence[_Subject], directive: Cover, entities: Mapping[str, Requester]
) -> Iterator[tuple[_Subject, bool]]:
    """Each subject once. A member or credential is covered if one of its models is."""
    once: dict[tuple[str, str], tuple[_Subject, bool]] = {}
    for each in subjects:
        found = directive.covers(each.model, each.surface, entities[each.organization], each.whoms)
        if not each.of:
            yield each, found
        elif found or (each.kind, each.of) not in once:
            once[each.kind, each.of] = each, found
    yield from once.values()


def _subjects(
    table: Table, directive: Cover, among: Customers, now_ms: int, held: Held
) -> Iterator[_Subject]:
    """The credentials that reach the directive's models, and the members who can use them. Who held a grant
    that has ended is not counted.
    """
    reaching: dict[tuple[str, str, str], list[CredentialRow]] = {}
    for credential, count in sliced(_groups(among, now_ms, held).values, held):
        grant = credential.grant
        for model, surface in reached(table, directive, grant, now_ms):
            reaching.setdefault((grant.organization, model, surface), []).append(credential)
            known = naming.known(naming.NOBODY, credential, model, table, now_ms, now_ms)
            yield _Subject(
                "credentials", grant.organization, model, surface, known.whoms, count, credential.id
            )
    asked = {organization for organization, _, _ in reaching}
    identifiers = {
        person.id: identifier
        for organization in asked
        for identifier, person in sliced(table.registry.get(organization, {}).items, held)
    }
    people: dict[str, list[Person]] = {}
    for person in sliced(among.people, held):
        if person.organization in asked:
            people.setdefault(person.organization, []).append(person)
    for (organization, model, surface), credentials in reaching.items():
        theirs = people.get(organization, [])
        for person in sliced(theirs.copy, held, max(1, SLICE // len(credentials))):
            whoms = _best(table, person, identifiers.get(person.id), model, credentials, now_ms)
            if whoms is not None:
                yield _Subject("members", organization, model, surface, whoms, 1, person.id)


def _groups(among: Customers, now_ms: int, held: Held) -> dict[_Group, tuple[CredentialRow, int]]:
    """The keys that can be used: one of each group of the same kind, and how many it has."""
    found: dict[_Group, tuple[CredentialRow, int]] = {}
    for credential in sliced(among.credentials, held, SLICE_OF_ROWS):
        if credential.is_live(now_ms):
            member = credential.member
            group = credential.grant.id, "" if member is None else member.id, credential.state.attested
            first, count = found.get(group, (credential, 0))
            found[group] = first, count + 1
    return found


def reached(table: Table, directive: Cover, grant: GrantRow, now_ms: int) -> Iterator[tuple[str, str]]:
    """The models of a directive, each with a surface, that keys under a grant or an account can use: by the
    grant, or by a stage that is open for everyone.
    """
    for model in sorted(directive.models):
        surfaces = {grant.surface} if model in grant.models and not grant.has_ended else set[str]()
        offer = table.offers.get(model)
        if offer is not None and offer.audience is not None and offer.audience.lets_in(grant, now_ms):
            surfaces |= offer.audience.asked.surfaces
        yield from ((model, each) for each in sorted(surfaces) if directive.is_about(model, each))


def _best(  # noqa: PLR0913 - a person, and all its ways to be named
    table: Table,
    person: Person,
    identifier: bytes | None,
    model: str,
    credentials: list[CredentialRow],
    now_ms: int,
) -> tuple[Whom, ...] | None:
    """What a request of a member names, if it names the member as well as it can;
    None if the member cannot ask.
    """
    found: list[tuple[Whom, ...]] = []
    named = Naming() if identifier is None else _as_named(table, person.organization, identifier)
    for credential in credentials:
        if credential.member is person:
            named_by = naming.NOBODY
        elif credential.member is None and identifier is not None:
            named_by = named
        else:
            continue
        found.append(naming.known(named_by, credential, model, table, now_ms, now_ms).whoms)
    return max(found, key=lambda whoms: whoms[0].assurance, default=None)


def _as_named(table: Table, organization: str, identifier: bytes) -> Naming:
    for name, provider in table.providers.get(organization, {}).items():
        for kid in provider.keys:
            return Naming(signed=VerifiedAssertion(name, kid, identifier, None))
    return Naming((identifier,))


def _used(
    table: Table, directive: Cover, usage: Iterable[Usage], now_ms: int, held: Held
) -> Iterator[_Subject]:
    for each in sliced(lambda: usage, held):
        credential = table.credentials_by_id.get(each.credential)
        if credential is None:
            continue
        surface = _used_on(table, directive, credential.grant, each.model, now_ms)
        if surface is None:
            continue
        whoms = naming.known(each.naming, credential, each.model, table, now_ms, now_ms).whoms
        where = credential.grant.organization, each.model, surface
        for kind, weight in (("streams", each.open), ("requests", each.requests)):
            if weight:
                yield _Subject(kind, *where, whoms, weight)


def _used_on(table: Table, directive: Cover, grant: GrantRow, model: str, now_ms: int) -> str | None:
    """A surface on which keys use a model; None if the directive is about none of them."""
    if grant.release and not grant.has_ended:
        return grant.surface if directive.is_about(model, grant.surface) else None
    return next((at for each, at in reached(table, directive, grant, now_ms) if each == model), None)


def _sum(tallies: Iterable[_Tally]) -> _Tally:
    total = _Tally()
    for each in tallies:
        total.covered += each.covered
        total.spared += each.spared
        total.unknown += each.unknown
    return total


def _by_kind(counted: Counter[str]) -> dict[str, Any]:
    return {kind: counted[kind] for kind in KINDS}


def _counts(counted: Counter[str]) -> Counts:
    return Counts(**_by_kind(counted))


def _settled(why: Counter[tuple[str, str]]) -> Iterator[Settlement]:
    for word in sorted({word for _, word in why}):
        counted = Counter({kind: why[kind, word] for kind in KINDS})
        yield Settlement(why=word, text=SETTLED_BY[word], **_by_kind(counted))


def _listed(table: Table, tallies: Mapping[str, _Tally]) -> Iterator[OrganizationCoverage]:
    """Government and critical users first, then those who lose the most."""

    def sector(name: str) -> str | None:
        known = table.organizations.get(name)
        return known.sector if known is not None else None

    def rank(name: str) -> tuple[int, int, str]:
        return _SECTORS.get(sector(name) or "", 2), -tallies[name].covered.total(), name

    listed = sorted((name for name, tally in tallies.items() if tally.covered), key=rank)
    for name in listed[:ORGANIZATIONS_MAX]:
        yield OrganizationCoverage(
            organization=name,
            sector=sector(name),
            covered=_counts(tallies[name].covered),
            spared=_counts(tallies[name].spared),
            not_known=_counts(tallies[name].unknown),
        )


def _exceptions(
    subjects: Sequence[_Subject], directive: Cover, entities: Mapping[str, Requester]
) -> Iterator[ExceptionCoverage]:
    """What each exception spares that would be covered without that exception."""
    whole = _covered(subjects, directive, entities)
    for exempt in directive.exempt:
        without = replace(directive, exempt=_but(directive.exempt, exempt))
        spares = _counts(_covered(subjects, without, entities) - whole)
        yield ExceptionCoverage(exception=exempt.name, spares=spares)


def _but(exempt: Iterable[Exempt], one: Exempt) -> list[Exempt]:
    return [each for each in exempt if each is not one]


def _covered(
    subjects: Sequence[_Subject], directive: Cover, entities: Mapping[str, Requester]
) -> Counter[str]:
    found: Counter[str] = Counter()
    for each, is_covered in _answered(subjects, directive, entities):
        if is_covered:
            found[each.kind] += each.weight
    return found
