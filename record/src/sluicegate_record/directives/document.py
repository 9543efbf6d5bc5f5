"""The document of a directive: how its issuer narrows access,
as the issuer signed it and as the record keeps it.

Rules:
- `Document.from_json` reads a document from the record. A later build may have written it: a part that this
  build cannot read is `Unread`. If such a part says who is covered, it covers everyone. If it says who is
  excepted, it excepts no one.
- `Document.check` reads a document that someone wants to put on the record. It ignores no part of it.
- The document has only the count of its names and a commitment to them. The openings of the commitments come
  beside it.
- The digest is over the JSON that the document came from, never over a new dump.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Any, Literal, Self, TypeAlias

from sluicegate_record.directives import names
from sluicegate_record.directives.names import ANNEX
from sluicegate_record.directives.received import Arrival
from sluicegate_record.directives.scope import CommittedNames
from sluicegate_record.directives.status import STATUSES, UNKNOWN
from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import (
    SOURCE,
    Codec,
    Form,
    Json,
    Key,
    Misread,
    Time,
    codec_of,
    form,
    shown,
)
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.strict import Needs, Unread, faults, matching, nulls, one_of, or_unread, sized
from sluicegate_record.terms import durations, quorum
from sluicegate_record.terms.rule import Rule
from sluicegate_record.terms.text import is_plain

TEXT_MAX = 500
REASONS_MAX = 10_000
DRAIN_MAX_MS = DAY_MS
REQUESTS_MAX = 10_000_000
AssuranceWord: TypeAlias = Literal["self-asserted", "organization", "identity-provider", "credential"]
EVERYONE: Literal["everyone"] = "everyone"
NEVER = Rule("anyOf", ())
"""The rule in place of a rule that this build cannot read. No parties can satisfy it."""

_TEXT = Needs(
    f"text of 1 to {TEXT_MAX} characters, none of them invisible",
    lambda value: 1 <= len(value) <= TEXT_MAX and is_plain(value),
)
_NAME_PATTERN = r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?"
_NAME, _NAMES = matching(_NAME_PATTERN), matching(_NAME_PATTERN, each=True)
_MODELS = matching(r"[A-Za-z0-9]([A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?", each=True)
_COUNTRIES = matching(r"[A-Z]{2}", each=True)
_DIGEST = matching(r"sha256:[0-9a-f]{64}")
_HASH = matching(r"[0-9a-f]{64}")
_COMMITTED_WORDS = "a count of 1 or more, and a commitment of 64 hex digits"
_STATUSES = one_of(*sorted(set(STATUSES) - UNKNOWN), each=True)
_SOME = Needs("one or more", bool)
_TRUE = Needs("true, or the field left out", lambda value: value is True)
_GRACE = Needs("a duration from PT0S to P1D", lambda value: 0 <= value <= DRAIN_MAX_MS)
_ONCE = Needs("each once", lambda value: len(set(value)) == len(value))


def _is_committed(value: CommittedNames) -> bool:
    return value.count >= 1 and _HASH.holds(value.commitment)


_COMMITTED = Needs(_COMMITTED_WORDS, _is_committed)
_COMMITTED_IF = Needs(
    _COMMITTED_WORDS, lambda value: not isinstance(value, CommittedNames) or _is_committed(value)
)
_ALL_COMMITTED = Needs(_COMMITTED_WORDS, lambda value: all(map(_is_committed, value.values())))


@form
class Persons(Form):
    """Persons by the statuses that a definition means, and the source of the definition.

    `assurance` is the lowest level that counts as known. `not_known` says whether a person is covered whose
    status is not known well enough.
    """

    definition: Annotated[str, _NAME]
    statuses: Annotated[
        tuple[str, ...],
        _SOME,
        _STATUSES,
    ]
    source: Annotated[str, _TEXT]
    not_known: Annotated[Literal["covered", "spared"] | None, Key("unknown")] = None
    assurance: AssuranceWord | None = None


def _persons(value: Json) -> Persons | CommittedNames:
    is_committed = isinstance(value, dict) and "commitment" in value
    return CommittedNames.from_json(value) if is_committed else Persons.from_json(value)


_PERSONS = Codec(_persons, lambda value: value.to_json(), {})


@form
class Selection(Form):
    """Who a directive covers, or excepts: the union of the fields."""

    organizations: Annotated[CommittedNames | None, _COMMITTED] = None
    registered_in: Annotated[tuple[str, ...] | None, sized(1, 250, "countries"), _COUNTRIES, _ONCE] = None
    persons: Annotated[Persons | CommittedNames | None, _PERSONS, _COMMITTED_IF] = None
    annexes: Annotated[tuple[str, ...] | None, sized(1, 100, "annexes"), _NAMES, _ONCE] = None

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read a selection. No part of it may be null, because null would name no one. Raises: Misread."""
        for fault in nulls(value):
            raise fault
        return super(Selection, cls).from_json(value)

    @property
    def is_empty(self) -> bool:
        """Whether it has no field."""
        stated = (self.organizations, self.registered_in, self.persons, self.annexes)
        return not self.unknown and all(each is None for each in stated)


def _covers(value: Json) -> Literal["everyone"] | Selection:
    if value == EVERYONE:
        return EVERYONE
    if type(value) is not dict:
        raise Misread("'everyone', or organizations, registeredIn, persons or annexes", shown(value))
    return Selection.from_json(value)


_COVERS = Codec(_covers, lambda value: value if value == EVERYONE else value.to_json(), {})
Covered: TypeAlias = Annotated[Literal["everyone"] | Selection | Unread, or_unread(_COVERS)]
"""Who a directive covers."""
Excepted: TypeAlias = Annotated[Selection | Unread | None, or_unread(Selection | None)]
"""Who it excepts."""


@form
class DirectiveBasis(Form):
    """Why the directive binds, and which authority it rests on."""

    kind: Annotated[str, one_of("voluntary", "agreed", "order")]
    authority: Annotated[str, _TEXT]


@form
class Reasons(Form):
    """The form of the reasons, and what may be said about them. Sealed reasons are here as a commitment."""

    form: Annotated[str, one_of("written", "verbal", "sealed", "none")]
    summary: Annotated[str | None, _TEXT] = None
    text: Annotated[str | None, sized(1, REASONS_MAX, "characters")] = None
    commitment: Annotated[str | None, _HASH] = None


StatedReasons: TypeAlias = Annotated[Reasons | Unread, or_unread(Reasons)]
"""Its reasons."""
Arrived: TypeAlias = Annotated[Arrival | Unread | None, or_unread(Arrival | None)]
"""How it arrived, if two officers transcribe it."""


@form
class Replaces(Form):
    """The directive that another directive replaces, and the digest of its present document."""

    directive: Annotated[str, _NAME]
    document: Annotated[str, _DIGEST]


@form
class DirectiveMetadata(Form):
    """The directive's name, and the verifier key of the log it is for.

    `transcribed` says how an order arrived that two officers transcribe.
    """

    name: Annotated[str, _NAME]
    log: Annotated[str, _TEXT]
    replaces: Annotated[Replaces | Unread | None, or_unread(Replaces | None)] = None
    drill: Annotated[Json, _TRUE] = None
    transcribed: Arrived = None


def _surfaces(value: Json) -> Literal["all"] | tuple[str, ...]:
    if value == "all":
        return "all"
    if type(value) is not list:
        raise Misread("'all', or a list of surfaces", shown(value))
    found: tuple[str, ...] = codec_of(tuple[str, ...]).read(value)
    return found


Surfaces: TypeAlias = Annotated[
    Literal["all"] | tuple[str, ...],
    Codec(_surfaces, lambda value: value if value == "all" else list(value), {}),
]
"""The surfaces that a directive is about."""
_SURFACES_NEED = Needs(
    "'all', or 1 to 50 names of surfaces",
    lambda value: value == "all" or (1 <= len(value) <= 50 and all(map(_NAME.holds, value))),
)


_TIME = codec_of(Time)
Begins: TypeAlias = Annotated[
    int | None,
    Codec(
        lambda value: None if value == "immediately" else _TIME.read(value),
        lambda value: "immediately" if value is None else _TIME.write(value),
        {},
        _TIME.suffix,
    ),
]
"""When a directive begins: milliseconds since 1970 UTC; None immediately, which is `immediately` in JSON."""


def _drain(value: Json) -> int:
    try:
        return durations.milliseconds(value)
    except (TypeError, ValueError):
        raise Misread("a duration from PT0S to P1D", shown(value)) from None


_DRAIN = Codec(_drain, lambda value: f"PT{value // 1000}S", {"type": "string"}, "_ms")


def _rule(value: Json) -> Rule:
    try:
        return Rule.from_json(value)
    except Misread:
        return NEVER


def _are_restrictions(value: Mapping[str, Json]) -> bool:
    number = value.get("requestsPerMinute", 1)
    is_number = type(number) is int and 1 <= number <= REQUESTS_MAX
    known = value.keys() <= {"requestsPerMinute", "personNamed"}
    return bool(value) and known and is_number and value.get("personNamed", True) is True


_RESTRICTIONS = Needs(
    f"requestsPerMinute from 1 to {REQUESTS_MAX:,}, or personNamed: true", _are_restrictions
)


@form
class DirectiveSpec(Form):
    """Who narrows access, for which requests, and why.

    Units: `effective_ms` milliseconds since 1970 UTC, None immediately; `expires_ms` exclusive.
    """

    issuer: Annotated[str, _NAME]
    basis: DirectiveBasis
    action: Annotated[str, one_of("suspend", "restrict")]
    conditions: Annotated[
        Mapping[str, Json] | Unread | None, or_unread(Mapping[str, Json] | None), _RESTRICTIONS
    ] = None
    models: Annotated[tuple[str, ...], sized(1, 100, "models"), _MODELS]
    surfaces: Annotated[Surfaces, _SURFACES_NEED]
    covers: Covered
    except_: Excepted = None
    annexes: Annotated[
        Mapping[str, CommittedNames] | None, sized(0, 100, "annexes"), _NAMES, _ALL_COMMITTED
    ] = None
    effective_ms: Begins = None
    expires_ms: Time | None = None
    drain_ms: Annotated[int, _DRAIN, _GRACE] = 0
    reasons: StatedReasons
    lifted_by: Annotated[Rule, Codec(_rule, Rule.to_json, Rule.SCHEMA)]
    licensed_by: Annotated[Rule | None, Codec(_rule, Rule.to_json, Rule.SCHEMA)] = None

    @property
    def licensing(self) -> Rule:
        """The rule that decides licences: its own, or else the one that lifts it."""
        return self.lifted_by if self.licensed_by is None else self.licensed_by

    def is_about(self, surface: str) -> bool:
        """Whether it is about this surface."""
        return self.surfaces == "all" or surface in self.surfaces

    def begins_ms(self, at_ms: int) -> int:
        """When it begins, if it was issued at `at_ms`. Units: milliseconds since 1970 UTC."""
        return at_ms if self.effective_ms is None else self.effective_ms

    def selections(self) -> Iterator[tuple[str, Selection]]:
        """Who it covers and who it excepts, by `covers` and `except`.

        A part that means everyone is not there.
        """
        for part, stated in (("covers", self.covers), ("except", self.except_)):
            if isinstance(stated, Selection):
                yield part, stated


@form
class Document(Form):
    """A directive as it is signed and published. `source` is the JSON it came from."""

    api_version: Annotated[str, one_of("sluicegate/v1")]
    kind: Annotated[str, one_of("Directive")]
    metadata: DirectiveMetadata
    spec: DirectiveSpec
    source: Mapping[str, Json] | None = field(default=None, compare=False, repr=False, metadata=SOURCE)

    @classmethod
    def check(cls, value: object) -> Self:
        """Check a document before it goes on the record. Raises: BadEnvelope: with the first error."""
        try:
            made = cls.from_json(value)
        except Misread as error:
            raise _refused(error) from None
        fault = next(_faults(made), None)
        if fault is not None:
            raise _refused(fault)
        return made

    def to_json(self) -> dict[str, Json]:
        """The JSON it came from."""
        return super(Document, self).to_json() if self.source is None else dict(self.source)

    @property
    def digest(self) -> str:
        """The digest that names its present text, `sha256:…`."""
        return canonical.digest(self.to_json())

    @property
    def is_drill(self) -> bool:
        """Whether it is a drill: no gateway refuses a request because of it."""
        return bool(self.metadata.drill)

    @property
    def is_transcribed(self) -> bool:
        """Whether two officers enter it for its issuer."""
        return self.metadata.transcribed is not None

    @property
    def replaces(self) -> Replaces | None:
        """The directive that it replaces, as far as this build can read it."""
        return None if isinstance(self.metadata.replaces, Unread) else self.metadata.replaces

    def commitments(self) -> dict[str, tuple[str, int | None]]:
        """Its commitments: commitment and count, by the name of the opening."""
        found: dict[str, tuple[str, int | None]] = {}
        for part, stated in self.spec.selections():
            for kind, each in (("organizations", stated.organizations), ("persons", stated.persons)):
                if isinstance(each, CommittedNames):
                    found[f"{part}.{kind}"] = each.commitment, each.count
        for name, each in (self.spec.annexes or {}).items():
            found[ANNEX + name] = each.commitment, each.count
        reasons = self.spec.reasons
        if isinstance(reasons, Reasons) and reasons.commitment is not None:
            found["reasons"] = reasons.commitment, None
        return found

    def is_opened_by(self, opened: Mapping[str, Opening]) -> bool:
        """Whether the openings beside it are exactly those of its commitments.

        Sealed reasons may stay with their issuer.
        """
        committed = self.commitments()
        if not committed.keys() - {"reasons"} <= opened.keys() <= committed.keys():
            return False
        return all(_fits(name, each, *committed[name]) for name, each in opened.items())


def _fits(name: str, opening: Opening, commitment: str, count: int | None) -> bool:
    if opening.commitment("sealed", name) != commitment:
        return False
    if count is None:
        return True
    value = opening.value()
    try:
        return count == (names.count(names.check(value)) if name.startswith(ANNEX) else len(value))
    except (TypeError, ValueError):
        return False


def _refused(fault: Misread) -> BadEnvelope:
    return BadEnvelope(f"a signed directive: {fault.message}")


def _faults(document: Document) -> Iterator[Misread]:
    """What is wrong with a document, both in the fields that this build knows and in those it does not."""
    source = document.to_json()
    yield from nulls(source)
    yield from faults(document)
    yield from _inconsistent(document)
    rule = source["spec"]["liftedBy"]
    for path, expected, found in quorum.faults(rule, frozenset(_texts(rule)), ("spec", "liftedBy")):
        yield Misread(expected, found, path)


def _inconsistent(document: Document) -> Iterator[Misread]:
    """Parts that are each well-formed, but contradict each other."""
    spec = document.spec
    if (spec.action == "restrict") != (spec.conditions is not None):
        expected = "conditions with 'restrict', and only with it"
        yield Misread(expected, spec.action, ("spec", "conditions"))
    yield from _misselected(spec)
    begins_ms = spec.effective_ms
    if spec.expires_ms is not None and begins_ms is not None and spec.expires_ms <= begins_ms:
        yield Misread("a time after 'effective'", "one that is not", ("spec", "expires"))
    reasons = spec.reasons
    if isinstance(reasons, Reasons) and reasons.text and reasons.form not in {"written", "sealed"}:
        expected = "a text only where reasons are written or sealed"
        yield Misread(expected, "one", ("spec", "reasons", "text"))
    if document.is_drill and document.metadata.replaces is not None:
        yield Misread("a drill that replaces nothing", "one that does", ("metadata", "drill"))


def _misselected(spec: DirectiveSpec) -> Iterator[Misread]:
    used: set[str] = set()
    for part, stated in spec.selections():
        if stated.is_empty:
            expected = "organizations, registeredIn, persons or annexes: empty covers nobody"
            yield Misread(expected, "nothing", ("spec", part))
        used |= set(stated.annexes or ())
        if part == "except" and isinstance(stated.persons, Persons) and stated.persons.not_known is not None:
            expected = "nothing here: one whose status is not known is never excepted"
            yield Misread(expected, "'unknown'", ("spec", part, "persons", "unknown"))
    for name in sorted(used ^ set(spec.annexes or ())):
        yield Misread("each annex stated, and each used", repr(name), ("spec", "annexes"))


def _texts(rule: Any) -> Iterator[str]:
    if isinstance(rule, str):
        yield rule
    elif isinstance(rule, dict | list):
        for child in rule.values() if isinstance(rule, dict) else rule:
            yield from _texts(child)
