"""The audience of a stage as a person writes it, its ramp, and how grants of earlier stages go on.

Rules:
- A list, and the evaluators of the plan, are admitted by those who agree to the terms. So nothing is asked
  of them one by one: the stage has no eligibility, and its agencies approve.
- A stage for everyone has no case to decide: no admission, seats, eligibility or validity.
- Shares grow from step to step, and the last step is everyone.
- What goes on as part of a stage are the grants of a stage that comes before it, or that an earlier plan had.
- A stage for who holds a programme takes over the grants that have it. No one applies for it.
- No stage comes after one for everyone: what it would wait for, or limit, everyone has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from sluicegate.core.terms.document import Fault
from sluicegate.core.terms.nearest import nearest
from sluicegate.core.terms.written import Duration, Slug, Strict
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms.audience import APPLICANTS, EVALUATORS, EVERYONE, ORGANIZATIONS, PROGRAMME
from sluicegate_record.terms.exposure import MEASURE_MAX
from sluicegate_record.terms.programmes import STANDARD, Programme, stated_as

_WORDS = (APPLICANTS, EVALUATORS, EVERYONE)
_KNOWN = f"{', '.join(_WORDS)}, {ORGANIZATIONS}: FILE or {PROGRAMME}: NAME"
_NOTHING = "nothing here: a stage for everyone admits without a case"
_NAMED = "nothing here: who is named is admitted by those who agree to the terms"


def _audience(value: Any) -> Any:
    name = next(iter(value), "") if isinstance(value, dict) else value
    if value in _WORDS or listed_in(value) is not None or held_in(value) is not None:
        return value
    near = nearest(name, (*_WORDS, ORGANIZATIONS, PROGRAMME))
    raise PydanticCustomError("audience", _KNOWN, {"near": near})


def listed_in(audience: Any) -> str | None:
    """The file whose list a stage is for; None if it is for others."""
    return _only(audience, ORGANIZATIONS)


def held_in(audience: Any) -> str | None:
    """The programme that those hold who a stage is for; None if it is for others."""
    return _only(audience, PROGRAMME)


def _only(audience: Any, name: str) -> str | None:
    found = audience.get(name) if isinstance(audience, dict) and len(audience) == 1 else None
    return found if isinstance(found, str) and found else None


def listed(plan: Any) -> tuple[str, ...]:
    """The files of the lists that a plan refers to, each once."""
    found = (listed_in(each.get("audience")) for each in _stages(plan))
    return tuple(dict.fromkeys(file for file in found if file is not None))


_LIST = {
    "type": "object",
    "properties": {ORGANIZATIONS: {"type": "string", "description": "a CSV file beside the plan"}},
    "required": [ORGANIZATIONS],
    "additionalProperties": False,
}
_PROGRAMME = {
    "type": "object",
    "properties": {PROGRAMME: {"type": "string", "description": "its name, or concern:name"}},
    "required": [PROGRAMME],
    "additionalProperties": False,
}
WrittenAudience = Annotated[
    Any, AfterValidator(_audience), WithJsonSchema({"anyOf": [{"enum": list(_WORDS)}, _LIST, _PROGRAMME]})
]


def _measure(value: Any) -> Any:
    is_enforced = isinstance(value, dict) and value.keys() == {"value", "enforced"}
    number = value["value"] if is_enforced else value
    if type(number) is int and 1 <= number <= MEASURE_MAX and (not is_enforced or value["enforced"] is True):
        return value
    said = f"a whole number from 1 to {MEASURE_MAX:,}, or {{value: …, enforced: true}} with one"
    raise PydanticCustomError("measure", said)


_NUMBER = {"type": "integer", "minimum": 1, "maximum": MEASURE_MAX}
_ENFORCED = {
    "type": "object",
    "properties": {"value": _NUMBER, "enforced": {"const": True}},
    "required": ["value", "enforced"],
    "additionalProperties": False,
}
WrittenMeasure = Annotated[Any, AfterValidator(_measure), WithJsonSchema({"anyOf": [_NUMBER, _ENFORCED]})]


class WrittenExposure(Strict):
    """What a stage is meant to let into the world, at most: a number is stated, with `enforced` it binds."""

    organizations: WrittenMeasure | None = None
    people: WrittenMeasure | None = None
    requestsPerDay: WrittenMeasure | None = None  # noqa: N815 - the plan language's own name


class WrittenRampStep(Strict):
    """A share of all organizations in per cent, and for how long; the last one is 100, without an end."""

    share: Annotated[int, Field(ge=1, le=100)]
    for_: Annotated[Duration | None, Field(alias="for")] = None


class WrittenSuccession(Strict):
    """The grants of an earlier stage: their keys go on as part of this one. Their holders hear it before.

    In a stage for everyone its conditions hold, in any other one the stricter of these and their own.
    """

    become: Slug
    notice: Duration | None = None


def _stages(plan: Any) -> list[dict[str, Any]]:
    """The stages of a plan that is not checked yet; what is no stage is an empty one."""
    spec = plan.get("spec") if isinstance(plan, dict) else None
    stages = spec.get("stages") if isinstance(spec, dict) else None
    return [each if isinstance(each, dict) else {} for each in stages] if isinstance(stages, list) else []


def faults(value: Any, path: JsonPath) -> Iterator[Fault]:
    """What is wrong with the audiences of the stages of a plan, beyond the form of each field."""
    spec = value.get("spec") if isinstance(value, dict) else None
    known = _stages(value)
    for i, stage in enumerate(known):
        at = (*path, i)
        if stage.get("audience") == EVERYONE:
            yield from _everyone(stage, at)
            if isinstance(spec, dict) and spec.get("announced") is False:
                yield Fault(
                    (*at, "audience"), "a release that is announced, if it is for everyone", "'everyone'"
                )
        else:
            if stage and "admission" not in stage:
                yield Fault((*at, "admission"), "the field 'admission'", "none")
            if "ramp" in stage:
                yield Fault((*at, "ramp"), "'ramp' only in a stage for everyone", "'ramp'")
            yield from _named(stage, spec, at)
        yield from _successions(stage, [str(each.get("name")) for each in known], i, at)
        for each in known[:i]:
            if each.get("audience") == EVERYONE:
                expected = f"no stage after {each.get('name')!r}, which is for everyone"
                yield Fault((*at, "name"), expected, repr(stage.get("name")))


def _named(stage: dict[str, Any], spec: Any, path: JsonPath) -> Iterator[Fault]:
    """What does not go with an audience that is named: by a list, or as the evaluators of the plan."""
    audience = stage.get("audience")
    if held_in(audience) is not None:
        yield from _held(stage, spec, path)
    elif audience != EVALUATORS and listed_in(audience) is None:
        return
    if audience == EVALUATORS and not (isinstance(spec, dict) and spec.get("evaluators")):
        yield Fault((*path, "audience"), "beside it 'evaluators' in the spec, who they are", repr(audience))
    if "eligibility" in stage:
        yield Fault((*path, "eligibility"), _NAMED, "'eligibility'")
    admission = stage.get("admission")
    if isinstance(admission, dict):
        if admission.get("mode") == "notify":
            expected = "approve: those who agree to the terms approve who is named"
            yield Fault((*path, "admission", "mode"), expected, "'notify'")
        if "countersign" in admission:
            yield Fault((*path, "admission", "countersign"), _NAMED, "'countersign'")


def _held(stage: dict[str, Any], spec: Any, path: JsonPath) -> Iterator[Fault]:
    """What is wrong with an audience of those who hold a programme."""
    name = str(held_in(stage.get("audience")))
    stated = spec.get("programmes") if isinstance(spec, dict) else None
    concerns = stated if isinstance(stated, dict) else {}
    known = {
        str(concern): {str(each): Programme() for each in names}
        for concern, names in concerns.items()
        if isinstance(names, dict)
    }
    if stated_as(name, known) is None:
        labels = [
            f"{concern}:{each}" for concern, names in known.items() for each in names if each != STANDARD
        ]
        expected = f"one of {', '.join(labels)}" if labels else "beside it 'programmes' in the spec"
        yield Fault((*path, "audience", PROGRAMME), expected, repr(name), nearest(name, labels) or "")
    if not stage.get("grants"):
        expected = "the field 'grants': of which stages the grants that have it go on here"
        yield Fault((*path, "grants"), expected, "none")


def list_faults(value: Any, names: Mapping[str, Sequence[str]]) -> Iterator[Fault]:
    """What is wrong with the lists that came with a plan: it names one that is not there, or has fewer seats;
    or has no stage for one.
    """
    stated = {listed_in(stage.get("audience")) for stage in _stages(value)}
    for other in sorted(names.keys() - stated):
        yield Fault(("spec", "stages"), "a stage for each list that came with the plan", repr(other))
    for i, stage in enumerate(_stages(value)):
        path = ("spec", "stages", i)
        file = listed_in(stage.get("audience"))
        if file is None:
            continue
        if file not in names:
            expected = "a list that came with the plan"
            yield Fault((*path, "audience", ORGANIZATIONS), expected, repr(file))
            continue
        seats = stage.get("seats")
        if type(seats) is int and seats < len(names[file]):
            yield Fault(
                (*path, "seats"), f"a seat for each of the {len(names[file])} on the list", str(seats)
            )


def _everyone(stage: dict[str, Any], path: JsonPath) -> Iterator[Fault]:
    for name in ("admission", "seats", "eligibility"):
        if name in stage:
            yield Fault((*path, name), _NOTHING, repr(name))
    conditions = stage.get("conditions")
    if isinstance(conditions, dict) and "validFor" in conditions:
        yield Fault((*path, "conditions", "validFor"), _NOTHING, "'validFor'")
    yield from _ramp(stage.get("ramp"), (*path, "ramp"))


def _ramp(ramp: Any, path: JsonPath) -> Iterator[Fault]:
    before = 0
    steps = [each if isinstance(each, dict) else {} for each in ramp] if isinstance(ramp, list) else []
    for i, step in enumerate(steps):
        share, is_last = step.get("share"), i == len(steps) - 1
        if type(share) is int:
            if share <= before:
                yield Fault((*path, i, "share"), f"more than {before}: shares only grow", repr(share))
            elif is_last and share != 100:
                yield Fault((*path, i, "share"), "100 in the last step", repr(share))
            before = share
        if is_last == ("for" in step):
            expected = "no end in the last step" if is_last else "the field 'for', how long this share holds"
            yield Fault((*path, i, "for") if is_last else (*path, i), expected, repr(step.get("for")))


def _successions(stage: dict[str, Any], names: list[str], place: int, path: JsonPath) -> Iterator[Fault]:
    """What is wrong with the grants that a stage takes over. Those of a stage that no plan has now are for
    the control plane to know.
    """
    grants, earlier = stage.get("grants"), names[:place]
    for name, each in grants.items() if isinstance(grants, dict) else ():
        if name in names[place:]:
            expected = f"one of {', '.join(earlier)}" if earlier else "no stage: this one is the first"
            yield Fault((*path, "grants", name), expected, repr(name))
        become = each.get("become") if isinstance(each, dict) else None
        if isinstance(become, str) and become != stage.get("name"):
            expected = f"{stage.get('name')}, the stage that they become part of"
            yield Fault((*path, "grants", name, "become"), expected, repr(become))
