"""Conditions of a grant: read, checked, combined so that the strictest holds, and compared.

Rules:
- A number of requests and a validity have an order: the smaller is the stricter. A declared condition has no
  order. So two different values of one contradict each other, and a person must settle it.
- A condition that is added is always stricter than none.
- Conditions that the plan language cannot express are not read at all, in any plan or position.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Self, TypeAlias

from sluicegate_record.form import Form, Json, Misread, form, replace, shown, within
from sluicegate_record.terms import durations
from sluicegate_record.terms.durations import Duration

REQUESTS_PER_MINUTE_MAX = 10_000_000
Contradictions: TypeAlias = dict[str, dict[str, Json]]
"""Which party states which value of a declared condition, by the name of the condition."""


@form
class Conditions(Form):
    """Duties attached to a grant.

    `valid_for` is a duration such as P30D. Every other condition is `declared`.
    """

    requests_per_minute: Annotated[int, within(1, REQUESTS_PER_MINUTE_MAX)] | None = None
    valid_for: Duration | None = None

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read conditions. Raises: Misread: one is out of range, or is neither enforced nor declared."""
        made = super(Conditions, cls).from_json(value)
        for name, stated in made.unknown.items():
            if not _is_declared(stated):
                raise Misread("{value: …, declared: true}", shown(stated), (name,))
        return made

    @property
    def declared(self) -> Mapping[str, Json]:
        """The conditions that are stated and agreed to, but not enforced, by name."""
        return self.unknown

    @property
    def valid_for_ms(self) -> int | None:
        """For how long a grant is valid; None without an end."""
        return None if self.valid_for is None else durations.milliseconds(self.valid_for)

    def declaring(self, declared: Mapping[str, Json]) -> Self:
        """These conditions, with other declared ones added; a declared one of the same name is replaced."""
        return replace(self, unknown={**self.unknown, **declared})

    def to_json(self) -> dict[str, Json]:
        """The conditions by name, sorted; empty if there are no conditions."""
        return dict(sorted(Form.to_json(self).items()))


UNCONDITIONAL = Conditions()


def _is_declared(value: Json) -> bool:
    return (
        type(value) is dict
        and value.keys() == {"value", "declared"}
        and type(value["value"]) in {str, int, bool}
        and value["declared"] is True
    )


def strictest(stated: Iterable[tuple[str, Conditions]]) -> tuple[Conditions, Contradictions]:
    """Combine conditions: those that hold, and those that contradict. `stated` is who states what."""
    each = list(stated)
    rates = [said.requests_per_minute for _, said in each if said.requests_per_minute is not None]
    lasting = [said.valid_for for _, said in each if said.valid_for is not None]
    by_name: Contradictions = {}
    for who, said in each:
        for name, value in said.declared.items():
            by_name.setdefault(name, {})[who] = value
    contradicting = {name: values for name, values in sorted(by_name.items()) if not _is_one(values)}
    return (
        Conditions(
            requests_per_minute=min(rates, default=None),
            valid_for=min(lasting, key=durations.milliseconds, default=None),
            unknown={
                name: next(iter(values.values()))
                for name, values in by_name.items()
                if name not in contradicting
            },
        ),
        contradicting,
    )


def _is_one(values: Mapping[str, Json]) -> bool:
    first, *others = values.values()
    return all(value == first for value in others)


def is_tighter(new: Conditions, old: Conditions) -> bool:
    """Whether `new` asks, at least as strictly, for everything that `old` asks for."""
    return (
        at_most(new.requests_per_minute, old.requests_per_minute)
        and at_most(new.valid_for_ms, old.valid_for_ms)
        and all(name in new.declared and new.declared[name] == value for name, value in old.declared.items())
    )


def at_most(new: int | None, old: int | None) -> bool:
    """Whether a bound is no looser than an old one; None: no bound."""
    return old is None or (new is not None and new <= old)
