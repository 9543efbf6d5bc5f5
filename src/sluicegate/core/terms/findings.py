"""What a plan says of findings, as a person writes it: who reports, the levels, their clocks, what follows.

Rules:
- Levels are stated from the lowest to the highest. Without them they are those of the Cyber Jailbreak
  Severity draft.
- A requirement about findings names a level of the plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from sluicegate.core.terms import requirements, scrutiny
from sluicegate.core.terms.document import Fault, shown
from sluicegate.core.terms.nearest import nearest
from sluicegate.core.terms.written import Duration, Slug, Strict
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms.findings import UNSTATED

Response = Literal["tell", "halt", "suspend"]
Named = Annotated[list[Slug], Field(min_length=1, max_length=100)]


class WrittenFindingLimit(Strict):
    """What every grant is held to, for the model of a finding, while that is open."""

    requestsPerMinute: Annotated[int, Field(ge=1, le=10_000_000)]  # noqa: N815 - the plan language's own name


class WrittenFindingLevel(Strict):
    """A level of severity. `acknowledge`, `fix`: how long the developer has for each, from the report on.

    `respond`: what follows for the stages of the release while one is open. `overdue`: what
    follows in addition once one of those times is over. `tell`: the record says so. `halt`: no one else
    is admitted, and no stage opens. `suspend`: its stages close, and open again when it is closed.
    `restrict`: how much each grant has of its model meanwhile.
    """

    name: Slug
    acknowledge: Duration | None = None
    fix: Duration | None = None
    respond: Response | None = None
    overdue: Response | None = None
    restrict: WrittenFindingLimit | None = None


class WrittenMisuse(Strict):
    """The agencies whose report of a misuse suspends the grant at once, until it is closed.

    Without them a report is on the record, and only the developer suspends the grant.
    """

    suspendedBy: Named  # noqa: N815 - the plan language's own name


class WrittenFindings(Strict):
    """The levels of findings, from the lowest to the highest, and who may report them.

    Without `levels`: informational, low, medium, high, critical, as in the Cyber Jailbreak Severity draft.
    `from`: parties that may report beside the plan's agencies and evaluators, and the developer.
    """

    levels: Annotated[list[WrittenFindingLevel], Field(min_length=1, max_length=20)] | None = None
    from_: Annotated[Named | None, Field(alias="from")] = None
    misuse: WrittenMisuse | None = None


def faults(spec: Any, agencies: frozenset[str]) -> Iterator[Fault]:
    """What no single field shows: a level twice, one that has no time to be over, one that is not stated."""
    stated = spec.get("findings") if isinstance(spec, dict) else None
    names = list[str]()
    levels = stated.get("levels") if isinstance(stated, dict) else None
    for i, level in enumerate(levels if isinstance(levels, list) else ()):
        if isinstance(level, dict):
            yield from _level_faults(level, ("spec", "findings", "levels", i), names)
    misuse = stated.get("misuse") if isinstance(stated, dict) else None
    named = misuse.get("suspendedBy") if isinstance(misuse, dict) else None
    for i, name in enumerate(named if isinstance(named, list) else ()):
        if name not in agencies:
            at: JsonPath = ("spec", "findings", "misuse", "suspendedBy", i)
            yield Fault(at, f"one of {', '.join(sorted(agencies))}", shown(name))
    known = names or list(UNSTATED.names)
    for path, group in scrutiny.asked(spec):
        for at, name in requirements.levels_of(group, path):
            if name not in known:
                yield Fault(at, f"one of {', '.join(known)}", shown(name), nearest(str(name), known))


def _level_faults(level: dict[str, Any], path: JsonPath, names: list[str]) -> Iterator[Fault]:
    name = level.get("name")
    if name in names:
        yield Fault((*path, "name"), "each level once", shown(name))
    elif isinstance(name, str):
        names.append(name)
    if "overdue" in level and not level.keys() & {"acknowledge", "fix"}:
        yield Fault((*path, "overdue"), "a time that can be over: acknowledge or fix", "neither")
