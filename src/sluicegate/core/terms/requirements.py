"""What a stage requires before it opens, as a person writes it.

Rules:
- Requirements are in groups, `allOf`, `anyOf`, `atLeast`, at most three inside each other.
- `agreedBy` is in the outermost `allOf`: one case decides about the opening, whatever else is required.
- Stages keep their order: what names a stage names an earlier one. So no two stages wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from sluicegate.core.terms.document import Fault, shown
from sluicegate.core.terms.nearest import nearest
from sluicegate.core.terms.written import Duration, Slug, Strict, Text, WrittenRule, rule_faults, rule_of
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms import requirements as terms

REQUIREMENTS_HERE = {"const": "requirements stand here"}
WrittenRequirements = Annotated[dict[str, Any], WithJsonSchema(REQUIREMENTS_HERE)]
NESTED_MAX, MEMBERS_MAX = 3, 10
_GROUP = "a group of requirements: allOf, anyOf or atLeast"
Found: TypeAlias = tuple[JsonPath, dict[str, Any]]
"""A requirement as it is written, and its place."""


def _moment(text: str) -> str:
    try:
        terms.moment_ms(text)
    except ValueError as error:
        raise PydanticCustomError("moment", "a day such as 2026-07-09, or 2026-07-09T16:00:00Z") from error
    return text


Moment = Annotated[str, Field(pattern=terms.MOMENT.pattern), AfterValidator(_moment)]


class WrittenRequirement(Strict):
    """A requirement. `whenLost`: what follows if it no longer holds while the stage is open.

    `halt`: no one else is admitted. `close`: the stage closes. `tell`: the record says so.
    """

    whenLost: Literal["halt", "close", "tell"] | None = None  # noqa: N815 - the plan language's own name


class WrittenTermsAgreed(WrittenRequirement):
    """Every agency named in the stage has agreed to its terms. It is asked of every stage."""

    terms: Literal["agreed"]


class WrittenAfter(WrittenRequirement):
    """An earlier stage is open."""

    after: Slug


class WrittenSoak(WrittenRequirement):
    """An earlier stage has been open for so long, without a break: the one before, or `of`."""

    soak: Duration
    of: Slug | None = None


class WrittenOnDate(WrittenRequirement):
    """A day has come, at midnight UTC, or a moment of it."""

    date: Moment


class WrittenAgreedBy(WrittenRequirement):
    """These agencies agree to the opening, in a case that an officer opens with `stage open`."""

    agreedBy: WrittenRule  # noqa: N815 - the plan language's own name


Parties = Annotated[list[Slug], Field(min_length=1, max_length=20)]
By = Annotated[Any, WithJsonSchema({"description": "parties, all of which sign, or a rule over them"})]


class WrittenStandard(Strict):
    """A standard, and who signs for it: parties, all of them, or a rule. Without a version any will do."""

    standard: Text
    by: By
    version: Text | None = None


class WrittenAdopted(WrittenRequirement):
    """Agencies have adopted a standard, each with `release adopt`."""

    adopted: WrittenStandard


class WrittenAttested(WrittenRequirement):
    """Parties attest that a standard is met, each with `release attest`."""

    attested: WrittenStandard


class WrittenEvaluationTerms(Strict):
    """How long evaluators have at most once they begin, and what their silence at its end means."""

    atMost: Duration  # noqa: N815 - the plan language's own name
    by: By
    silence: Literal["met", "unmet"]


class WrittenEvaluationTime(WrittenRequirement):
    """Evaluators have had their time: each begins, extends and ends it with `stage evaluate`."""

    evaluationTime: WrittenEvaluationTerms  # noqa: N815 - the plan language's own name


class WrittenHoldTerms(Strict):
    """Who holds the stage, and why."""

    by: Slug
    reason: Text


class WrittenHold(WrittenRequirement):
    """A party holds the stage until it signs `stage release`."""

    hold: WrittenHoldTerms


class WrittenEvidenced(WrittenRequirement):
    """Evaluations of the plan have results that count and meet them, for every model of the release."""

    evidence: Annotated[list[Slug], Field(min_length=1, max_length=20)]


class WrittenFindingTerms(Strict):
    """The lowest level of the findings that count, as `findings` states them."""

    atLeast: Slug  # noqa: N815 - the plan language's own name


class WrittenNoOpenFindings(WrittenRequirement):
    """No finding of this level, or of a higher one, is open: each was closed by a retest."""

    noOpenFindings: WrittenFindingTerms  # noqa: N815 - the plan language's own name


WRITTEN: dict[str, type[WrittenRequirement]] = {
    "terms": WrittenTermsAgreed,
    "after": WrittenAfter,
    "soak": WrittenSoak,
    "date": WrittenOnDate,
    "agreedBy": WrittenAgreedBy,
    "adopted": WrittenAdopted,
    "attested": WrittenAttested,
    "evaluationTime": WrittenEvaluationTime,
    "hold": WrittenHold,
    "evidence": WrittenEvidenced,
    "noOpenFindings": WrittenNoOpenFindings,
}
"""The requirements, by the key that tells one from another."""


def schemas() -> dict[str, Any]:
    """The JSON Schemas of requirements and their groups, to be referred to by their names."""
    kinds = {each.__name__.removeprefix("Written"): each.model_json_schema() for each in WRITTEN.values()}
    inner = {name: each for kind in kinds.values() for name, each in kind.pop("$defs", {}).items()}
    members = {"type": "array", "minItems": 1, "maxItems": MEMBERS_MAX, "items": {"$ref": "#/$defs/Required"}}
    at_least = {
        "type": "object",
        "required": ["n", "of"],
        "additionalProperties": False,
        "properties": {"n": {"type": "integer", "minimum": 1}, "of": members},
    }
    group = {
        "description": "requirements: all of them, any of them, or at least n",
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {"allOf": members, "anyOf": members, "atLeast": at_least},
    }
    either = [{"$ref": f"#/$defs/{name}"} for name in (*kinds, "Requirements")]
    return {**kinds, **inner, "Requirements": group, "Required": {"anyOf": either}}


def leaves(value: Any, path: JsonPath, room: int = NESTED_MAX) -> Iterator[Found | Fault]:
    """Every requirement inside a group, with its place; and what is wrong with the groups."""
    operator = next(iter(value), None) if isinstance(value, dict) and len(value) == 1 else None
    if operator not in terms.GROUPS:
        yield Fault(path, _GROUP, shown(value))
        return
    if not room:
        yield Fault(path, f"at most {NESTED_MAX} groups inside each other", "more")
        return
    of, at = value[operator], (*path, operator)
    if operator == "atLeast":
        yield from _threshold(of, at)
        of, at = (of.get("of"), (*at, "of")) if isinstance(of, dict) else (None, at)
    if not isinstance(of, list) or not 1 <= len(of) <= MEMBERS_MAX:
        yield Fault(at, f"a list of 1 to {MEMBERS_MAX} requirements", shown(of))
        return
    for i, each in enumerate(of):
        if isinstance(each, dict) and each.keys() & set(terms.GROUPS):
            yield from leaves(each, (*at, i), room - 1)
        elif isinstance(each, dict):
            yield (*at, i), each
        else:
            yield Fault((*at, i), _a_requirement(), shown(each))


def _threshold(value: Any, path: JsonPath) -> Iterator[Fault]:
    if not isinstance(value, dict) or value.keys() != {"n", "of"}:
        yield Fault(path, "{n: …, of: […]}", shown(value))
        return
    n, most = value["n"], len(value["of"]) if isinstance(value["of"], list) else 1
    if type(n) is not int or not 1 <= n <= max(1, most):
        yield Fault((*path, "n"), f"a whole number from 1 to {max(1, most)}", shown(n))


def written(value: Any, path: JsonPath) -> Iterator[tuple[type[BaseModel], Any, JsonPath]]:
    """The form of every requirement inside a group, its value, and its place."""
    for each in leaves(value, path) if value is not None else ():
        if not isinstance(each, Fault):
            form = next((WRITTEN[key] for key in each[1] if key in WRITTEN), None)
            if form is not None:
                yield form, each[1], each[0]


def rules(value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, Any]]:
    """Every rule of agencies inside a group, with its place."""
    for each in leaves(value, path) if value is not None else ():
        if not isinstance(each, Fault) and "agreedBy" in each[1]:
            yield (*each[0], "agreedBy"), each[1]["agreedBy"]


def evidence_of(value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, str]]:
    """Every evaluation that requirements name, with its place."""
    for each in leaves(value, path) if value is not None else ():
        names = None if isinstance(each, Fault) else each[1].get("evidence")
        for i, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str):
                yield (*each[0], "evidence", i), name  # type: ignore[index]


def levels_of(value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, str]]:
    """Every level of findings that requirements name, with its place."""
    for each in leaves(value, path) if value is not None else ():
        asked = None if isinstance(each, Fault) else each[1].get("noOpenFindings")
        if isinstance(asked, dict) and isinstance(asked.get("atLeast"), str):
            yield (*each[0], "noOpenFindings", "atLeast"), asked["atLeast"]  # type: ignore[index]


SIGNED = ("adopted", "attested", "evaluationTime")


def normalised(asked: Any) -> Any:
    """What a stage requires, as the record has it: a list of parties, all of which sign, is a rule."""
    if isinstance(asked, list):
        return [normalised(each) for each in asked]
    if not isinstance(asked, dict):
        return asked
    found = {
        name: normalised(each) if name in {*terms.GROUPS, "of"} else each for name, each in asked.items()
    }
    for name in SIGNED:
        if isinstance(found.get(name), dict) and "by" in found[name]:
            found[name] = {**found[name], "by": rule_of(found[name]["by"])}
    return found


def signers_faults(value: Any, path: JsonPath, parties: frozenset[str]) -> Iterator[Fault]:
    """Those who sign for a requirement and are no party of the plan."""
    for each in leaves(value, path) if value is not None else ():
        if isinstance(each, Fault):
            continue
        at, asked = each
        for name in SIGNED:
            body = asked.get(name)
            if isinstance(body, dict) and "by" in body:
                yield from rule_faults(body["by"], parties, (*at, name, "by"))
        by = asked["hold"].get("by") if isinstance(asked.get("hold"), dict) else None
        if isinstance(by, str) and by not in parties:
            yield Fault((*at, "hold", "by"), f"one of {', '.join(sorted(parties))}", repr(by))


def faults(stages: Any, path: JsonPath) -> Iterator[Fault]:
    """What is wrong with what stages require, beyond the form of each requirement."""
    if not isinstance(stages, list):
        return
    names = [each.get("name") if isinstance(each, dict) else None for each in stages]
    for i, stage in enumerate(stages):
        asked = stage.get("opensWhen") if isinstance(stage, dict) else None
        at = (*path, i, "opensWhen")
        for found in leaves(asked, at) if asked is not None else ():
            if isinstance(found, Fault):
                yield found
            else:
                yield from kind_faults(*found, at)
                yield from _order_faults(*found, names, i)


def kind_faults(path: JsonPath, each: dict[str, Any], group: JsonPath) -> Iterator[Fault]:
    """A requirement that no kind knows, or at a place where it may not stand."""
    if not each.keys() & WRITTEN.keys():
        near = nearest(next(iter(each), ""), WRITTEN)
        yield Fault(path, _a_requirement(), shown(each), near)
    if "agreedBy" in each and path[:-1] != (*group, "allOf"):
        yield Fault(path, "agreedBy only in the outermost allOf", shown(each))


def _order_faults(path: JsonPath, each: dict[str, Any], names: Sequence[Any], place: int) -> Iterator[Fault]:
    """A stage that is named and does not exist, or does not come before; a soak without a stage before."""
    earlier = [name for name in names[:place] if isinstance(name, str)]
    for key in ("after", "of"):
        name = each.get(key)
        if not isinstance(name, str) or name in earlier:
            continue
        if name in names:
            waits = "itself" if name == names[place] else f"{name!r}, which comes later"
            said = "a stage that comes before this one in the plan: stages open in their order"
            yield Fault((*path, key), said, waits)
        else:
            yield Fault((*path, key), _one_of(earlier), repr(name))
    if "soak" in each and "of" not in each and not earlier:
        yield Fault((*path, "soak"), "a stage before this one, whose time it waits for", "the first stage")


def _one_of(names: Sequence[str]) -> str:
    return "one of " + ", ".join(names) if names else "no stage: this one is the first"


def _a_requirement() -> str:
    return "one of " + ", ".join(f"{{{key}: …}}" for key in WRITTEN)
