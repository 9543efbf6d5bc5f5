"""Who a directive covers: its document, compiled into sets, and an index of the directives in force.

Rules:
- `Selector` is the only form for a set of requests: those that are covered, excepted, lifted, or in an annex.
- A request is covered if at least one person it names is covered and not excepted.
- If something is unknown (a country, or a status not known well enough), the directive covers it. An
  exception does not except it.
- The cost of a look-up does not depend on how many organizations, persons and rows a directive names.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain
from math import inf
from typing import Any, Literal, NamedTuple

from sluicegate_record.directives.document import DirectiveSpec, Persons, Selection
from sluicegate_record.directives.names import ANNEX
from sluicegate_record.directives.scope import CommittedNames, Scope
from sluicegate_record.directives.status import STATUSES, UNKNOWN, Assurance
from sluicegate_record.form import Misread
from sluicegate_record.strict import Unread


class Whom(NamedTuple):
    """A person that a request names: the id, if it is a member, and what is known of the status."""

    person: str | None
    statuses: frozenset[str]
    assurance: Assurance
    why: str = ""


class Requester(NamedTuple):
    """The organization that a request comes from: its country, the tag of its legal name, its sector.

    `registered_in` is None, and `name` empty, if they are not known.
    """

    id: str
    registered_in: str | None
    name: str = ""
    sector: str | None = None


class People(NamedTuple):
    """Persons by status. `unknown` says whether a person is included whose status is not known."""

    statuses: frozenset[str]
    unknown: bool
    assurance: Assurance

    def has(self, whom: Whom) -> bool:
        """Whether a person may be included. A person with several possible statuses is, if one of them is."""
        if whom.assurance < self.assurance or not whom.statuses:
            return self.unknown
        return not self.statuses.isdisjoint(whom.statuses) or (self.unknown and not whom.statuses <= _KNOWN)

    def has_certainly(self, whom: Whom) -> bool:
        """Whether a person is included, whichever of the possible statuses is the right one."""
        return whom.assurance >= self.assurance and bool(whom.statuses) and whom.statuses <= self.statuses


_KNOWN = frozenset(STATUSES) - UNKNOWN
"""The known statuses. A status that this build does not have counts as unknown."""


class Resolution(NamedTuple):
    """What a committed list of names means: pseudonyms, tags of legal names, members."""

    organizations: Sequence[str] = ()
    names: Sequence[str] = ()
    persons: Sequence[str] = ()

    def to_json(self) -> dict[str, list[str]]:
        """The form of it in a gate part."""
        return {name: sorted(value) for name, value in self._asdict().items() if value}

    @classmethod
    def from_json(cls, value: Mapping[str, Sequence[str]]) -> Resolution:
        """Read a value of a gate part. Raises: ValueError: a part of it cannot be read."""
        if not set(value) <= set(cls._fields):
            raise ValueError(f"names of {sorted(value)}")
        return cls(**{name: _texts(given) for name, given in value.items()})

    def __or__(self, other: object) -> Resolution:
        assert isinstance(other, Resolution)
        return Resolution(*([*mine, *theirs] for mine, theirs in zip(self, other, strict=True)))


@dataclass(slots=True)
class Selector:
    """A set of requests: everyone, or the union of organizations, countries,
    persons by status and persons by id.

    `names` are tags of legal names. `organizations` grows when an organization with such a name becomes
    known.
    """

    everyone: bool = False
    organizations: set[str] = field(default_factory=set)
    names: frozenset[str] = frozenset()
    registered_in: frozenset[str] = frozenset()
    people: People | None = None
    members: frozenset[str] = frozenset()

    @property
    def is_of_some(self) -> bool:
        """Whether it names organizations or persons one by one."""
        return bool(self.organizations or self.names or self.members)

    @property
    def asks_persons(self) -> bool:
        """Whether it depends on the person of a request."""
        return self.people is not None or bool(self.members)

    @property
    def is_open(self) -> bool:
        """Whether it could cover a request of any organization. Then no index can narrow it."""
        return self.everyone or self.people is not None

    def covers(self, entity: Requester, whom: Whom) -> bool:
        """Whether a person is covered, or may be covered."""
        return (
            self.everyone
            or entity.id in self.organizations
            or (bool(self.registered_in) and self._is_registered(entity, unknown=True))
            or whom.person in self.members
            or (self.people is not None and self.people.has(whom))
        )

    def excepts(self, entity: Requester, whom: Whom) -> bool:
        """Whether a person is certainly excepted."""
        return (
            self.everyone
            or entity.id in self.organizations
            or (bool(self.registered_in) and self._is_registered(entity, unknown=False))
            or whom.person in self.members
            or (self.people is not None and self.people.has_certainly(whom))
        )

    def _is_registered(self, entity: Requester, *, unknown: bool) -> bool:
        return unknown if entity.registered_in is None else entity.registered_in in self.registered_in


@dataclass(slots=True)
class Exempt:
    """Requests that a directive leaves out: an exception, or a part that was lifted.

    `models` and `surfaces` None are all. `name` is the part of the document (`organizations`, `persons`,
    `annexes/…`), or the case of the lift. A licence has a name of its own, and may have an end and a rate.
    Units: `until_ms` milliseconds since 1970 UTC, exclusive.
    """

    name: str
    selector: Selector
    models: frozenset[str] | None = None
    surfaces: frozenset[str] | None = None
    until_ms: int | None = None
    requests_per_minute: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it leaves out everyone, on all surfaces."""
        return self.selector.everyone and self.surfaces is None

    def applies(self, model: str, surface: str, entity: Requester, whom: Whom) -> bool:
        """Whether it leaves a person out of a request for a model on a surface."""
        return (
            (self.models is None or model in self.models)
            and (self.surfaces is None or surface in self.surfaces)
            and self.selector.excepts(entity, whom)
        )


@dataclass(slots=True)
class Cover:
    """A directive, compiled. `surfaces` None is all; `restricts` None means that it suspends.

    Units: milliseconds since 1970 UTC: in force in `[from_ms, until_ms)`; streams that were open then
           continue until `drained_ms`.
    """

    name: str
    by_order: bool
    models: frozenset[str]
    surfaces: frozenset[str] | None
    selector: Selector
    exempt: list[Exempt] = field(default_factory=list)
    restricts: Mapping[str, Any] | None = None
    from_ms: int = 0
    until_ms: int | None = None
    drained_ms: int = 0
    licences: dict[str, Exempt] = field(default_factory=dict)
    """Exceptions that were granted to those that it covers, by their names."""
    annexes: Mapping[str, Resolution] = field(default_factory=dict)
    """What its annexes mean, by `annex.` and the annex's name: a lift may be about one annex."""
    asks_persons: bool = field(init=False)
    """Whether it depends on the person of a request."""

    def __post_init__(self) -> None:
        self.asks_persons = any(selector.asks_persons for selector in self.selectors())

    def leave_out(self, exempt: Exempt) -> None:
        """Leave out more requests."""
        self.exempt.append(exempt)
        self.asks_persons = self.asks_persons or exempt.selector.asks_persons

    def license(self, licence: Exempt) -> None:
        """Leave out those who hold a licence."""
        self.licences[licence.name] = licence
        self.asks_persons = self.asks_persons or licence.selector.asks_persons

    def licence_for(
        self, model: str, surface: str, entity: Requester, whom: Whom, late_ms: int
    ) -> Exempt | None:
        """The licence by which a person is left out at a time, if there is one; the strictest of several."""
        valid = [
            each
            for each in self.licences.values()
            if (each.until_ms is None or late_ms < each.until_ms)
            and each.applies(model, surface, entity, whom)
        ]
        return min(valid, key=_rate, default=None)

    @property
    def is_spent(self) -> bool:
        """Whether every part of it has been lifted for everyone."""
        whole = [each.models for each in self.exempt if each.is_whole]
        return any(models is None for models in whole) or self.models <= frozenset().union(
            *(models for models in whole if models is not None)
        )

    def is_about(self, model: str, surface: str) -> bool:
        """Whether it is about a model on a surface."""
        return model in self.models and (self.surfaces is None or surface in self.surfaces)

    def covers(
        self, model: str, surface: str, entity: Requester, whoms: Iterable[Whom], late_ms: int = 0
    ) -> bool:
        """Whether a request is covered, at a time. Enforcement and preview both use this answer."""
        return self.is_about(model, surface) and any(
            self.covers_one(model, surface, entity, whom)
            and self.licence_for(model, surface, entity, whom, late_ms) is None
            for whom in whoms
        )

    def covers_one(self, model: str, surface: str, entity: Requester, whom: Whom) -> bool:
        """Whether one of the persons that a request names is covered, unless a licence leaves that one out.

        Requires: `is_about` the model and surface.
        """
        if not self.selector.covers(entity, whom):
            return False
        for each in self.exempt:  # noqa: SIM110 - each request pays for a generator
            if each.applies(model, surface, entity, whom):
                return False
        return True

    def selectors(self) -> Iterator[Selector]:
        """Every selector in it."""
        yield self.selector
        for each in (*self.exempt, *self.licences.values()):
            yield each.selector


def _rate(licence: Exempt) -> float:
    """How many requests a minute a licence allows."""
    return inf if licence.requests_per_minute is None else licence.requests_per_minute


Resolutions = Mapping[str, Resolution]
"""What the commitments of a document mean: by `covers`, `except`, and an annex's name after `annex.`."""
NOBODY = Resolution()


def compiled(name: str, spec: DirectiveSpec, named: Resolutions, at_ms: int) -> Cover:
    """A signed directive, compiled. One that is in force immediately is in force from `at_ms` on.

    If this build does not know or cannot read a part, the part covers everyone, excepts no one, or suspends
    instead of restricting.
    Raises: ValueError: it lacks models or surfaces.
    """
    from_ms = spec.begins_ms(at_ms)
    covers = None if isinstance(spec.covers, Unread) else _selector(spec.covers, named, "covers")
    return Cover(
        name=name,
        by_order=spec.basis.kind == "order",
        models=_some(spec.models),
        surfaces=None if spec.surfaces == "all" else _some(spec.surfaces),
        selector=covers or Selector(everyone=True),
        exempt=list(_exceptions(spec.except_, named)),
        restricts=_restricts(spec),
        from_ms=from_ms,
        until_ms=spec.expires_ms,
        drained_ms=from_ms + spec.drain_ms,
        annexes={part: found for part, found in named.items() if part.startswith(ANNEX)},
    )


def lifted(case: str, scope: Scope, named: Resolutions) -> Exempt:
    """A part of a directive that was lifted, for the models,
    surfaces and organizations that the scope states.

    A part that this build cannot read is lifted for no one.
    Raises: ValueError: a list of models or surfaces is empty.
    """
    return Exempt(
        case,
        _lifted_for(scope, named) or Selector(),
        None if scope.models is None else _some(scope.models),
        None if scope.surfaces is None else _some(scope.surfaces),
    )


def _lifted_for(scope: Scope, named: Resolutions) -> Selector | None:
    """Who a part of a directive is lifted for; None if the scope states nothing, or more than can be read."""
    stated = Selection(organizations=scope.organizations, annexes=scope.annexes, unknown=scope.unknown)
    if not stated.is_empty:
        return _selector(stated, named, "lift")
    return None if scope.models is scope.surfaces is None else Selector(everyone=True)


def _restricts(spec: DirectiveSpec) -> Mapping[str, Any] | None:
    conditions = spec.conditions
    if spec.action != "restrict" or not isinstance(conditions, Mapping):
        return None
    can_do = all(name in RESTRICTIONS and RESTRICTIONS[name](value) for name, value in conditions.items())
    return conditions if conditions and can_do else None


def _exceptions(stated: Selection | Unread | None, named: Resolutions) -> Iterator[Exempt]:
    """Each exception separately: the ones that can be read count,
    and a preview can show what each one changes.
    """
    parts = None if stated is None else stated.value if isinstance(stated, Unread) else stated.to_json()
    for part, value in sorted(parts.items()) if isinstance(parts, Mapping) else ():
        if part == "annexes" and isinstance(value, list):
            whoms = [(f"annexes/{annex}", {"annexes": [annex]}) for annex in value]
        else:
            whoms = [(part, {part: value})]
        for name, whom in whoms:
            selector = _read(whom, named, "except")
            if selector is not None:
                yield Exempt(name, selector)


def _read(stated: Any, named: Resolutions, part: str) -> Selector | None:
    """A selector; None if it cannot be read."""
    try:
        return _selector(Selection.from_json(stated), named, part)
    except Misread:
        return None


def _selector(stated: Literal["everyone"] | Selection, named: Resolutions, part: str) -> Selector | None:
    """A selector; None if it says more than this build knows, or a part of it has no names."""
    if not isinstance(stated, Selection):
        return Selector(everyone=True)
    if stated.is_empty or stated.unknown:
        return None
    persons = stated.persons
    is_by_id = isinstance(persons, CommittedNames)
    found = [named.get(ANNEX + annex, NOBODY) for annex in stated.annexes or ()]
    if stated.organizations is not None:
        found.append(named.get(part, NOBODY)._replace(persons=()))
    if is_by_id:
        found.append(Resolution(persons=named.get(part, NOBODY).persons))
    people = _people(persons) if isinstance(persons, Persons) else None
    is_lacking = persons is not None and not is_by_id and people is None
    if is_lacking or stated.annexes == () or stated.registered_in == () or not all(map(any, found)):
        return None
    whom = reduce(operator.or_, found, NOBODY)
    return Selector(
        organizations=set(whom.organizations),
        names=frozenset(whom.names),
        registered_in=frozenset(stated.registered_in or ()),
        people=people,
        members=frozenset(whom.persons),
    )


def _people(stated: Persons) -> People | None:
    if stated.unknown or not stated.statuses:
        return None
    assurance = Assurance.of(stated.assurance or "self-asserted")
    return People(frozenset(stated.statuses), stated.not_known != "spared", assurance)


def _some(names: tuple[str, ...]) -> frozenset[str]:
    """A list of names that is not empty. Raises: ValueError."""
    if not names:
        raise ValueError("a list of names that is empty")
    return frozenset(names)


def _texts(value: Any) -> list[str]:
    """A list of texts that is not empty. Raises: ValueError, also for a single text."""
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise ValueError(f"a list of texts expected, not {value!r}")
    return value


RESTRICTIONS: Mapping[str, Callable[[Any], bool]] = {
    "requestsPerMinute": lambda value: type(value) is int and value > 0,
    "personNamed": lambda value: value is True,
}
"""The conditions that a directive can add, and their allowed values."""


Places = dict[str | None, dict[str, Cover]]
"""Directives by name, under what they name: an organization, a country, a person."""


class DirectiveIndex:
    """The directives about one model, found by the organization, country or person that they could cover."""

    __slots__ = ("_organizations", "members", "wide")

    def __init__(self) -> None:
        self.wide: Places = {}
        """Those that name no organization and no person: by country, or under `ANY`."""
        self._organizations: Places = {}
        self.members: Places = {}

    def __bool__(self) -> bool:
        return bool(self.wide or self._organizations or self.members)

    def add(self, directive: Cover) -> None:
        """Add a directive."""
        for index, key in self._places(directive):
            index.setdefault(key, {})[directive.name] = directive

    def add_organization(self, directive: Cover, organization: str) -> None:
        """A directive in this index covers one more organization."""
        if directive.selector.is_open:
            return
        self._organizations.setdefault(organization, {})[directive.name] = directive

    def remove(self, directive: Cover) -> None:
        """Remove a directive."""
        for index, key in self._places(directive):
            named = index.get(key, {})
            named.pop(directive.name, None)
            if not named:
                index.pop(key, None)

    def names(self, organization: str) -> bool:
        """Whether a directive here names an organization."""
        return organization in self._organizations

    def candidates(self, entity: Requester, persons: Sequence[str]) -> Iterable[Cover]:
        """The directives that could cover a request; a directive may come more than once.

        `persons` are the members that the request names, by id.
        """
        named = self._organizations.get(entity.id, _NONE).values()
        if not (self.wide or persons):
            return named
        wide = (self.wide.get(each, _NONE).values() for each in (ANY, entity.registered_in))
        members = (self.members.get(each, _NONE).values() for each in persons)
        return chain(*wide, named, *members)

    def without(self, name: str) -> DirectiveIndex:
        """The same directives but one; it shares everything else, and is not to be changed."""
        return _Without(self, name)

    def _places(self, directive: Cover) -> Iterator[tuple[Places, str | None]]:
        selector = directive.selector
        if selector.is_open:
            yield self.wide, ANY
            return
        for organization in selector.organizations:
            yield self._organizations, organization
        if selector.registered_in:
            yield self.wide, None
        for country in selector.registered_in:
            yield self.wide, country
        for member in selector.members:
            yield self.members, member


class _Without(DirectiveIndex):
    """An index from which one directive is left out."""

    __slots__ = ("_index", "_name")

    def __init__(self, index: DirectiveIndex, name: str) -> None:
        self.wide, self._organizations, self.members = index.wide, index._organizations, index.members
        self._index, self._name = index, name

    def candidates(self, entity: Requester, persons: Sequence[str]) -> Iterable[Cover]:
        """As of the whole index, but one."""
        return (each for each in self._index.candidates(entity, persons) if each.name != self._name)


ANY = ""
"""The place of directives that could cover any organization: everyone, or persons by status."""
_NONE: dict[str, Cover] = {}
