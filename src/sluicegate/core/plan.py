"""Plans: a release as code.

Rules:
- A plan is read whole; every error is reported with its place, and then nothing is applied.
- What a plan may say but this build cannot enforce is refused by name (`LATER`), never ignored.
- A stage's *terms* are its normative fields; their digest is what agencies agree to. Titles are not
  in it; models, surfaces and the agencies that decide are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from sluicegate.core import canonical, durations, quorum
from sluicegate.core.document import Document, Fault, Path

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$")]
ModelId = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
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


def is_plain(text: str) -> bool:
    """Whether a terminal or a page shows a text as it stands: no control or invisible characters."""
    return not any(unicodedata.category(character) in _INVISIBLE for character in text)


_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co"})


def _plain(text: str) -> str:
    if not is_plain(text):
        raise PydanticCustomError("plain_text", "text without control or invisible characters")
    return text


Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_plain)]
DateText = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
_RULE_HERE = {"const": "a rule stands here"}
Rule = Annotated[dict[str, Any], WithJsonSchema(_RULE_HERE)]

LATER: dict[str, str] = {
    "evaluators": "evaluations as evidence",
    "evaluations": "evaluations as evidence",
    "scrutiny": "evaluations as evidence",
    "opensWhen": "stages that open by requirements; open it by hand with 'stage open'",
    "audience": "stages for everyone",
    "ramp": "ramps",
    "clock": "clocks",
    "remove": "removal cases",
    "screening": "screening records",
    "onwardAccess": "onward access",
    "evaluation": "evaluations as evidence",
}
"""Fields of the plan language that this build refuses by name, and what they need."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Model(_Strict):
    """A model: its public id, the upstream that serves it, and digests of weights and safeguards."""

    id: ModelId
    upstream: Name
    digest: Digest
    safeguards: Digest


class Agency(_Strict):
    """A body whose position counts."""

    name: Text


class Basis(_Strict):
    """Why a stage's rules bind: who asked, how, when, and until when."""

    kind: Literal["voluntary", "agreed", "order"]
    askedBy: Annotated[list[Name], Field(min_length=1)]  # noqa: N815 - the plan language's own name
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


class Admission(_Strict):
    """How organizations are admitted: the mode, and the rule over agencies' positions."""

    mode: Literal["approve"]
    grant: Rule


class Eligibility(_Strict):
    """Who may apply."""

    registeredIn: Annotated[list[Country], Field(min_length=1)]  # noqa: N815 - the plan language's own name


class Declared(_Strict):
    """A condition that is stated and agreed to, but not enforced by this build."""

    value: str | int | bool
    declared: Literal[True]


class Conditions(_Strict):
    """Duties attached to every grant of a stage. Only the two named here are enforced."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, Declared]

    requestsPerMinute: Annotated[int, Field(ge=1, le=10_000_000)] | None = None  # noqa: N815 - likewise
    validFor: Duration | None = None  # noqa: N815 - the plan language's own name


class Stage(_Strict):
    """A step of the release. It is opened by hand, by an officer's signed entry."""

    name: Name
    title: Text | None = None
    basis: Basis
    seats: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    admission: Admission
    eligibility: Eligibility | None = None
    conditions: Conditions | None = None


class Disclosure(_Strict):
    """What the public record says of organizations."""

    organizations: Literal["never"]


class OnRefusal(_Strict):
    """What a refused caller is offered."""

    fallbackModel: ModelId  # noqa: N815 - the plan language's own name


class Spec(_Strict):
    """What is released, where, by whose leave, in which stages."""

    models: Annotated[list[Model], Field(min_length=1, max_length=100)]
    surfaces: Annotated[list[Name], Field(min_length=1, max_length=50)]
    announced: bool = True
    leaseMs: Annotated[int, Field(ge=500, le=60_000)] = 5_000  # noqa: N815 - the plan language's own name
    agencies: Annotated[dict[Name, Agency], Field(min_length=1, max_length=100)]
    stages: Annotated[list[Stage], Field(min_length=1, max_length=50)]
    disclosure: Disclosure = Disclosure(organizations="never")
    onRefusal: OnRefusal | None = None  # noqa: N815 - the plan language's own name


class Metadata(_Strict):
    """The release's name, its developer, and a title for people."""

    name: Name
    developer: Name
    title: Text | None = None


class Plan(_Strict):
    """A plan: one release of a model, in stages."""

    apiVersion: Literal["sluicegate/v1"]  # noqa: N815 - the plan language's own name
    kind: Literal["Release"]
    metadata: Metadata
    spec: Spec


def read(document: Document) -> dict[str, Any]:
    """Check a document and return the plan as JSON, defaults filled in.

    Raises: InvalidDocument: with the place of every error.
    """
    faults = list(_shape_faults(document.value)) + list(_sense_faults(document.value))
    if faults:
        raise document.refuse(faults)
    return Plan.model_validate(document.value).model_dump(mode="json", exclude_none=True)


def schema() -> dict[str, Any]:
    """The JSON Schema of plans, for completion in editors."""
    result: dict[str, Any] = _with_rules(Plan.model_json_schema())
    result["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    result["$id"] = "urn:sluicegate:plan:v1"
    result["$defs"] |= {"Rule": quorum.SCHEMA, "RuleMembers": quorum.MEMBERS_SCHEMA}
    return result


def _with_rules(schema: Any) -> Any:
    """The schema with a reference to the rules' own, which pydantic cannot refer to, where one stands."""
    if isinstance(schema, dict):
        is_rule = _RULE_HERE.items() <= schema.items()
        return {"$ref": "#/$defs/Rule"} if is_rule else {k: _with_rules(v) for k, v in schema.items()}
    return [_with_rules(item) for item in schema] if isinstance(schema, list) else schema


def stages(plan: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The plan's stages by name."""
    return {stage["name"]: stage for stage in plan["spec"]["stages"]}


def agencies_of(stage: Mapping[str, Any]) -> frozenset[str]:
    """The agencies a stage names: those that asked, and those whose positions count."""
    return frozenset(stage["basis"]["askedBy"]) | quorum.parties_of(stage["admission"]["grant"])


def model_digests(given: Mapping[str, Any]) -> list[dict[str, str]]:
    """What a statement says of the models: their digests, and their safeguards' digests, without names."""
    return [
        {"digest": model["digest"], "safeguards": model["safeguards"]} for model in given["spec"]["models"]
    ]


def terms_digest(plan: Mapping[str, Any], stage: Mapping[str, Any]) -> str:
    """The digest of a stage's normative fields, as `sha256:…`."""
    spec = plan["spec"]
    return canonical.digest(
        {
            "release": plan["metadata"]["name"],
            "developer": plan["metadata"]["developer"],
            "models": spec["models"],
            "surfaces": spec["surfaces"],
            "leaseMs": spec["leaseMs"],
            "disclosure": spec["disclosure"],
            "agencies": sorted(agencies_of(stage)),
            "stage": {name: value for name, value in stage.items() if name != "title"},
        }
    )


def _shape_faults(value: Any) -> Iterator[Fault]:
    try:
        Plan.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            yield fault_of(detail, value)


def fault_of(detail: ErrorDetails, value: Any) -> Fault:
    """One pydantic error as a fault: what was expected, and what was found."""
    path: Path = detail["loc"]
    last = path[-1] if path else ""
    if detail["type"] == "extra_forbidden":
        if last in LATER:
            return Fault(path, f"nothing here: this build does not have {LATER[str(last)]} yet", f"{last!r}")
        return Fault(path, "a field of the plan language", f"{last!r}")
    if detail["type"] == "missing":
        return Fault(path, f"the field {last!r}", "none")
    if path[-2:-1] == ("conditions",) and last not in Conditions.model_fields:
        expected = (
            f"a condition this build enforces, or {{value: …, declared: true}} ({detail['msg'].lower()})"
        )
        return Fault(_existing(path, value), expected, _shown(detail["input"]))
    return Fault(_existing(path, value), _expected(detail), _shown(detail["input"]))


def _existing(path: Path, value: Any) -> Path:
    for i, step in enumerate(path):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return path[:i]
    return path


def _expected(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "string_pattern_mismatch":
        return f"text matching {context['pattern']}"
    if detail["type"] == "literal_error":
        return f"{context['expected']} (this build has no other)"
    return detail["msg"].removeprefix("Input should be ")


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "…"


def _sense_faults(value: Any) -> Iterator[Fault]:
    """What no field can see alone: names that refer to nothing, and names used twice."""
    declared = _at(value, "spec", "agencies")
    agencies = frozenset(declared) if isinstance(declared, dict) else frozenset()
    developer = _at(value, "metadata", "developer")
    if isinstance(developer, str) and developer in agencies:
        yield Fault(("spec", "agencies", developer), "an agency other than the developer", repr(developer))
    yield from _repeated(value, "models", "id")
    yield from _repeated(value, "stages", "name")
    yield from _nulls(value, ())
    for i, surface in _items(_at(value, "spec", "surfaces")):
        if surface in value["spec"]["surfaces"][:i]:
            yield Fault(("spec", "surfaces", i), "each surface once", repr(surface))
    for i, stage in _items(_at(value, "spec", "stages")):
        yield from _stage_faults(stage, ("spec", "stages", i), agencies)


def _stage_faults(stage: Any, path: Path, agencies: frozenset[str]) -> Iterator[Fault]:
    for i, agency in _items(_at(stage, "basis", "askedBy")):
        if isinstance(agency, str) and agency not in agencies:
            expected = "one of " + (", ".join(sorted(agencies)) or "no agency (none is declared)")
            yield Fault((*path, "basis", "askedBy", i), expected, _shown(agency))
    rule = _at(stage, "admission", "grant")
    if isinstance(rule, dict):
        for at, expected, found in quorum.faults(rule, agencies, (*path, "admission", "grant")):
            yield Fault(at, expected, found)


def _repeated(value: Any, field: str, key: str) -> Iterator[Fault]:
    seen: set[Any] = set()
    for i, item in _items(_at(value, "spec", field)):
        name = _at(item, key)
        if isinstance(name, str) and name in seen:
            yield Fault(("spec", field, i, key), f"each {key} once", repr(name))
        elif isinstance(name, str):
            seen.add(name)


def _nulls(value: Any, path: Path) -> Iterator[Fault]:
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


def _at(value: Any, *path: str) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value
