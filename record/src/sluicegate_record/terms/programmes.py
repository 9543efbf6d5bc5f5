"""Programmes: safeguard profiles within a model, named in a plan, and held by a grant.

Rules:
- A plan names them by concern: what each asks of who holds it, and in what a request names it. Everyone has
  the standard one of every concern, and no grant says so.
- None implies another: a grant has exactly those that it names.
- A grant has a programme for everyone who uses it, or for its `holders` alone: members, or, if it travels in
  a user profile, those profiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import TypeAlias

from sluicegate_record.form import Exact, Form, Json, form

STANDARD = "standard"
"""The programme that everyone has, in every concern."""
FIELD, PROFILE = "access_programs", "anthropic-user-profile-id"
"""What carries a programme, if a plan does not name a header of its own: a field of the body, by concern; and
the header that names a user profile, which stands for the programmes that it has.
"""
PERSON_NAMED = "personNamed"
"""What a programme can ask that gateways check: that each request names its person, a registered member."""


@form
class Programme(Form):
    """A programme as its plan states it: what it asks, by name, and what carries it in a request."""

    asks: Mapping[str, Json] = field(default_factory=dict)
    travels: str = FIELD

    @property
    def needs_person(self) -> bool:
        """Whether each request has to name its person."""
        return self.asks.get(PERSON_NAMED) is True


Programmes: TypeAlias = Mapping[str, Mapping[str, Programme]]
"""The programmes of a plan, by concern and name."""


@form
class HeldProgramme(Exact):
    """A programme that a grant has, or that is asked for. `holders` are the only ones who have it.

    They are members by pseudonym, or user profiles by the digests of their ids; empty: everyone who uses the
    grant.
    """

    concern: str
    name: str
    holders: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How people write it, such as `cyber: daybreak_red`."""
        return label(self.concern, self.name)


def label(concern: str, name: str) -> str:
    """How people write a programme, such as `cyber: daybreak_red`."""
    return f"{concern}: {name}"


def stated_as(text: str, stated: Programmes) -> str | None:
    """The label of a programme that a plan writes as its name, or as `concern:name`.

    None: the plan has none, or several of that name; or everyone has it.
    """
    concern, _, name = text.rpartition(":")
    found = [
        label(each, name.strip())
        for each, names in stated.items()
        if name.strip() in names and name.strip() != STANDARD and concern.strip() in {"", each}
    ]
    return found[0] if len(found) == 1 else None


def among(held: Iterable[HeldProgramme], stated: Programmes) -> tuple[HeldProgramme, ...]:
    """Those that a plan still has."""
    return tuple(each for each in held if each.name in stated.get(each.concern, ()))
