"""The programmes that a request asks for, and whether its grant has them.

Rules:
- A request has only programmes that its grant names, in the way that its plan says. Whatever else it asks
  for is not granted: a name in other case, another carrier, a programme of another grant.
- No programme implies another, and none rests on a stage for everyone: it takes a grant that names it.
- A user profile stands for the programmes that it was named for. Where a plan has programmes that travel in
  profiles, one that the grant does not name is not granted, because it could have any.
- A programme with holders is only for them: a request must name one, and no one else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from sluicegate_record.terms.programmes import (
    FIELD,
    PROFILE,
    STANDARD,
    HeldProgramme,
    Programme,
    Programmes,
    label,
)


class AskedProgramme(NamedTuple):
    """A programme that a request asks for, and in what.

    `way` is the field, or the header, that carries it; `concern` is empty where a header does. `name` is that
    of a user profile, as a digest in hex, if `way` is the header for those.
    """

    way: str
    concern: str
    name: str

    @property
    def label(self) -> str:
        """How people write it."""
        if self.way == PROFILE:
            return f"user profile {self.name[:8]}…"
        return label(self.concern or self.way, self.name)


class ProgrammeRow(NamedTuple):
    """A programme that a grant has. `holders` None: everyone who uses the grant has it."""

    label: str
    needs_person: bool = False
    holders: frozenset[str] | None = None


Rows = Mapping[AskedProgramme, tuple[ProgrammeRow, ...]]
"""What a grant has, by what requests ask for. A user profile can have several programmes."""
NO_ROWS: Rows = MappingProxyType({})


class LackedProgramme(NamedTuple):
    """Why a programme is not granted: `why` is a key of `WHY`.

    `active` are those that the grant has, `needs` what this one asks of who holds it, `travels` what carries
    it.
    """

    asked: str
    why: str
    active: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    travels: str = ""

    @property
    def text(self) -> str:
        """One sentence for the caller."""
        active = f"active: {', '.join(self.active)}" if self.active else "only the standard one is active"
        needs = f"; it asks {', '.join(self.needs)}" if self.needs else ""
        why = WHY[self.why].replace("WAY", repr(self.travels))
        return f"the programme {self.asked!r} is not granted{why}; {active}{needs}"


WHY = {
    "unknown": ": this release has no such programme",
    "elsewhere": " here: a request names it in WAY",
    "not_granted": "",
    "suspended": ": it is suspended",
    "not_held": ": named persons alone have it, and the request names someone else, or no one",
}
"""Why a programme is not granted, and how that is said."""


class NamedPersons(NamedTuple):
    """The members that a request names, and whether everyone named is one."""

    members: frozenset[str]
    all_known: bool


def rows(stated: Programmes, held: Iterable[HeldProgramme]) -> Rows:
    """What a grant has under the programmes of its terms."""
    found: dict[AskedProgramme, tuple[ProgrammeRow, ...]] = {}
    for each in held:
        programme = stated.get(each.concern, {}).get(each.name)
        if programme is None:
            continue
        if programme.travels == PROFILE:
            row = ProgrammeRow(each.label, programme.needs_person)
            for profile in each.holders:
                asked = AskedProgramme(PROFILE, "", profile)
                found[asked] = (*found.get(asked, ()), row)
        else:
            holders = frozenset(each.holders) if each.holders else None
            asked = _carried(each.concern, each.name, programme)
            found[asked] = (ProgrammeRow(each.label, programme.needs_person, holders),)
    return found or NO_ROWS


def _carried(concern: str, name: str, programme: Programme) -> AskedProgramme:
    return AskedProgramme(programme.travels, concern if programme.travels == FIELD else "", name)


def counted(asked: tuple[AskedProgramme, ...], *, in_profiles: bool) -> tuple[AskedProgramme, ...]:
    """What counts of what a request asks for: a user profile, only where programmes travel in those."""
    return asked if in_profiles else tuple(each for each in asked if each.way != PROFILE)


def lacked(
    asked: Iterable[AskedProgramme],
    has: Rows,
    halted: frozenset[str],
    stated: Programmes,
    named: Callable[[], NamedPersons],
) -> LackedProgramme | None:
    """The first programme that is asked for and not granted; None if each is.

    `has` and `halted` are what a grant has, and what is suspended of it; `stated` are those of its terms.
    """
    for each in asked:
        why = _why_not(has.get(each, ()), halted, named)
        if why:
            return _lacked(each, why, stated, _active(has, halted))
    return None


def _lacked(asked: AskedProgramme, why: str, stated: Programmes, active: tuple[str, ...]) -> LackedProgramme:
    """Why a programme is not granted, with what its plan says of it."""
    if asked.way == PROFILE:
        return LackedProgramme(asked.label, why, active, (), PROFILE)
    meant = [
        (_carried(concern, asked.name, names[asked.name]) == asked, concern)
        for concern, names in stated.items()
        if asked.name in names and asked.name != STANDARD and asked.concern in {"", concern}
    ]
    if not meant:
        return LackedProgramme(asked.label, "unknown" if why == "not_granted" else why, active)
    is_here, concern = max(meant)
    programme = stated[concern][asked.name]
    said = why if is_here else "elsewhere"
    needs = tuple(sorted(programme.asks))
    return LackedProgramme(label(concern, asked.name), said, active, needs, programme.travels)


def needs_person(asked: Iterable[AskedProgramme], has: Rows) -> str:
    """The first programme that asks for a named person, by its label; empty if none does."""
    return next((row.label for each in asked for row in has.get(each, ()) if row.needs_person), "")


def _why_not(
    found: tuple[ProgrammeRow, ...], halted: frozenset[str], named: Callable[[], NamedPersons]
) -> str:
    if not found:
        return "not_granted"
    if any(row.label in halted for row in found):
        return "suspended"
    for row in found:
        if row.holders is not None:
            persons = named()
            if not (persons.all_known and persons.members and persons.members <= row.holders):
                return "not_held"
    return ""


def _active(has: Rows, halted: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted({row.label for found in has.values() for row in found} - halted))
