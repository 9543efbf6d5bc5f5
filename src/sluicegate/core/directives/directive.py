"""Directives as their issuers write them: read with every fault and its place, and made into what is signed.

Rules:
- A directive that is empty covers no one, and is invalid. A model or issuer that does not exist is invalid
  too; `core.lifecycle` checks this.
- A feature of the language that this build does not have is refused by name.
- Only the signer and the control plane see names in plain text. The signed document has their count and a
  commitment. The openings of the commitments go beside it.
- The signed document says what its words mean: it contains the statuses of a definition and their source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from sluicegate.core.people import persons
from sluicegate.core.people.persons import Definition
from sluicegate.core.terms import document as documents
from sluicegate.core.terms import plan, shapes
from sluicegate.core.terms.document import Fault
from sluicegate.core.terms.written import Country, Digest, ModelId, Slug, Strict, Text, WrittenRule
from sluicegate.errors import InvalidInput
from sluicegate_record.directives import names
from sluicegate_record.directives.document import (
    DRAIN_MAX_MS,
    EVERYONE,
    REASONS_MAX,
    REQUESTS_MAX,
    AssuranceWord,
    Document,
)
from sluicegate_record.log import canonical, times
from sluicegate_record.log.leaf import Opening
from sluicegate_record.terms import durations, quorum

LATER: dict[str, str] = {"tiers": "trusted-access tiers"}
"""Fields of the directive language that this build refuses by name, and what they need."""
NAME_MAX = 63
"""How many characters the name of a directive may have."""
NAMES_MAX = 1_000
DOCUMENT_BYTES_MAX = 26_000
"""How large a signed document may be. An entry has it twice (once in base64), and also the signatures."""
PERSON_ID = r"^mem_[a-z2-7]{16}$"

PersonId = Annotated[str, Field(pattern=PERSON_ID)]
Ids = Annotated[list[PersonId], Field(min_length=1, max_length=NAMES_MAX)]
Names = Annotated[list[Text], Field(min_length=1, max_length=NAMES_MAX)]
Countries = Annotated[list[Country], Field(min_length=1, max_length=250)]
Annexes = Annotated[list[Slug], Field(min_length=1, max_length=100)]
Surfaces = Annotated[list[Slug], Field(min_length=1, max_length=50)]


def _time(text: str) -> str:
    """A time with its time zone, as entries write it."""
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


def _beginning(text: str) -> str:
    return text if text == "immediately" else _time(text)


WrittenTime = Annotated[str, AfterValidator(_time)]
Beginning = Annotated[str, AfterValidator(_beginning)]


def _word_or(word: str, shape: Any, otherwise: str) -> WrapValidator:
    """One word, or a value of another shape.

    A fault is reported for the shape that was meant, at its own place.
    """
    adapter = TypeAdapter(shape)

    def validated(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
        if value == word:
            return value
        if isinstance(value, dict | list):
            return adapter.validate_python(value)
        raise PydanticCustomError("shape", "{expected}", {"expected": f"{word!r}, or {otherwise}"})

    return WrapValidator(validated)


def _ids_or(by_status: type[BaseModel]) -> WrapValidator:
    """Persons by their ids, or by their status."""
    ids = TypeAdapter(Ids)

    def validated(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
        return ids.validate_python(value) if isinstance(value, list) else by_status.model_validate(value)

    return WrapValidator(validated)


class WrittenPersons(Strict):
    """Persons by the status that a definition means. `assurance` is the lowest level that counts as known."""

    definition: Slug
    unknown: Literal["covered", "spared"] = "covered"
    assurance: AssuranceWord | None = None


class ExceptedPersons(Strict):
    """Persons excepted by status. A person whose status is not known well enough is not excepted."""

    definition: Slug
    assurance: AssuranceWord | None = None


class _Whom(Strict):
    organizations: Names | None = None
    registeredIn: Countries | None = None  # noqa: N815 - the directive language's own name
    annexes: Annexes | None = None


class WrittenCover(_Whom):
    """Who a directive covers: the union of the fields."""

    persons: Annotated[WrittenPersons | list[str], _ids_or(WrittenPersons)] | None = None


class WrittenExemption(_Whom):
    """Who it excepts: the union of the fields."""

    persons: Annotated[ExceptedPersons | list[str], _ids_or(ExceptedPersons)] | None = None


class AnnexFile(Strict):
    """A list of names in a file, and the SHA-256 of the file."""

    file: Annotated[str, Field(min_length=1, max_length=1_024)]
    digest: Digest


class WrittenDirectiveBasis(Strict):
    """Why the directive binds, and which authority it rests on."""

    kind: Literal["voluntary", "agreed", "order"]
    authority: Text


class Restrictions(Strict):
    """What `restrict` asks of every covered request."""

    requestsPerMinute: Annotated[int, Field(ge=1, le=REQUESTS_MAX)] | None = None  # noqa: N815 - likewise
    personNamed: Literal[True] | None = None  # noqa: N815 - likewise


class WrittenReasons(Strict):
    """The form of the reasons, what may be said about them, and written or sealed reasons."""

    form: Literal["written", "verbal", "sealed", "none"]
    summary: Text | None = None
    text: Annotated[str, Field(min_length=1, max_length=REASONS_MAX)] | None = None


class WrittenDirectiveSpec(Strict):
    """Who narrows access, for which requests, and why."""

    issuer: Slug
    basis: WrittenDirectiveBasis
    action: Literal["suspend", "restrict"]
    conditions: Restrictions | None = None
    models: Annotated[list[ModelId], Field(min_length=1, max_length=100)]
    surfaces: Annotated[Literal["all"] | list[str], _word_or("all", Surfaces, "a list of surfaces")]
    covers: Annotated[
        Literal["everyone"] | WrittenCover,
        _word_or(EVERYONE, WrittenCover, "organizations, registeredIn, persons or annexes"),
    ]
    except_: Annotated[WrittenExemption | None, Field(alias="except")] = None
    annexes: Annotated[dict[Slug, AnnexFile], Field(max_length=100)] | None = None
    effective: Beginning = "immediately"
    expires: WrittenTime | None = None
    drain: Annotated[str, AfterValidator(_drain)] = "PT0S"
    reasons: WrittenReasons
    liftedBy: WrittenRule | None = None  # noqa: N815 - the directive language's own name
    licensedBy: WrittenRule | None = None  # noqa: N815 - likewise


class WrittenDirectiveMetadata(Strict):
    """The directive's name, the one that it replaces, and whether it is a drill."""

    name: Slug
    replaces: Slug | None = None
    drill: Literal[True] | None = None


class WrittenDirective(Strict):
    """A directive as its issuer writes it."""

    apiVersion: Literal["sluicegate/v1"]  # noqa: N815 - the directive language's own name
    kind: Literal["Directive"]
    metadata: WrittenDirectiveMetadata
    spec: WrittenDirectiveSpec


def read(document: documents.YamlDocument) -> dict[str, Any]:
    """Check a document, and return the directive as JSON with all defaults.

    Raises: InvalidDocument: with the place of every error.
    """
    faults = list(_faults(document.value))
    if faults:
        raise document.refuse(faults)
    written = WrittenDirective.model_validate(document.value)
    spec = written.spec
    if spec.liftedBy is None:
        spec = spec.model_copy(update={"liftedBy": {"allOf": [spec.issuer]}})
    return _json(written.model_copy(update={"spec": spec}))


@dataclass(frozen=True, slots=True)
class Signing:
    """What a signer adds to a written directive.

    `log` is the log's verifier key. `salt` gives 32 fresh random bytes. `annexes` are the names in the files,
    as `annex.read` gives them. `definitions` are those on the record, beside those that every build has.
    `replaced` is the digest of the document that it replaces. `received` says how it arrived, if it is
    transcribed.
    """

    log: str
    salt: Callable[[], bytes]
    annexes: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    replaced: str | None = None
    received: Mapping[str, str] | None = None


def drill_name(of: str, at: datetime) -> str:
    """A name for the drill of an order. The record never frees a name: the order itself will need its own."""
    suffix = f"-drill-{at:%Y%m%d-%H%M%S}"
    return of[: NAME_MAX - len(suffix)] + suffix


def to_sign(given: dict[str, Any], signing: Signing) -> tuple[Document, dict[str, Opening]]:
    """The document as it is signed and published, and the openings of its commitments.

    Requires: `given` is what `read` returned.
    Raises: InvalidInput: an unknown definition; more than an entry holds. BadEnvelope: what signing adds is
            malformed.
    """
    opened: dict[str, Opening] = {}

    def commit(name: str, value: Any) -> str:
        opened[name] = Opening(signing.salt(), canonical.dumps(value))
        return opened[name].commitment("sealed", name)

    written = WrittenDirective.model_validate(given)
    spec = written.spec
    changes: dict[str, Any] = {}
    for part, whom in (("covers", spec.covers), ("except", spec.except_)):
        if isinstance(whom, WrittenCover | WrittenExemption):
            changes[part] = _whom_to_sign(whom, part, signing, commit)
    if spec.annexes is not None:
        rows = {name: signing.annexes[name] for name in spec.annexes}
        changes |= {"annexes": {name: _annex_to_sign(name, each, commit) for name, each in rows.items()}}
    if spec.reasons.form == "sealed" and spec.reasons.text is not None:
        kept = _json(spec.reasons.model_copy(update={"text": None}))
        changes |= {"reasons": {**kept, "commitment": commit("reasons", spec.reasons.text)}}
    metadata = _metadata_to_sign(written.metadata, signing)
    signed = {**_json(written), "metadata": metadata, "spec": {**_json(spec), **changes}}
    size = len(canonical.dumps(signed))
    if size > DOCUMENT_BYTES_MAX:
        raise InvalidInput(
            f"a directive of {size} bytes as it is signed, expected at most {DOCUMENT_BYTES_MAX}",
            remedy="shorten its reasons, or seal them and give them to who may read them",
        )
    return Document.check(signed), opened


def _metadata_to_sign(written: WrittenDirectiveMetadata, signing: Signing) -> dict[str, Any]:
    found: dict[str, Any] = {"name": written.name, "log": signing.log}
    if written.replaces is not None:
        found |= {"replaces": {"directive": written.replaces, "document": signing.replaced}}
    if written.drill:
        found |= {"drill": True}
    if signing.received is not None:
        found |= {"transcribed": dict(signing.received)}
    return found


def _annex_to_sign(
    name: str, rows: Mapping[str, list[str]], commit: Callable[[str, Any], str]
) -> dict[str, Any]:
    return {"count": names.count(rows), "commitment": commit(names.ANNEX + name, rows)}


def _whom_to_sign(
    whom: WrittenCover | WrittenExemption, part: str, signing: Signing, commit: Callable[[str, Any], str]
) -> dict[str, Any]:
    found, listed, persons = _json(whom), whom.organizations, whom.persons
    if listed is not None:
        found |= {
            "organizations": {"count": len(listed), "commitment": commit(f"{part}.organizations", listed)}
        }
    if isinstance(persons, list):
        found |= {"persons": {"count": len(persons), "commitment": commit(f"{part}.persons", persons)}}
    elif persons is not None:
        meant = definition(persons.definition, signing.definitions)
        stated = {"statuses": sorted(meant.statuses), "source": meant.source}
        found |= {"persons": {**_json(persons), **stated}}
    return found


def definition(name: str, added: Mapping[str, Definition]) -> Definition:
    """What a definition means. Raises: InvalidInput: it is not defined."""
    found = persons.DEFINITIONS.get(name) or added.get(name)
    if found is None:
        known = ", ".join(sorted({*persons.DEFINITIONS, *added}))
        raise InvalidInput(
            f"no definition {name!r}, expected one of {known}",
            code="definition_unknown",
            remedy="'sluicegate definition add NAME --status STATUS --source SOURCE' puts one on the record",
        )
    return found


def _json(written: BaseModel) -> dict[str, Any]:
    value: dict[str, Any] = written.model_dump(mode="json", exclude_none=True, by_alias=True)
    return value


def _faults(value: Any) -> Iterator[Fault]:
    try:
        checked = WrittenDirective.model_validate(value)
    except ValidationError as error:
        for detail in shapes.details_of(error):
            yield _fault_of(detail, value)
        return
    yield from _twice(checked.spec)
    yield from _inconsistent(checked)
    for name, rule in (("liftedBy", checked.spec.liftedBy), ("licensedBy", checked.spec.licensedBy)):
        if rule is not None:
            for each in quorum.faults(rule, frozenset(_strings(rule)), ("spec", name)):
                yield Fault(*each)


def _twice(spec: WrittenDirectiveSpec) -> Iterator[Fault]:
    for part, whom in (("covers", spec.covers), ("except", spec.except_)):
        for kind, items in whom if isinstance(whom, _Whom) else ():
            for i, item in enumerate(items if isinstance(items, list) else ()):
                if item in items[:i]:
                    yield Fault(("spec", part, kind, i), "each once", repr(item)[:80])


def _inconsistent(checked: WrittenDirective) -> Iterator[Fault]:
    """Parts that are each well-formed, but contradict each other."""
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


def _fault_of(detail: shapes.Detail, value: Any) -> Fault:
    last = detail.loc[-1] if detail.loc else ""
    if detail.type == "extra_forbidden" and last in LATER:
        return Fault(
            detail.loc, f"nothing here: this build does not have {LATER[str(last)]} yet", f"{last!r}"
        )
    return plan.fault_of(detail, value)


def _strings(rule: Any) -> Iterator[str]:
    if isinstance(rule, str):
        yield rule
    elif isinstance(rule, dict):
        for child in rule.values():
            yield from _strings(child)
    elif isinstance(rule, list):
        for child in rule:
            yield from _strings(child)
