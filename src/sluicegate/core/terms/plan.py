"""Plans: a release as code, as a person writes it.

Rules:
- A plan is read as a whole. Every error is reported with its place, and then no part is applied.
- A field that is not of the plan language is refused, never ignored.
- The result is a `sluicegate_record.terms.plan.Plan`. The classes here, `Written…`, know only what a person
  may write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError

from sluicegate.core.terms import (
    audiences,
    contradictions,
    deadlines,
    deployments,
    evaluations,
    findings,
    meanings,
    programmes,
    remits,
    requirements,
    scrutiny,
    sizes,
    temporary,
)
from sluicegate.core.terms.audiences import (
    WrittenAudience,
    WrittenExposure,
    WrittenRampStep,
    WrittenSuccession,
)
from sluicegate.core.terms.deadlines import WrittenClock
from sluicegate.core.terms.deployments import WrittenDeployments
from sluicegate.core.terms.document import Fault, YamlDocument, reached, shown
from sluicegate.core.terms.evaluations import WrittenEvaluation
from sluicegate.core.terms.findings import WrittenFindings
from sluicegate.core.terms.nearest import fields_at, nearest
from sluicegate.core.terms.programmes import WrittenProgrammes
from sluicegate.core.terms.remits import WrittenReferrals
from sluicegate.core.terms.requirements import REQUIREMENTS_HERE, WrittenRequirements
from sluicegate.core.terms.scrutiny import WrittenDesignations, WrittenScrutiny
from sluicegate.core.terms.shapes import Detail, details_of, existing
from sluicegate.core.terms.shapes import expected as expected_of
from sluicegate.core.terms.temporary import WrittenAfterUntil
from sluicegate.core.terms.written import (
    RULE_HERE,
    Country,
    DateText,
    Digest,
    Duration,
    ModelId,
    Slug,
    Strict,
    Text,
    WrittenRule,
    faults_of_rule,
)
from sluicegate_record.errors import NotCanonical
from sluicegate_record.form import Misread
from sluicegate_record.log import canonical
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms import plan as terms
from sluicegate_record.terms import quorum
from sluicegate_record.terms import scrutiny as raised
from sluicegate_record.terms.audience import ORGANIZATIONS

Directs = Annotated[list[ModelId], Field(max_length=100)]
OnwardAccess = Literal["none", "affiliates", "embedded", "resale"]


class WrittenModel(Strict):
    """A model: its public id, the upstream that serves it, and digests of weights and safeguards."""

    id: ModelId
    upstream: Slug
    digest: Digest
    safeguards: Digest


class WrittenAgency(Strict):
    """An agency whose position counts.

    `directs`: the models about which it alone may issue directives; without it, the models of its releases.
    `concerns`: its remit, such as cyber.
    """

    name: Text
    directs: Directs | None = None
    concerns: Annotated[list[Slug], Field(min_length=1, max_length=50)] | None = None


class WrittenEvaluator(Strict):
    """Who evaluates a model before a stage. It signs, and takes no position unless it is an agency."""

    name: Text


class WrittenStageBasis(Strict):
    """Why a stage's rules bind: who asked, how, when, until when, and what follows when that day is over."""

    kind: Literal["voluntary", "agreed", "order"]
    askedBy: Annotated[list[Slug], Field(min_length=1)]  # noqa: N815 - the plan language's own name
    how: Text
    askedOn: DateText  # noqa: N815 - the plan language's own name
    until: DateText | None = None
    afterUntil: WrittenAfterUntil | None = None  # noqa: N815 - the plan language's own name


class WrittenAppeal(Strict):
    """The rule that decides appeals, and how long after a decision one is possible."""

    decide: WrittenRule
    within: Duration | None = None


class WrittenAdmission(Strict):
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


class WrittenOwnerThreshold(Strict):
    """Which owners an applicant must name: all with more than this share.

    Units: per cent.
    """

    above: Annotated[int, Field(ge=0, le=99)]


class WrittenEligibility(Strict):
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


class DeclaredCondition(Strict):
    """A condition that is stated and agreed to, but not enforced by this build."""

    value: str | int | bool
    declared: Literal[True]


class WrittenConditions(Strict):
    """Duties attached to every grant of a stage. Only the two named here are enforced."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, DeclaredCondition]

    requestsPerMinute: Annotated[int, Field(ge=1, le=10_000_000)] | None = None  # noqa: N815 - likewise
    validFor: Duration | None = None  # noqa: N815 - the plan language's own name


class WrittenStage(Strict):
    """A step of the release. It opens by itself once `opensWhen` holds; without that, an officer opens it.

    `audience`: `applicants` apply, each with a case; `everyone` needs none, nor do the `evaluators` of the
    plan and the organizations of a list. `ramp`: by which shares of all organizations. `grants`: how grants
    of earlier stages go on when it opens. `target`: the day by which the developer promises that it opens.
    """

    name: Slug
    title: Text | None = None
    target: DateText | None = None
    basis: WrittenStageBasis
    concern: Slug | None = None
    opensWhen: WrittenRequirements | None = None  # noqa: N815 - the plan language's own name
    exposure: WrittenExposure | None = None
    audience: WrittenAudience | None = None
    ramp: Annotated[list[WrittenRampStep], Field(min_length=1, max_length=20)] | None = None
    grants: Annotated[dict[Slug, WrittenSuccession], Field(min_length=1)] | None = None
    seats: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    admission: WrittenAdmission | None = None
    eligibility: WrittenEligibility | None = None
    conditions: WrittenConditions | None = None


class WrittenDisclosure(Strict):
    """What the public record says of organizations."""

    organizations: Literal["never"]


class WrittenOnRefusal(Strict):
    """What a refused caller gets as an offer."""

    fallbackModel: ModelId  # noqa: N815 - the plan language's own name


class WrittenPlanSpec(Strict):
    """What is released, where, with whose permission, in which stages."""

    models: Annotated[list[WrittenModel], Field(min_length=1, max_length=100)]
    surfaces: Annotated[list[Slug], Field(min_length=1, max_length=50)]
    announced: bool = True
    leaseMs: Annotated[int, Field(ge=500, le=60_000)] = 5_000  # noqa: N815 - the plan language's own name
    agencies: Annotated[dict[Slug, WrittenAgency], Field(min_length=1, max_length=100)]
    evaluators: Annotated[dict[Slug, WrittenEvaluator], Field(min_length=1, max_length=100)] | None = None
    evaluations: Annotated[dict[Slug, WrittenEvaluation], Field(min_length=1, max_length=50)] | None = None
    stages: Annotated[list[WrittenStage], Field(min_length=1, max_length=50)]
    disclosure: WrittenDisclosure = WrittenDisclosure(organizations="never")
    referrals: WrittenReferrals | None = None
    designations: WrittenDesignations | None = None
    scrutiny: Annotated[dict[Slug, WrittenScrutiny], Field(min_length=1, max_length=20)] | None = None
    programmes: WrittenProgrammes | None = None
    findings: WrittenFindings | None = None
    deployments: WrittenDeployments | None = None
    onRefusal: WrittenOnRefusal | None = None  # noqa: N815 - the plan language's own name


class WrittenPlanMetadata(Strict):
    """The release's name, its developer, and a title for people."""

    name: Slug
    developer: Slug
    title: Text | None = None


class WrittenPlan(Strict):
    """A plan: one release of a model, in stages."""

    apiVersion: Literal["sluicegate/v1"]  # noqa: N815 - the plan language's own name
    kind: Literal["Release"]
    metadata: WrittenPlanMetadata
    spec: WrittenPlanSpec


def read(document: YamlDocument, names: Mapping[str, Sequence[str]] | None = None) -> terms.Plan:
    """Check a document, and return the plan with all defaults.

    `names` are those of each list that it refers to, by its file; None: the lists are not looked at. In the
    plan a list has its names, where one that is applied has commitments to them.
    Raises: InvalidDocument: with the place of every error.
    """
    asked = list(_asked_faults(document.value))
    asked += audiences.faults(document.value, ("spec", "stages"))
    if names is not None:
        asked += audiences.list_faults(document.value, names)
    faults = [*_shape_faults(document.value), *_sense_faults(document.value), *asked]
    if faults:
        raise document.refuse(faults)
    checked = WrittenPlan.model_validate(document.value)
    value = checked.model_dump(mode="json", exclude_none=True, by_alias=True)
    for stage in value["spec"]["stages"]:
        file = audiences.listed_in(stage.get("audience"))
        if file is not None:
            stage["audience"] = {ORGANIZATIONS: list((names or {}).get(file, ()))}
    asks = [(stage, "opensWhen") for stage in value["spec"]["stages"]]
    asks += [(level, "requires") for level in value["spec"].get("scrutiny", {}).values()]
    for each, name in asks:
        if name in each:
            each[name] = requirements.normalised(each[name])
    for name, each in value["spec"].get("evaluations", {}).items():
        value["spec"]["evaluations"][name] = evaluations.normalised(each)
    given = terms.Plan.from_json(value)
    try:
        raised.under(given, given.spec.scrutiny)
    except Misread as error:
        too_deep = Fault(("spec", "scrutiny"), f"{error.expected}, with what a level adds", error.found)
        raise document.refuse([too_deep]) from error
    return given


def written(given: terms.Plan) -> str:
    """A plan as a person may go on writing it: YAML. It has no list of names, only commitments to them."""
    value = deepcopy(given.to_json())
    for each in value["spec"].get("evaluations", {}).values():
        each |= {name: json.loads(each[name]) for name in ("atLeast", "atMost") if name in each}
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def schema() -> dict[str, Any]:
    """The JSON Schema of plans, for completion in editors."""
    result: dict[str, Any] = _with_rules(WrittenPlan.model_json_schema())
    rules = {"Rule": quorum.SCHEMA, "RuleMembers": quorum.MEMBERS_SCHEMA}
    defs = {**result.get("$defs", {}), **rules, **_with_rules(requirements.schemas())}
    found: dict[str, Any] = meanings.described({**result, "$defs": defs})
    return {
        **found,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:sluicegate:plan:v1",
    }


@cache
def _fields() -> dict[str, Any]:
    return schema()


def _with_rules(schema: Any) -> Any:
    """The schema with references to those of rules and requirements, which pydantic cannot refer to."""
    if isinstance(schema, dict):
        for here, name in ((RULE_HERE, "Rule"), (REQUIREMENTS_HERE, "Requirements")):
            if here.items() <= schema.items():
                return {"$ref": f"#/$defs/{name}"}
        return {k: _with_rules(v) for k, v in schema.items()}
    return [_with_rules(item) for item in schema] if isinstance(schema, list) else schema


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
        at = reached(at, step)
    yield fault_of(detail, value)


def _is_shape(step: str | int) -> bool:
    return isinstance(step, str) and (step in _TAGS or step.startswith("function-after["))


_SHAPES = {"name": "WrittenRung", "review": "ReviewBeforeUntil"}
_TAGS = frozenset({*_SHAPES.values(), "str", "int", "bool", "literal['lapse','stay']"})
"""What pydantic adds to the place of an error in a value that may have several shapes."""
_ANY_OF = {
    "to": "a name, or {name: …, within: …}",
    "afterUntil": temporary.EXPECTED,
    "by": "a list of agencies, or a rule over them",
}


def _shapeless(item: Any, path: JsonPath) -> Iterator[Fault]:
    places = (_ANY_OF.get(str(step)) for step in reversed(path[-2:]))
    expected = next(filter(None, places), "text, a whole number, true or false")
    yield Fault(path, expected, shown(item))


def fault_of(detail: Detail, value: Any) -> Fault:
    """One pydantic error as a fault: what was expected, and what was found."""
    path = detail.loc
    last = path[-1] if path else ""
    if detail.type == "extra_forbidden":
        near = nearest(last, fields_at(_fields(), path[:-1]))
        return Fault(path, "a field of the plan language", f"{last!r}", near)
    if detail.type == "missing":
        return Fault(path, f"the field {last!r}", "none")
    if path[-2:-1] == ("conditions",) and last not in WrittenConditions.model_fields:
        expected = f"a condition this build enforces, or {{value: …, declared: true}} ({expected_of(detail)})"
        near = nearest(last, WrittenConditions.model_fields)
        return Fault(existing(path, value), expected, shown(detail.input), near)
    near = detail.ctx.get("near", "")
    return Fault(existing(path, value), expected_of(detail), shown(detail.input), near)


def _sense_faults(value: Any) -> Iterator[Fault]:
    """Faults that no single field shows: names that refer to nothing, and names used twice."""
    declared = _at(value, "spec", "agencies")
    agencies = frozenset(declared) if isinstance(declared, dict) else frozenset()
    developer = _at(value, "metadata", "developer")
    if isinstance(developer, str) and developer in agencies:
        yield Fault(("spec", "agencies", developer), "an agency other than the developer", repr(developer))
    for name, agency in declared.items() if isinstance(declared, dict) else ():
        yield from directs_faults(agency, ("spec", "agencies", name))
    yield from remits.faults(_at(value, "spec"))
    yield from scrutiny.faults(_at(value, "spec"), agencies)
    yield from programmes.faults(_at(value, "spec", "programmes"), ("spec", "programmes"))
    yield from evaluations.faults(_at(value, "spec"), _parties(value))
    yield from findings.faults(_at(value, "spec"), agencies)
    yield from deployments.faults(_at(value, "spec"))
    yield from _repeated(value, "models", "id")
    yield from _repeated(value, "stages", "name")
    yield from _fallback_faults(_at(value, "spec"))
    yield from _nulls(value, ())
    surfaces = _at(value, "spec", "surfaces")
    for i, surface in _items(surfaces):
        if surface in surfaces[:i]:
            yield Fault(("spec", "surfaces", i), "each surface once", repr(surface))
    is_hidden = _at(value, "spec", "announced") is False
    for i, stage in _items(_at(value, "spec", "stages")):
        yield from _stage_faults(stage, ("spec", "stages", i), agencies)
        if is_hidden and _at(stage, "target") is not None:
            expected = "no target date in a release that is not announced: everyone sees a promise"
            yield Fault(("spec", "stages", i, "target"), expected, shown(_at(stage, "target")))


def _fallback_faults(spec: Any) -> Iterator[Fault]:
    """A fallback that is refused whenever the other model is: it is the only model of the release."""
    fallback, models = _at(spec, "onRefusal", "fallbackModel"), _at(spec, "models")
    if (
        fallback is not None
        and isinstance(models, list)
        and [_at(each, "id") for each in models] == [fallback]
    ):
        path = ("spec", "onRefusal", "fallbackModel")
        yield Fault(path, "another model than the only one of this release", shown(fallback))


def _asked_faults(value: Any) -> Iterator[Fault]:
    """What is wrong with what stages require before they open."""
    stages = _at(value, "spec", "stages")
    for path, asked in scrutiny.asked(_at(value, "spec")):
        for model, each, at in requirements.written(asked, path):
            try:
                model.model_validate(each)
            except ValidationError as error:
                for detail in details_of(error):
                    yield fault_of(detail._replace(loc=(*at, *detail.loc)), value)
        yield from requirements.signers_faults(asked, path, _parties(value))
    yield from requirements.faults(stages, ("spec", "stages"))


def _parties(value: Any) -> frozenset[str]:
    """Those who may sign for a requirement: agencies, evaluators, and the developer."""
    named = [_at(value, "spec", name) for name in ("agencies", "evaluators")]
    developer = _at(value, "metadata", "developer")
    found = {str(name) for each in named if isinstance(each, dict) for name in each}
    return frozenset(found | ({developer} if isinstance(developer, str) else set()))


def _stage_faults(stage: Any, path: JsonPath, agencies: frozenset[str]) -> Iterator[Fault]:
    for i, agency in _items(_at(stage, "basis", "askedBy")):
        if isinstance(agency, str) and agency not in agencies:
            expected = "one of " + (", ".join(sorted(agencies)) or "no agency (none is declared)")
            yield Fault((*path, "basis", "askedBy", i), expected, shown(agency))
    yield from temporary.faults(_at(stage, "basis"), agencies, (*path, "basis"))
    for at, rule in _rules_of(stage).items():
        yield from faults_of_rule(rule, agencies, (*path, *at))
    if _at(stage, "eligibility") == {}:
        yield Fault((*path, "eligibility"), "at least one criterion, or the field left out", "none")
    yield from _admission_faults(_at(stage, "admission"), (*path, "admission"), agencies)
    yield from contradictions.faults(stage, path)
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
        *(path for path, _ in requirements.rules(_at(stage, "opensWhen"), ("opensWhen",))),
    ]
    found = {place: _at(stage, *place) for place in places}
    return {path: rule for path, rule in found.items() if isinstance(rule, dict)}


def _admission_faults(admission: Any, path: JsonPath, agencies: frozenset[str]) -> Iterator[Fault]:
    if _at(admission, "mode") == "notify" and not isinstance(_at(admission, "clock"), dict):
        yield Fault(path, "a clock: where silence admits, it says how long one may object", "none")
    yield from deadlines.faults(_at(admission, "clock"), (*path, "clock"))
    for i, agency in _items(_at(admission, "countersign")):
        if isinstance(agency, str) and agency not in agencies:
            yield Fault((*path, "countersign", i), "one of " + ", ".join(sorted(agencies)), shown(agency))


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
        value = reached(value, step)
    return value
