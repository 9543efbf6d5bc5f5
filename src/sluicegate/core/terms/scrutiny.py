"""What a plan says of designations, and of the scrutiny levels to which they lead, as a person writes it.

Rules:
- A level is for every stage of the release. It can only ask for more, and something leads to it.
- An agency that a level adds must agree. So a rule of a stage either does without it, or always needs it.
- Two levels can hold at once, so they have one clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from sluicegate.core.terms import deadlines, requirements, sizes
from sluicegate.core.terms.deadlines import WrittenClock
from sluicegate.core.terms.document import Fault, shown
from sluicegate.core.terms.nearest import nearest
from sluicegate.core.terms.requirements import WrittenRequirements
from sluicegate.core.terms.written import Slug, Strict, WrittenRule
from sluicegate_record.errors import NotCanonical
from sluicegate_record.form import Misread
from sluicegate_record.log import canonical
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms import quorum
from sluicegate_record.terms import scrutiny as terms
from sluicegate_record.terms.rule import Rule

Agencies = Annotated[list[Slug], Field(min_length=1, max_length=20)]
_CLASSES = {"propertyNames": {"enum": list(terms.CLASSES)}}
_ORDERED = ("after", "soak")


class WrittenDesignatedClass(Strict):
    """The scrutiny level to which a designation of this class leads."""

    scrutiny: Slug


class WrittenDesignations(Strict):
    """Agencies in `by` may sign that a model is of a class, each with `release designate`.

    `reconsider` decides whether a designation ends that the developer appeals; without it, its own agency.
    """

    by: Agencies
    classes: Annotated[dict[Slug, WrittenDesignatedClass], Field(min_length=1, json_schema_extra=_CLASSES)]
    reconsider: WrittenRule | None = None


class WrittenScrutiny(Strict):
    """What a level adds to every stage: agencies that must agree to admissions and openings, another clock,
    fewer seats, and what a stage requires beside `opensWhen`.
    """

    addAgencies: Agencies | None = None  # noqa: N815 - the plan language's own name
    clock: WrittenClock | None = None
    seats: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    requires: WrittenRequirements | None = None


def asked(spec: Any) -> Iterator[tuple[JsonPath, Any]]:
    """What stages require, and what levels add to that: each group of requirements, with its place."""
    stages = spec.get("stages") if isinstance(spec, Mapping) else None
    for i, stage in enumerate(stages if isinstance(stages, list) else ()):
        if isinstance(stage, Mapping) and "opensWhen" in stage:
            yield ("spec", "stages", i, "opensWhen"), stage["opensWhen"]
    for name, level in _mapping(spec, "scrutiny").items():
        if isinstance(level, Mapping) and "requires" in level:
            yield ("spec", "scrutiny", name, "requires"), level["requires"]


def faults(spec: Any, agencies: frozenset[str]) -> Iterator[Fault]:
    """What is wrong with designations and levels, beyond the form of each field."""
    levels, stated = _mapping(spec, "scrutiny"), _mapping(spec, "designations")
    yield from _designations(stated, levels, agencies)
    compared = [each for each in _mapping(spec, "evaluations").values() if isinstance(each, Mapping)]
    leading = [*_mapping(stated, "classes").values(), *(each.get("whenComparable") for each in compared)]
    reached = {each.get("scrutiny") for each in leading if isinstance(each, Mapping)}
    for name, level in levels.items():
        path: JsonPath = ("spec", "scrutiny", name)
        if name not in reached:
            expected = "a level to which a class of 'designations' leads, or a 'whenComparable'"
            yield Fault(path, expected, f"{name!r}, which none does")
        if isinstance(level, Mapping):
            yield from _level(level, path, spec, agencies)
    yield from _clocks(levels)


def _designations(
    stated: Mapping[str, Any], levels: Mapping[str, Any], agencies: frozenset[str]
) -> Iterator[Fault]:
    path: JsonPath = ("spec", "designations")
    yield from _unknown(stated.get("by"), agencies, (*path, "by"))
    if isinstance(stated.get("reconsider"), dict):
        for fault in quorum.faults(stated["reconsider"], agencies, (*path, "reconsider")):
            yield Fault(*fault)
    for name, each in _mapping(stated, "classes").items():
        at = (*path, "classes", name)
        if name not in terms.CLASSES:
            yield Fault(at, f"one of {', '.join(terms.CLASSES)}", repr(name), nearest(name, terms.CLASSES))
        level = each.get("scrutiny") if isinstance(each, Mapping) else None
        if isinstance(level, str):
            yield from _unknown_level(level, levels, (*at, "scrutiny"))


def unknown_level(level: str, spec: Any, path: JsonPath) -> Iterator[Fault]:
    """What is wrong with the name of a level: the plan does not have it."""
    yield from _unknown_level(level, _mapping(spec, "scrutiny"), path)


def _unknown_level(level: str, levels: Mapping[str, Any], path: JsonPath) -> Iterator[Fault]:
    if level not in levels:
        known = ", ".join(map(str, levels)) or "none is stated in 'scrutiny'"
        yield Fault(path, f"a scrutiny level: {known}", repr(level), nearest(level, levels))


def _level(level: Mapping[str, Any], path: JsonPath, spec: Any, agencies: frozenset[str]) -> Iterator[Fault]:
    if not level:
        yield Fault(path, "something that the level adds: addAgencies, clock, seats or requires", "nothing")
    added = level.get("addAgencies")
    yield from _unknown(added, agencies, (*path, "addAgencies"))
    yield from deadlines.faults(level.get("clock"), (*path, "clock"))
    for i, stage in enumerate(_list(spec.get("stages") if isinstance(spec, Mapping) else None)):
        if isinstance(stage, Mapping):
            name = repr(stage.get("name", i))
            yield from _added(_list(added), stage, name, (*path, "addAgencies"))
            yield from _clocked(level.get("clock"), stage, name, (*path, "clock"))
            if "requires" in level and "opensWhen" not in stage:
                expected = (
                    f"'opensWhen' in stage {name}: an officer opens it, so nothing else can be required"
                )
                yield Fault((*path, "requires"), expected, "none")
    yield from _requires(level.get("requires"), (*path, "requires"))


def _added(added: list[Any], stage: Mapping[str, Any], name: str, path: JsonPath) -> Iterator[Fault]:
    """An agency that a rule of a stage names, and that it can do without."""
    admission = _mapping(stage, "admission")
    asked = [admission.get("grant"), *(rule for _, rule in requirements.rules(stage.get("opensWhen"), ()))]
    for given in asked:
        try:
            rule = Rule.from_json(given)
        except Misread:
            continue
        for i, agency in enumerate(added):
            if agency in quorum.parties_of(rule) and not terms.needs(rule, agency):
                expected = f"an agency that a rule of stage {name} does not name, or always needs"
                yield Fault((*path, i), expected, repr(agency))


def _clocked(clock: Any, stage: Mapping[str, Any], name: str, path: JsonPath) -> Iterator[Fault]:
    """With the clock of a level, the admission of a stage is still as small as an entry can hold."""
    admission = stage.get("admission")
    if isinstance(clock, dict) and isinstance(admission, dict):
        try:
            taken = len(canonical.dumps({**admission, "clock": clock}))
        except NotCanonical:
            return
        if taken > sizes.ADMISSION_MAX:
            most = f"an admission of stage {name} of at most {sizes.ADMISSION_MAX:,} bytes of JSON"
            yield Fault(path, most, f"{taken:,}")


def _requires(asked: Any, path: JsonPath) -> Iterator[Fault]:
    """What a level requires is well formed, and can be required of the first stage, too."""
    for each in requirements.leaves(asked, path) if asked is not None else ():
        if isinstance(each, Fault):
            yield each
            continue
        at, found = each
        yield from requirements.kind_faults(at, found, path)
        for name in (name for name in _ORDERED if name in found):
            expected = "nothing about another stage: a level is for every stage, also the first"
            yield Fault((*at, name), expected, shown(found[name]))


def _clocks(levels: Mapping[str, Any]) -> Iterator[Fault]:
    stated = {
        name: each["clock"] for name, each in levels.items() if isinstance(each, Mapping) and "clock" in each
    }
    first = next(iter(stated.values()), None)
    for name, clock in stated.items():
        if clock != first:
            expected = "the same clock in every level: two levels can hold at once"
            yield Fault(("spec", "scrutiny", name, "clock"), expected, "another")


def _unknown(names: Any, agencies: frozenset[str], path: JsonPath) -> Iterator[Fault]:
    for i, name in enumerate(_list(names)):
        if isinstance(name, str) and name not in agencies:
            expected = "one of " + (", ".join(sorted(agencies)) or "no agency (none is declared)")
            yield Fault((*path, i), expected, repr(name), nearest(name, agencies))
        elif isinstance(name, str) and name in _list(names)[:i]:
            yield Fault((*path, i), "each agency once", repr(name))


def _mapping(value: Any, part: str) -> Mapping[str, Any]:
    found = value.get(part) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
