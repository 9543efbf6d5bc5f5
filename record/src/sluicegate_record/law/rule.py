"""The input of a rule of law, and how it says no."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple, TypeAlias

from sluicegate_record.entities.case import Case
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.key import Keys
from sluicegate_record.entities.release import Release, Terms
from sluicegate_record.entries import Entry
from sluicegate_record.record import Record


class Support(Enum):
    """What can carry a decision.

    `RECORD`: positions, silence, notice and proceeding, as the log says. `SIGNATURES`: only positions.
    """

    RECORD = "record"
    SIGNATURES = "signatures"


class Broken(Exception):
    """A rule does not hold, and why. `breach` turns it into a value."""


class At(NamedTuple):
    """Where an entry is judged: the record before it, the keys that count, and what can carry a decision."""

    record: Record
    entry: Entry
    keys: Keys
    log: str
    support: Support

    @property
    def at_ms(self) -> int:
        """The entry's time, milliseconds since 1970 UTC."""
        return self.entry.at_ms

    @property
    def is_older(self) -> bool:
        """Whether the log already has an entry of a newer version."""
        return self.entry.v < self.record.newest_v

    @property
    def believes(self) -> bool:
        """Whether it counts what the log says about silence, notice and proceeding."""
        return self.support is Support.RECORD

    def case(self, name: str, *kinds: str) -> Case:
        """A case of one of these kinds. Raises: Broken."""
        case = self.record.cases.get(name)
        if case is None:
            raise Broken(f"no case {name!r}")
        question = case.question
        if kinds and (case.kind not in kinds or question.kind != case.kind or question.case != name):
            raise Broken(f"a case of another kind than {', '.join(kinds)}")
        return case

    def grant(self, name: str) -> Grant:
        """A grant. Raises: Broken."""
        grant = self.record.grants.get(name)
        if grant is None:
            raise Broken(f"no grant {name!r}")
        return grant

    def directive(self, name: str) -> Directive:
        """A directive. Raises: Broken."""
        found = self.record.directives.get(name)
        if found is None:
            raise Broken(f"no directive {name!r}")
        return found

    def terms(self, digest: str) -> Terms:
        """Terms. Raises: Broken."""
        terms = self.record.terms.get(digest)
        if terms is None:
            raise Broken("terms that no plan has stated")
        return terms

    def release(self, name: str) -> Release:
        """A release. Raises: Broken."""
        release = self.record.releases.get(name)
        if release is None:
            raise Broken(f"no release {name!r}")
        return release


LawRule: TypeAlias = Callable[[At, Any], None]
"""Raises Broken if an entry's body breaks the rule, and Withheld if a field that it needs is missing."""


def require(holds: object, why: str) -> None:
    """Check a condition. Raises: Broken: it does not hold."""
    if not holds:
        raise Broken(why)
