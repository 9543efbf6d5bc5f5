"""Evaluations as a person writes them in a plan, and the requirements that name them.

Rules:
- A share is written as a number, 0.05, and is in the record as text: JSON has no fraction that every reader
  keeps.
- Who may run an evaluation is a list of parties, all of them, or a rule over them. The developer's own
  results count only if it is named there.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from sluicegate.core.terms import requirements, scrutiny
from sluicegate.core.terms.document import Fault, shown
from sluicegate.core.terms.written import ModelId, Slug, Strict, Text, rule_faults, rule_of
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms.evaluations import PLACES_MAX, is_share


def _text(share: float) -> str:
    """A share as the record has it: 0.05 as "0.05"."""
    text = format(Decimal(repr(share)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _share(share: float) -> float:
    if not is_share(_text(share)):
        said = f"a share from 0 to 1, of at most {PLACES_MAX} decimal places, such as 0.05"
        raise PydanticCustomError("share", said)
    return share


def _level(level: float) -> float:
    if not 0.5 < level < 1:
        raise PydanticCustomError("level", "a level above 0.5 and below 1, such as 0.95")
    return level


NUMBER = WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})
Share = Annotated[float, AfterValidator(_share), PlainSerializer(_text, return_type=str), NUMBER]
Level = Annotated[Share, AfterValidator(_level)]
FROM = {"description": "parties, all of whose results are asked for, or a rule over them"}


class WrittenComparison(Strict):
    """Another model's value. A model is comparable if it reaches at least `value` less `margin`."""

    model: ModelId
    value: Share
    margin: Share | None = None


class WrittenWhenComparable(Strict):
    """What follows if a model is comparable: the scrutiny level that its stages then have."""

    scrutiny: Slug


class WrittenEvaluation(Strict):
    """What is run, which number counts, who may run it, and what its bound must be.

    `level`: how sure the bound is; 0.95 if it is left out. `ifDisagree`: which result of a party counts where
    it has several that are current: the worst, the newest or the best. With `best` it is enough that `from`
    is met by those with a good one; else every party with a result must meet the threshold. Without a
    threshold any valid current result meets it.
    """

    task: Text
    metric: Text
    from_: Annotated[Any, Field(alias="from"), WithJsonSchema(FROM)]
    atLeast: Share | None = None  # noqa: N815 - the plan language's own name
    atMost: Share | None = None  # noqa: N815 - likewise
    level: Level | None = None
    ifDisagree: Literal["worst", "newest", "best"] | None = None  # noqa: N815 - likewise
    compareTo: WrittenComparison | None = None  # noqa: N815 - likewise
    whenComparable: WrittenWhenComparable | None = None  # noqa: N815 - likewise


def normalised(evaluation: dict[str, Any]) -> dict[str, Any]:
    """An evaluation as the record has it: a list of parties is a rule over them."""
    return {**evaluation, "from": rule_of(evaluation["from"])}


def faults(spec: Any, parties: frozenset[str]) -> Iterator[Fault]:
    """What no single field shows: a party, an evaluation or a level that the plan does not have; two
    thresholds.
    """
    declared = spec.get("evaluations") if isinstance(spec, dict) else None
    known = declared if isinstance(declared, dict) else {}
    for name, each in known.items():
        if isinstance(each, dict):
            yield from _faults(each, ("spec", "evaluations", name), parties)
            yield from _follows(each, ("spec", "evaluations", name), spec)
    for path, asked in scrutiny.asked(spec):
        for at, name in requirements.evidence_of(asked, path):
            if name not in known:
                yield Fault(
                    at,
                    "one of " + (", ".join(sorted(known)) or "no evaluation (none is declared)"),
                    shown(name),
                )


def _follows(each: dict[str, Any], path: JsonPath, spec: Any) -> Iterator[Fault]:
    """What is wrong with what follows if a model is comparable."""
    follows = each.get("whenComparable")
    if follows is None:
        return
    if each.get("compareTo") is None:
        yield Fault((*path, "whenComparable"), "beside it 'compareTo', with what it is compared", "nothing")
    level = follows.get("scrutiny") if isinstance(follows, dict) else None
    if isinstance(level, str):
        yield from scrutiny.unknown_level(level, spec, (*path, "whenComparable", "scrutiny"))


def _faults(each: dict[str, Any], path: JsonPath, parties: frozenset[str]) -> Iterator[Fault]:
    if "from" in each:
        yield from rule_faults(each["from"], parties, (*path, "from"))
    if "atLeast" in each and "atMost" in each:
        yield Fault((*path, "atMost"), "one threshold: atLeast or atMost", "both")
    compared = each.get("compareTo")
    value, margin = (
        (compared.get(name) for name in ("value", "margin")) if isinstance(compared, dict) else (0, 0)
    )
    if isinstance(value, int | float) and isinstance(margin, int | float) and margin > value:
        yield Fault((*path, "compareTo", "margin"), "a margin no greater than the value", shown(margin))
