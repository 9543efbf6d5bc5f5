"""Directives: a narrowing of access, as its issuer writes it and as it is signed.

Rules:
- Empty covers nobody and is invalid; so is a model or issuer nobody knows (checked by `core.lifecycle`).
- What the language has but this build does not is refused by name.
- Names are in the clear only to the signer and the control plane: the signed statement and the public record
  carry their count and a commitment. What opens the commitments goes beside it.
- What is signed says what its words mean: the statuses of a definition and their source are in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from sluicegate.core.directives import annex, cover
from sluicegate.core.people import persons
from sluicegate.core.people.persons import Definition
from sluicegate.core.terms import plan
from sluicegate.core.terms.document import Document, Fault
from sluicegate.core.terms.plan import Country, Digest, ModelId, Name, Rule, Text, _Strict
from sluicegate.errors import BadEnvelope, InvalidInput
from sluicegate_record.log import canonical, times
from sluicegate_record.log.events import Opening
from sluicegate_record.terms import durations, quorum

LATER: dict[str, str] = {"tiers": "trusted-access tiers"}
"""Fields of the directive language that this build refuses by name, and what they need."""
NAMES_MAX = 1_000
REASONS_MAX = 10_000
DOCUMENT_BYTES_MAX = 26_000
"""How large a document is that is signed: an entry holds it twice, once in base64, and the signatures."""
DRAIN_MAX_MS = 86_400_000
PERSON_ID = r"^mem_[a-z2-7]{16}$"

PersonId = Annotated[str, Field(pattern=PERSON_ID)]
AssuranceWord: TypeAlias = Literal["self-asserted", "organization", "identity-provider", "credential"]


def _time(text: str) -> str:
    """A time with its zone, as entries write it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - stands for what is no time
    if moment.tzinfo is None:
        raise PydanticCustomError("time", "a time with its zone, such as 2026-06-12T21:21:00Z")
    return times.format_time((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))


def _drain(text: str) -> str:
    try:
        lasts_ms = durations.milliseconds(text)
    except ValueError:
        lasts_ms = -1
    if not 0 <= lasts_ms <= DRAIN_MAX_MS:
        raise PydanticCustomError("duration", "a duration from PT0S to P1D")
    return text


def _signed_time(text: str) -> str:
    """A time that is compared as it stands."""
    if _time(text) != text:
        raise PydanticCustomError("time", "a time such as 2026-06-12T21:21:00.000Z, in UTC")
    return text


Time = Annotated[str, AfterValidator(_time)]
SignedTime = Annotated[str, AfterValidator(_signed_time)]


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "object"


class Persons(_Strict):
    """Persons by the status that a definition means; `assurance` is the least that counts as known."""

    definition: Name
    unknown: Literal["covered", "spared"] = "covered"
    assurance: AssuranceWord | None = None


class ExceptedPersons(_Strict):
    """Persons excepted by status; one whose status is not known well enough is not among them."""

    definition: Name
    assurance: AssuranceWord | None = None


Ids = Annotated[list[PersonId], Field(min_length=1, max_length=NAMES_MAX)]
Names = Annotated[list[Text], Field(min_length=1, max_length=NAMES_MAX)]
Countries = Annotated[list[Country], Field(min_length=1, max_length=250)]
Annexes = Annotated[list[Name], Field(min_length=1, max_length=100)]


class _Whom(_Strict):
    registeredIn: Countries | None = None  # noqa: N815 - the directive language's own name
    annexes: Annexes | None = None


class Covered(_Whom):
    """Whom a directive covers: the union of what is stated."""

    organizations: Names | None = None
    persons: (
        Annotated[Annotated[Persons, Tag("object")] | Annotated[Ids, Tag("list")], Discriminator(_kind)]
        | None
    ) = None


class Excepted(_Whom):
    """Whom it excepts: the union of what is stated."""

    organizations: Names | None = None
    persons: (
        Annotated[
            Annotated[ExceptedPersons, Tag("object")] | Annotated[Ids, Tag("list")], Discriminator(_kind)
        ]
        | None
    ) = None


class AnnexFile(_Strict):
    """A list of names in a file, and the SHA-256 of the file."""

    file: Annotated[str, Field(min_length=1, max_length=1_024)]
    digest: Digest


class DirectiveBasis(_Strict):
    """Why the directive binds, and by what authority."""

    kind: Literal["voluntary", "agreed", "order"]
    authority: Text


class Restrictions(_Strict):
    """What `restrict` asks of every request that is covered."""

    requestsPerMinute: Annotated[int, Field(ge=1, le=10_000_000)] | None = None  # noqa: N815 - likewise
    personNamed: Literal[True] | None = None  # noqa: N815 - likewise


class Reasons(_Strict):
    """In which form reasons were given, what may be said of them; where written or sealed, the reasons."""

    form: Literal["written", "verbal", "sealed", "none"]
    summary: Text | None = None
    text: Annotated[str, Field(min_length=1, max_length=REASONS_MAX)] | None = None


class _CommonSpec(_Strict):
    issuer: Name
    basis: DirectiveBasis
    action: Literal["suspend", "restrict"]
    conditions: Restrictions | None = None
    models: Annotated[list[ModelId], Field(min_length=1, max_length=100)]
    surfaces: Annotated[
        Annotated[Literal["all"], Tag("text")]
        | Annotated[Annotated[list[Name], Field(min_length=1, max_length=50)], Tag("list")]
        | Annotated[Literal["all"], Tag("object")],
        Discriminator(_kind),
    ]
    effective: Literal["immediately"] | Time = "immediately"
    expires: Time | None = None
    drain: Annotated[str, AfterValidator(_drain)] = "PT0S"


class DirectiveSpec(_CommonSpec):
    """Who narrows what for whom, and why."""

    covers: Annotated[
        Annotated[Literal["everyone"], Tag("text")]
        | Annotated[Covered, Tag("object")]
        | Annotated[Literal["everyone"], Tag("list")],
        Discriminator(_kind),
    ]
    except_: Annotated[Excepted | None, Field(alias="except")] = None
    annexes: Annotated[dict[Name, AnnexFile], Field(max_length=100)] | None = None
    reasons: Reasons
    liftedBy: Rule | None = None  # noqa: N815 - the directive language's own name


class Committed(_Strict):
    """How many are named, and the commitment to their names."""

    count: Annotated[int, Field(ge=1)]
    commitment: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SignedPersons(Persons):
    """Persons by status, with the statuses that the definition means, and where that is written."""

    statuses: Annotated[list[Literal["us_citizen", "us_permanent_resident", "us_protected_person", "other"]],
                        Field(min_length=1)]  # fmt: skip
    source: Text


class SignedExceptedPersons(ExceptedPersons):
    """The same, excepted."""

    statuses: Annotated[list[Literal["us_citizen", "us_permanent_resident", "us_protected_person", "other"]],
                        Field(min_length=1)]  # fmt: skip
    source: Text


def _signed_kind(value: Any) -> str:
    return "committed" if isinstance(value, dict) and "commitment" in value else _kind(value)


class SignedCovered(_Whom):
    """Whom a directive covers, as it is signed and published."""

    organizations: Committed | None = None
    persons: (
        Annotated[
            Annotated[SignedPersons, Tag("object")] | Annotated[Committed, Tag("committed")],
            Discriminator(_signed_kind),
        ]
        | None
    ) = None


class SignedExcepted(_Whom):
    """Whom it excepts, as it is signed and published."""

    organizations: Committed | None = None
    persons: (
        Annotated[
            Annotated[SignedExceptedPersons, Tag("object")] | Annotated[Committed, Tag("committed")],
            Discriminator(_signed_kind),
        ]
        | None
    ) = None


class SignedReasons(_Strict):
    """Reasons as they are published: sealed ones by commitment."""

    form: Literal["written", "verbal", "sealed", "none"]
    summary: Text | None = None
    text: Annotated[str, Field(min_length=1, max_length=REASONS_MAX)] | None = None
    commitment: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class DirectiveMetadata(_Strict):
    """The directive's name, the one it takes the place of, and whether it is a drill."""

    name: Name
    replaces: Name | None = None
    drill: Literal[True] | None = None


class Replaced(_Strict):
    """The directive that another takes the place of, as it stands."""

    directive: Name
    document: Digest


class Received(_Strict):
    """How an order came that two officers transcribe: a letter by its digest, a call by a note."""

    how: Literal["letter", "call", "meeting", "message"]
    on: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    digest: Digest | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Received:
        """Without either nobody can ever tell which letter or call it was."""
        if self.digest is None and self.note is None:
            raise PydanticCustomError("received", "the digest of the letter, or a note of the call")
        return self


class SignedMetadata(_Strict):
    """The directive's name, and the log it is for, by its verifier key."""

    name: Name
    log: Text
    replaces: Replaced | None = None
    drill: Literal[True] | None = None
    transcribed: Received | None = None


class Directive(_Strict):
    """A directive as its issuer writes it."""

    apiVersion: Literal["sluicegate/v1"]  # noqa: N815 - the directive language's own name
    kind: Literal["Directive"]
    metadata: DirectiveMetadata
    spec: DirectiveSpec


class SignedSpec(_CommonSpec):
    """What is signed: names as count and commitment, and who lifts it spelled out."""

    covers: Annotated[
        Annotated[Literal["everyone"], Tag("text")]
        | Annotated[SignedCovered, Tag("object")]
        | Annotated[Literal["everyone"], Tag("list")],
        Discriminator(_kind),
    ]
    except_: Annotated[SignedExcepted | None, Field(alias="except")] = None
    annexes: Annotated[dict[Name, Committed], Field(max_length=100)] | None = None
    effective: Literal["immediately"] | SignedTime = "immediately"
    expires: SignedTime | None = None
    reasons: SignedReasons
    liftedBy: Rule  # noqa: N815 - the directive language's own name


class SignedDirective(_Strict):
    """A directive as it is signed and published."""

    apiVersion: Literal["sluicegate/v1"]  # noqa: N815 - the directive language's own name
    kind: Literal["Directive"]
    metadata: SignedMetadata
    spec: SignedSpec


def read(document: Document) -> dict[str, Any]:
    """Check a document and return the directive as JSON, defaults filled in.

    Raises: InvalidDocument: with the place of every error.
    """
    faults = list(_faults(document.value, Directive))
    if faults:
        raise document.refuse(faults)
    value = _plain(Directive.model_validate(document.value))
    value["spec"].setdefault("liftedBy", {"allOf": [value["spec"]["issuer"]]})
    return value


@dataclass(frozen=True, slots=True)
class Signing:
    """What a signer adds to a written directive.

    `log` is the log's verifier key; `salt` gives 32 fresh random bytes; `annexes` are the names in the files,
    as `annex.read` gives them; `definitions` what the record adds to those every build has; `replaced` the
    digest of the document that it takes the place of; `received` how it came, where it is transcribed.
    """

    log: str
    salt: Callable[[], bytes]
    annexes: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    replaced: str | None = None
    received: Mapping[str, str] | None = None


def to_sign(document: dict[str, Any], signing: Signing) -> tuple[dict[str, Any], dict[str, Opening]]:
    """The document as it is signed and published, and what opens its commitments.

    Requires: `document` is what `read` returned.
    Raises: InvalidInput: a definition nobody knows; more than an entry holds.
    """
    opened: dict[str, Opening] = {}

    def commit(name: str, value: Any) -> str:
        opened[name] = Opening(signing.salt(), canonical.dumps(value))
        return opened[name].commitment("sealed", name)

    spec = dict(document["spec"])
    for part in ("covers", "except"):
        if isinstance(spec.get(part), dict):
            spec[part] = _whom_to_sign(spec[part], part, signing, commit)
    if "annexes" in spec:
        rows = {name: signing.annexes[name] for name in spec["annexes"]}
        spec["annexes"] = {
            name: {"count": annex.count(names), "commitment": commit(cover.ANNEX + name, names)}
            for name, names in rows.items()
        }
    reasons = dict(spec["reasons"])
    if reasons["form"] == "sealed" and "text" in reasons:
        reasons["commitment"] = commit("reasons", reasons.pop("text"))
    metadata = {"name": document["metadata"]["name"], "log": signing.log}
    given = document["metadata"]
    if "replaces" in given:
        metadata["replaces"] = {"directive": given["replaces"], "document": signing.replaced}
    if given.get("drill"):
        metadata["drill"] = True
    if signing.received is not None:
        metadata["transcribed"] = dict(signing.received)
    signed = {**document, "metadata": metadata, "spec": {**spec, "reasons": reasons}}
    size = len(canonical.dumps(signed))
    if size > DOCUMENT_BYTES_MAX:
        raise InvalidInput(
            f"a directive of {size} bytes as it is signed, expected at most {DOCUMENT_BYTES_MAX}",
            remedy="shorten its reasons, or seal them and give them to who may read them",
        )
    return signed, opened


def _whom_to_sign(
    whom: Mapping[str, Any], part: str, signing: Signing, commit: Callable[[str, Any], str]
) -> dict[str, Any]:
    found = dict(whom)
    if "organizations" in whom:
        names = whom["organizations"]
        found["organizations"] = {"count": len(names), "commitment": commit(f"{part}.organizations", names)}
    stated = whom.get("persons")
    if isinstance(stated, list):
        found["persons"] = {"count": len(stated), "commitment": commit(f"{part}.persons", stated)}
    elif stated is not None:
        meant = definition(stated["definition"], signing.definitions)
        found["persons"] = {**stated, "statuses": sorted(meant.statuses), "source": meant.source}
    return found


def definition(name: str, added: Mapping[str, Definition]) -> Definition:
    """What a definition means. Raises: InvalidInput: nobody has said."""
    found = persons.DEFINITIONS.get(name) or added.get(name)
    if found is None:
        known = ", ".join(sorted({*persons.DEFINITIONS, *added}))
        raise InvalidInput(
            f"no definition {name!r}, expected one of {known}",
            code="definition_unknown",
            remedy="'definition add' puts one on the record, with its source",
        )
    return found


def check_signed(document: dict[str, Any]) -> None:
    """Check a directive as it was signed: nothing in it is ignored.

    Raises: BadEnvelope: with the first error.
    """
    for fault in _faults(document, SignedDirective):
        where = ".".join(map(str, fault.path))
        raise BadEnvelope(f"a signed directive: {where}: expected {fault.expected}, found {fault.found}")


def commitments(document: Mapping[str, Any]) -> dict[str, tuple[str, int | None]]:
    """What a signed document commits to: commitment and count, by the name of what opens it."""
    spec, found = document["spec"], dict[str, tuple[str, int | None]]()
    for part in ("covers", "except"):
        whom = spec.get(part, {})
        for kind in ("organizations", "persons"):
            stated = whom.get(kind, {}) if isinstance(whom, Mapping) else {}
            if "commitment" in stated:
                found[f"{part}.{kind}"] = stated["commitment"], stated["count"]
    for name, stated in spec.get("annexes", {}).items():
        found[cover.ANNEX + name] = stated["commitment"], stated["count"]
    if "commitment" in spec["reasons"]:
        found["reasons"] = spec["reasons"]["commitment"], None
    return found


def opens(document: Mapping[str, Any], opened: Mapping[str, Opening]) -> bool:
    """Whether what came beside a signed document is all that it commits to, and nothing else.

    Sealed reasons may stay with their issuer.
    """
    committed = commitments(document)
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
        return count == (annex.count(annex.check(value)) if name.startswith(cover.ANNEX) else len(value))
    except (TypeError, ValueError):
        return False


def _plain(directive: Directive) -> dict[str, Any]:
    value: dict[str, Any] = directive.model_dump(mode="json", exclude_none=True, by_alias=True)
    return value


def _faults(value: Any, form: type[Directive | SignedDirective]) -> Iterator[Fault]:
    try:
        checked = form.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            yield _fault_of(detail, value)
        return
    yield from _twice(value["spec"])
    yield from _inconsistent(checked)
    rule = checked.spec.liftedBy
    if rule is not None:
        named = frozenset(member for member in _strings(rule))
        for at, expected, found in quorum.faults(rule, named, ("spec", "liftedBy")):
            yield Fault(at, expected, found)


def _twice(spec: Mapping[str, Any]) -> Iterator[Fault]:
    for part in ("covers", "except"):
        whom = spec.get(part)
        for kind, stated in whom.items() if isinstance(whom, dict) else ():
            items = stated if isinstance(stated, list) else ()
            for i, item in enumerate(items):
                if item in items[:i]:
                    yield Fault(("spec", part, kind, i), "each once", repr(item)[:80])


def _inconsistent(checked: Directive | SignedDirective) -> Iterator[Fault]:
    """What is well-formed by itself and makes no sense together."""
    spec = checked.spec
    if (spec.action == "restrict") != (spec.conditions is not None):
        yield Fault(("spec", "conditions"), "conditions with 'restrict', and only with it", spec.action)
    if spec.conditions is not None and not spec.conditions.model_dump(exclude_none=True):
        yield Fault(("spec", "conditions"), "at least one condition", "none")
    used: set[str] = set()
    for part, whom in (("covers", spec.covers), ("except", spec.except_)):
        if isinstance(whom, _Whom):
            if all(stated is None for _, stated in whom):
                expected = "organizations, registeredIn, persons or annexes"
                yield Fault(("spec", part), f"{expected}: empty covers nobody", "nothing")
            used |= set(whom.annexes or ())
    for name in sorted(used ^ set(spec.annexes or ())):
        yield Fault(("spec", "annexes"), "each annex stated, and each used", repr(name))
    if spec.expires is not None and spec.effective != "immediately" and spec.expires <= spec.effective:
        yield Fault(("spec", "expires"), "a time after 'effective'", spec.expires)
    if spec.reasons.text is not None and spec.reasons.form not in {"written", "sealed"}:
        yield Fault(("spec", "reasons", "text"), "a text only where reasons are written or sealed", "one")
    if checked.metadata.drill and checked.metadata.replaces is not None:
        yield Fault(("metadata", "drill"), "a drill that replaces nothing", "one that does")


def _fault_of(detail: ErrorDetails, value: Any) -> Fault:
    detail["loc"] = _within(detail["loc"], value)
    last = detail["loc"][-1] if detail["loc"] else ""
    if detail["type"] == "extra_forbidden" and last in LATER:
        return Fault(
            detail["loc"], f"nothing here: this build does not have {LATER[str(last)]} yet", f"{last!r}"
        )
    return plan.fault_of(detail, value)


def _within(loc: tuple[int | str, ...], value: Any) -> tuple[int | str, ...]:
    """A place without the steps that are pydantic's own: the tags of unions."""
    path: list[int | str] = []
    for i, step in enumerate(loc):
        has = isinstance(value, dict) and step in value
        if has or (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            value = value[step]
            path.append(step)
        elif i == len(loc) - 1 and isinstance(value, dict) and step not in _TAGS:
            path.append(step)
    return tuple(path)


_TAGS = frozenset({"text", "list", "object", "committed"})


def _strings(rule: Any) -> Iterator[str]:
    if isinstance(rule, str):
        yield rule
    elif isinstance(rule, dict):
        for child in rule.values():
            yield from _strings(child)
    elif isinstance(rule, list):
        for child in rule:
            yield from _strings(child)
