"""What a stage is meant to let into the world, at most: organizations, people, requests a day.

Rules:
- A measure is stated, as a number, or enforced, as `{value: 2000, enforced: true}`.
- A smaller number is tighter than a larger one, an enforced one than one that is only stated.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sluicegate_record.form import Codec, Form, Json, Misread, form, shown, within

MEASURE_MAX = 10**12


class Measure(NamedTuple):
    """The most of something, and whether no more is let in than that."""

    value: int
    enforced: bool = False


_VALUE = within(1)
_ENFORCED = {
    "type": "object",
    "properties": {"value": _VALUE.schema, "enforced": {"const": True}},
    "required": ["value", "enforced"],
    "additionalProperties": False,
}


def _read(value: Json) -> Measure:
    if type(value) is not dict:
        return Measure(_VALUE.read(value))
    if value.keys() != {"value", "enforced"} or value["enforced"] is not True:
        raise Misread("a whole number, or {value: …, enforced: true}", shown(value))
    return Measure(_VALUE.read(value["value"]), enforced=True)


def _write(measure: Measure) -> Json:
    return {"value": measure.value, "enforced": True} if measure.enforced else measure.value


_MEASURE = Codec(_read, _write, {"anyOf": [_VALUE.schema, _ENFORCED]})
AMeasure = Annotated[Measure, _MEASURE]


@form
class Exposure(Form):
    """What a stage is meant to let into the world, at most; agreed to with its other terms."""

    organizations: AMeasure | None = None
    people: AMeasure | None = None
    requests_per_day: AMeasure | None = None

    @property
    def measures(self) -> dict[str, Measure]:
        """What it states, by the words of the plan language."""
        stated = {
            "organizations": self.organizations,
            "people": self.people,
            "requestsPerDay": self.requests_per_day,
        }
        return {name: each for name, each in stated.items() if each is not None}


UNSTATED = Exposure()


def is_tighter(new: Exposure, old: Exposure) -> bool:
    """No more of anything, and what was enforced still is; what this build does not know is the same."""
    after = new.measures
    return new.unknown == old.unknown and all(
        name in after and after[name].value <= each.value and after[name].enforced >= each.enforced
        for name, each in old.measures.items()
    )


def enforced(measure: Measure | None) -> int | None:
    """The most that a measure lets in; None if it does not bind."""
    return None if measure is None or not measure.enforced else measure.value
