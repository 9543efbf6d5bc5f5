"""Plans: a release as code, as a person writes it.

Rules:
- A plan is read as a whole. Every error is reported with its place, and then no part is applied.
- A part that a plan may have but this build cannot enforce is refused by name (`LATER`), never ignored.
- The result is a `sluicegate_record.terms.plan.Plan`. The classes here, `Written…`, know only what a person
  may write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from operator import itemgetter
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from sluicegate.core.terms import sizes
from sluicegate.core.terms.clocks import CALENDARS
from sluicegate.core.terms.document import Fault, YamlDocument
from sluicegate_record.errors import NotCanonical
from sluicegate_record.log import canonical
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms import durations, quorum
from sluicegate_record.terms import plan as terms
from sluicegate_record.terms.text import is_plain

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$")]
ModelId = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Directs = Annotated[list[ModelId], Field(max_length=100)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


def _duration(text: str) -> str:
    try:
        lasts_ms = durations.milliseconds(text)
    except ValueError as error:
        raise PydanticCustomError("duration", "a duration such as P30D or PT12H") from error
    if not lasts_ms:
        raise PydanticCustomError("duration", "a duration longer than nothing, such as P30D or PT12H")
    return text


Duration = Annotated[str, Field(pattern=durations.PATTERN), AfterValidator(_duration)]


def _plain(text: str) -> str:
    if not is_plain(text):
        raise PydanticCustomError("plain_text", "text without control or invisible characters")
    return text


Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_plain)]
DateText = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
OnwardAccess = Literal["none", "affiliates", "embedded", "resale"]
_RULE_HERE = {"const": "a rule stands here"}
WrittenRule = Annotated[dict[str, Any], WithJsonSchema(_RULE_HERE)]

LATER: dict[str, str] = {
    "evaluators": "evaluations as evidence",
    "evaluations": "evaluations as evidence",
    "scrutiny": "evaluations as evidence",
    "evidence": "evaluations as evidence",
    "noOpenFindings": "findings",
    "soak": "stages that open by themselves after a time",
    "audience": "stages for everyone",
    "ramp": "ramps",
    "evaluation": "evaluations as evidence",
}
"""Fields of the plan language that this build refuses by name, and what they need."""


def _title(model: type) -> str:
    return model.__name__.removeprefix("Written")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, model_title_generator=_title)


class WrittenModel(_Strict):
    """A model: its public id, the upstream that serves it, and digests of weights and safeguards."""

    id: ModelId
    upstream: Slug
    digest: Digest
    safeguards: Digest


class WrittenAgency(_Strict):
    """An agency whose position counts.

    `directs`: the models about which it alone may issue directives; without it, the models of its releases.
    """

    name: Text
    directs: Directs | None = None


class WrittenStageBasis(_Strict):
    """Why a stage's rules bind: who asked, how, when, and until when."""

    kind: Literal["voluntary", "agreed", "order"]
    askedBy: Annotated[list[Slug], Field(min_length=1)]  # noqa: N815 - the plan language's own name
    how: Text
    askedOn: DateText  # noqa: N815 - the plan language's own name
    until: DateText | None = None

    @field_validator("askedOn", "until")
    @classmethod
    def _is_a_date(cls, value: str | None) -> str | None:
        try:
            date.fromisoformat(value or "2026-01-01")
        except ValueError as error:
            raise PydanticCustomError("date", "a date such as 2026-06-24") from error
        return value


class WrittenRung(_Strict):
    """A step of a ladder: who is asked next after a silence, and for how long; without a time,
    as long as the agency.
    """

    name: Text
    within: Annotated[int, Field(ge=1, le=1000)] | None = None


class WrittenOverall(_Strict):
    """How long a whole case may take, without the time spent waiting for the applicant;
    and what follows then.
    """

    within: Annotated[int, Field(ge=1, le=1000)]
    then: Literal["lapse", "escalate"]


class WrittenClock(_Strict):
    """How long an agency has, from its signed receipt, and what its silence means.

    `to` is the ladder of `escalate`; `then` says what silence at its last step means.
    Units: `within` in `unit`s; local dates of the calendar's time zone. `warn` before an agency's due date.
    """

    within: Annotated[int, Field(ge=1, le=1000)]
    unit: Literal["days", "business-days"] = "days"
    calendar: Annotated[str, Field(json_schema_extra={"enum": sorted(CALENDARS)})] = "weekends"
    silence: Literal["escalate", "no-objection", "deny"]
    to: Annotated[list[Text | WrittenRung], Field(min_length=1, max_length=10)] | None = None
    then: Literal["wait", "no-objection", "deny"] | None = None
    warn: Duration | None = None
    overall: WrittenOverall | None = None

    @field_validator("calendar")
    @classmethod
    def _is_a_calendar(cls, value: str) -> str:
        if value not in CALENDARS:
            raise PydanticCustomError("calendar", f"one of {', '.join(sorted(CALENDARS))}")
        return value


class WrittenAppeal(_Strict):
    """The rule that decides appeals, and how long after a decision one is possible."""

    decide: WrittenRule
    within: Duration | None = None


class WrittenAdmission(_Strict):
    """How organizations are admitted and removed: the mode, the rules over agencies' positions, the clock.

    `reply`: how long an applicant has to answer a denial, and a holder to answer before a removal counts.
    `offer`: how long the next organization on the waitlist has to take a free seat. `countersign`: agencies
    for whose positions two of their owners must sign.
    """

    mode: Literal["approve", "notify"]
    grant: WrittenRule
    remove: WrittenRule | None = None
    clock: WrittenClock | None = None
    countersign: Annotated[list[Slug], Field(min_length=1)] | None = None
    reply: Duration | None = None
    offer: Duration | None = None
    appeal: WrittenAppeal | None = None


class WrittenOwnerThreshold(_Strict):
    """Which owners an applicant must name: all with more than this share.

    Units: per cent.
    """

    above: Annotated[int, Field(ge=0, le=99)]


class WrittenEligibility(_Strict):
    """Who may apply, and what is checked. Everyone can see it before they apply.

    `registeredIn` applies to the organization, and to the affiliates that will use the model. Only the onward
    access listed here is eligible; if the field is left out, no onward access is eligible.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    registeredIn: Annotated[list[Country], Field(min_length=1)] | None = None  # noqa: N815 - the plan language's own name
    owners: WrittenOwnerThreshold | None = None
    screening: Literal["clear"] | None = None
    onwardAccess: Annotated[list[OnwardAccess], Field(min_length=1)] | None = None  # noqa: N815 - likewise
    criteria: Annotated[list[Text], Field(min_length=1, max_length=50)] | None = None


class TermsAgreement(_Strict):
    """A requirement: every agency named in the stage has agreed to its terms. It always holds."""

    terms: Literal["agreed"]


class AgreedBy(_Strict):
    """A requirement: these agencies agree to the opening, in a separate case."""

    agreedBy: WrittenRule  # noqa: N815 - the plan language's own name


class WrittenOpensWhen(_Strict):
    """What must hold before an officer's opening counts."""

    allOf: Annotated[list[TermsAgreement | AgreedBy], Field(min_length=1, max_length=10)]  # noqa: N815 - likewise


class DeclaredCondition(_Strict):
    """A condition that is stated and agreed to, but not enforced by this build."""

    value: str | int | bool
    declared: Literal[True]


class WrittenConditions(_Strict):
    """Duties attached to every grant of a stage. Only the two named here are enforced."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, DeclaredCondition]

    requestsPerMinute: Annotated[int, Field(ge=1, le=10_000_000)] | None = None  # noqa: N815 - likewise
    validFor: Duration | None = None  # noqa: N815 - the plan language's own name


class WrittenStage(_Strict):
    """A step of the release. An officer's signed entry opens it, once all of `opensWhen` holds."""

    name: Slug
    title: Text | None = None
    basis: WrittenStageBasis
    opensWhen: WrittenOpensWhen | None = None  # noqa: N815 - the plan language's own name
    seats: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    admission: WrittenAdmission
    eligibility: WrittenEligibility | None = None
    conditions: WrittenConditions | None = None


class WrittenDisclosure(_Strict):
    """What the public record says of organizations."""

    organizations: Literal["never"]


class WrittenOnRefusal(_Strict):
    """What a refused caller gets as an offer."""

    fallbackModel: ModelId  # noqa: N815 - the plan language's own name


class WrittenPlanSpec(_Strict):
    """What is released, where, with whose permission, in which stages."""

    models: Annotated[list[WrittenModel], Field(min_length=1, max_length=100)]
    surfaces: Annotated[list[Slug], Field(min_length=1, max_length=50)]
    announced: bool = True
    leaseMs: Annotated[int, Field(ge=500, le=60_000)] = 5_000  # noqa: N815 - the plan language's own name
    agencies: Annotated[dict[Slug, WrittenAgency], Field(min_length=1, max_length=100)]
    stages: Annotated[list[WrittenStage], Field(min_length=1, max_length=50)]
    disclosure: WrittenDisclosure = WrittenDisclosure(organizations="never")
    onRefusal: WrittenOnRefusal | None = None  # noqa: N815 - the plan language's own name


class WrittenPlanMetadata(_Strict):
    """The release's name, its developer, and a title for people."""

    name: Slug
    developer: Slug
    title: Text | None = None


class WrittenPlan(_Strict):
    """A plan: one release of a model, in stages."""

    apiVersion: Literal["sluicegate/v1"]  # noqa: N815 - the plan language's own name
    kind: Literal["Release"]
    metadata: WrittenPlanMetadata
    spec: WrittenPlanSpec


def read(document: YamlDocument) -> terms.Plan:
    """Check a document, and return the plan with all defaults.

    Raises: InvalidDocument: with the place of every error.
    """
    faults = list(_shape_faults(document.value)) + list(_sense_faults(document.value))
    if faults:
        raise document.refuse(faults)
    checked = WrittenPlan.model_validate(document.value)
    return terms.Plan.from_json(checked.model_dump(mode="json", exclude_none=True))


def schema() -> dict[str, Any]:
    """The JSON Schema of plans, for completion in editors."""
    result: dict[str, Any] = _with_rules(WrittenPlan.model_json_schema())
    defs = {**result.get("$defs", {}), "Rule": quorum.SCHEMA, "RuleMembers": quorum.MEMBERS_SCHEMA}
    return {
        **result,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:sluicegate:plan:v1",
        "$defs": defs,
    }


def _with_rules(schema: Any) -> Any:
    """The schema with references to the schema of the rules, because pydantic cannot refer to it."""
    if isinstance(schema, dict):
        is_rule = _RULE_HERE.items() <= schema.items()
        return {"$ref": "#/$defs/Rule"} if is_rule else {k: _with_rules(v) for k, v in schema.items()}
    return [_with_rules(item) for item in schema] if isinstance(schema, list) else schema


class Detail(NamedTuple):
    """One of pydantic's errors, with pydantic's own names."""

    type: str
    loc: JsonPath
    msg: str
    input: Any
    ctx: Mapping[str, Any]


_DETAIL = itemgetter("type", "loc", "msg", "input")


def details_of(error: ValidationError) -> list[Detail]:
    """Everything that pydantic found, in its order."""
    found: list[Detail] = []
    for each in error.errors(include_url=False):
        kind, loc, msg, given = _DETAIL(each)
        found.append(Detail(kind, loc, msg, given, each.get("ctx", {})))
    return found


def _shape_faults(value: Any) -> Iterator[Fault]:
    try:
        WrittenPlan.model_validate(value)
    except ValidationError as error:
        details = details_of(error)
        yield from dict.fromkeys(fault for detail in details for fault in _faults_of(detail, value))


def _faults_of(detail: Detail, value: Any) -> Iterator[Fault]:
    """One pydantic error. If a value may have several shapes, only errors about the intended shape count."""
    at: Any = value
    for i, step in enumerate(detail.loc):
        if _is_shape(step) and not (isinstance(at, dict) and step in at):
            path = detail.loc[:i]
            if not isinstance(at, dict) or not _SHAPES.keys() & at.keys():
                yield from _shapeless(at, path)
            elif any(_SHAPES.get(name) == step for name in at):
                yield fault_of(detail._replace(loc=(*path, *detail.loc[i + 1 :])), value)
            return
        at = _reached(at, step)
    yield fault_of(detail, value)


def _is_shape(step: str | int) -> bool:
    return isinstance(step, str) and (step in _TAGS or step.startswith("function-after["))


_SHAPES = {"terms": "TermsAgreement", "agreedBy": "AgreedBy", "name": "WrittenRung"}
_TAGS = frozenset({*_SHAPES.values(), "str", "int", "bool"})
"""What pydantic adds to the place of an error in a value that may have several shapes."""
_ANY_OF = {"allOf": "{terms: agreed} or {agreedBy: a rule}", "to": "a name, or {name: …, within: …}"}


def _shapeless(item: Any, path: JsonPath) -> Iterator[Fault]:
    later = [name for name in item if name in LATER] if isinstance(item, dict) else []
    for name in later:
        yield _lacking((*path, name), name)
    if not later:
        expected = _ANY_OF.get(str(path[-2]), "text, a whole number, true or false")
        yield Fault(path, expected, _shown(item))


def _lacking(path: JsonPath, name: str) -> Fault:
    return Fault(path, f"nothing here: this build does not have {LATER[name]} yet", repr(name))


def _reached(value: Any, step: Any) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def fault_of(detail: Detail, value: Any) -> Fault:
    """One pydantic error as a fault: what was expected, and what was found."""
    path = detail.loc
    last = path[-1] if path else ""
    if detail.type == "extra_forbidden":
        if last in LATER:
            return _lacking(path, str(last))
        return Fault(path, "a field of the plan language", f"{last!r}")
    if detail.type == "missing":
        return Fault(path, f"the field {last!r}", "none")
    if path[-2:-1] == ("conditions",) and last not in WrittenConditions.model_fields:
        expected = f"a condition this build enforces, or {{value: …, declared: true}} ({_expected(detail)})"
        return Fault(_existing(path, value), expected, _shown(detail.input))
    return Fault(_existing(path, value), _expected(detail), _shown(detail.input))


def _existing(path: JsonPath, value: Any) -> JsonPath:
    for i, step in enumerate(path):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return path[:i]
    return path


def _expected(detail: Detail) -> str:
    if detail.type == "string_pattern_mismatch":
        return f"text matching {detail.ctx['pattern']}"
    if detail.type == "literal_error":
        return f"{detail.ctx['expected']} (this build has no other)"
    if detail.type in _KINDS:
        return _KINDS[detail.type]
    if detail.type in _FIELDS:
        return _fields_of(str(detail.ctx.get("class_name", "")))
    if detail.type in _BOUNDS:
        return _BOUNDS[detail.type].format(**{"field_type": "list", **detail.ctx})
    return detail.msg.removeprefix("Input should be ")


_KINDS = {
    "dict_type": "names with values, such as 'name: …'",
    "list_type": "a list, such as [a, b]",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
}
"""What was expected where a value has the wrong type, in words, by the type of pydantic's error."""
_FIELDS = frozenset({"model_type", "model_attributes_type", "dataclass_type"})
_BOUNDS = {
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
}
"""The same for values out of range, with the bounds of the error."""


def _fields_of(class_name: str) -> str:
    """What is expected where a group of fields belongs: the first of its fields, as people write them."""
    known = {each.__name__: each for each in _written(_Strict)}
    fields = known[class_name].model_fields if class_name in known else {}
    names = [field.alias or name for name, field in fields.items()][:2]
    return f"fields, such as '{', '.join(f'{name}: …' for name in names or ['name'])}'"


def _written(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in kind.__subclasses__():
        yield each
        yield from _written(each)


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "…"


def _sense_faults(value: Any) -> Iterator[Fault]:
    """Faults that no single field shows: names that refer to nothing, and names used twice."""
    declared = _at(value, "spec", "agencies")
    agencies = frozenset(declared) if isinstance(declared, dict) else frozenset()
    developer = _at(value, "metadata", "developer")
    if isinstance(developer, str) and developer in agencies:
        yield Fault(("spec", "agencies", developer), "an agency other than the developer", repr(developer))
    for name, agency in declared.items() if isinstance(declared, dict) else ():
        yield from directs_faults(agency, ("spec", "agencies", name))
    yield from _repeated(value, "models", "id")
    yield from _repeated(value, "stages", "name")
    yield from _nulls(value, ())
    surfaces = _at(value, "spec", "surfaces")
    for i, surface in _items(surfaces):
        if surface in surfaces[:i]:
            yield Fault(("spec", "surfaces", i), "each surface once", repr(surface))
    for i, stage in _items(_at(value, "spec", "stages")):
        yield from _stage_faults(stage, ("spec", "stages", i), agencies)


def _stage_faults(stage: Any, path: JsonPath, agencies: frozenset[str]) -> Iterator[Fault]:
    for i, agency in _items(_at(stage, "basis", "askedBy")):
        if isinstance(agency, str) and agency not in agencies:
            expected = "one of " + (", ".join(sorted(agencies)) or "no agency (none is declared)")
            yield Fault((*path, "basis", "askedBy", i), expected, _shown(agency))
    for at, rule in _rules_of(stage).items():
        for place, expected, found in quorum.faults(rule, agencies, (*path, *at)):
            yield Fault(place, expected, found)
    if _at(stage, "eligibility") == {}:
        yield Fault((*path, "eligibility"), "at least one criterion, or the field left out", "none")
    yield from _admission_faults(_at(stage, "admission"), (*path, "admission"), agencies)
    most = {"conditions": sizes.PLAN_CONDITIONS_MAX, "admission": sizes.ADMISSION_MAX}
    for name, bytes_max in most.items():
        taken = _bytes_of(_at(stage, name))
        if taken > bytes_max:
            yield Fault((*path, name), f"at most {bytes_max:,} bytes of JSON", f"{taken:,}")


def _bytes_of(value: Any) -> int:
    """How many bytes a value takes in an entry; 0 of one that no entry can have."""
    try:
        return len(canonical.dumps(value))
    except NotCanonical:
        return 0


def _rules_of(stage: Any) -> dict[JsonPath, dict[str, Any]]:
    """Every value in the places where a stage states its rules, by its place."""
    places: list[JsonPath] = [
        ("admission", "grant"),
        ("admission", "remove"),
        ("admission", "appeal", "decide"),
        *(("opensWhen", "allOf", i, "agreedBy") for i, _ in _items(_at(stage, "opensWhen", "allOf"))),
    ]
    found = {place: _at(stage, *place) for place in places}
    return {path: rule for path, rule in found.items() if isinstance(rule, dict)}


def _admission_faults(admission: Any, path: JsonPath, agencies: frozenset[str]) -> Iterator[Fault]:
    clock = _at(admission, "clock")
    if isinstance(clock, dict):
        escalates = clock.get("silence") == "escalate"
        if escalates and "to" not in clock:
            yield Fault((*path, "clock"), "the field 'to', the ladder silence is taken up", "none")
        for name in ("to", "then"):
            if name in clock and not escalates:
                yield Fault(
                    (*path, "clock", name), f"{name!r} only where silence is 'escalate'", _shown(clock[name])
                )
    elif _at(admission, "mode") == "notify":
        yield Fault(path, "a clock: where silence admits, it says how long one may object", "none")
    for i, agency in _items(_at(admission, "countersign")):
        if isinstance(agency, str) and agency not in agencies:
            yield Fault((*path, "countersign", i), "one of " + ", ".join(sorted(agencies)), _shown(agency))


def directs_faults(agency: Any, path: JsonPath) -> Iterator[Fault]:
    """A model that an agency directs, named twice."""
    models = _at(agency, "directs")
    for i, model in _items(models):
        if model in models[:i]:
            yield Fault((*path, "directs", i), "each model once", repr(model))


def _repeated(value: Any, field: str, key: str) -> Iterator[Fault]:
    seen: set[Any] = set()
    for i, item in _items(_at(value, "spec", field)):
        name = _at(item, key)
        if isinstance(name, str) and name in seen:
            yield Fault(("spec", field, i, key), f"each {key} once", repr(name))
        elif isinstance(name, str):
            seen.add(name)


def condition_faults(value: Any) -> Iterator[Fault]:
    """What is wrong with the conditions that a position states."""
    try:
        WrittenConditions.model_validate(value)
    except ValidationError as error:
        details = [each._replace(loc=("conditions", *each.loc)) for each in details_of(error)]
        found = [fault_of(each, {"conditions": value}) for each in details]
        yield from dict.fromkeys(Fault(fault.path[1:], fault.expected, fault.found) for fault in found)


def _nulls(value: Any, path: JsonPath) -> Iterator[Fault]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for step, child in children:
        if child is None:
            yield Fault((*path, step), "a value, or the field left out", "nothing")
        else:
            yield from _nulls(child, (*path, step))


def _items(value: Any) -> Iterator[tuple[int, Any]]:
    return enumerate(value) if isinstance(value, list) else enumerate(())


def _at(value: Any, *path: str | int) -> Any:
    for step in path:
        value = _reached(value, step)
    return value
