"""The input of a rule of law, and how it says no."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import wraps
from typing import Any, NamedTuple, TypeAlias, TypeVar

from sluicegate_record.entities.case import Case
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.key import Keys
from sluicegate_record.entities.keyimport import KeyImport
from sluicegate_record.entities.release import Release, Terms
from sluicegate_record.entries import Entry
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.record import Holding, Record
from sluicegate_record.terms import kinds

V = TypeVar("V")


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
        case = known(self.record.cases, name, "case")
        question = case.question
        if kinds and (case.kind not in kinds or question.kind != case.kind or question.case != name):
            raise Broken(f"a case of another kind than {', '.join(kinds)}")
        return case

    def grant(self, name: str) -> Grant:
        """A grant. Raises: Broken."""
        return known(self.record.grants, name, "grant")

    def holding(self, name: str) -> Holding:
        """A grant or an account. Raises: Broken."""
        found = self.record.holding(name)
        if found is None:
            raise Broken(f"no grant {name!r}")
        return found

    def directive(self, name: str) -> Directive:
        """A directive. Raises: Broken."""
        return known(self.record.directives, name, "directive")

    def key_import(self, name: str) -> KeyImport:
        """An import of keys. Raises: Broken."""
        return known(self.record.imports, name, "import")

    def terms(self, digest: str) -> Terms:
        """Terms. Raises: Broken."""
        terms = self.record.terms.get(digest)
        if terms is None:
            raise Broken("terms that no plan has stated")
        return terms

    def release(self, name: str) -> Release:
        """A release. Raises: Broken."""
        return known(self.record.releases, name, "release")


def known(among: Mapping[str, V], name: str, what: str) -> V:
    """One entity, by its name. Raises: Broken: the record does not have it."""
    found = among.get(name)
    if found is None:
        raise Broken(f"no {what} {name!r}")
    return found


LawRule: TypeAlias = Callable[[At, Any], None]
"""Raises Broken if an entry's body breaks the rule, and Withheld if a field that it needs is missing."""


def of_the_record(rule: LawRule) -> LawRule:
    """A rule about what the log says itself. Who counts only signatures does not ask it."""

    @wraps(rule)
    def asked(at: At, body: Any) -> None:
        if at.believes:
            rule(at, body)

    return asked


def require(holds: object, why: str) -> None:
    """Check a condition. Raises: Broken: it does not hold."""
    if not holds:
        raise Broken(why)


def is_named_by_its_digest(at: At, body: Any) -> None:
    """An entry names the statement that was signed by its digest."""
    require(body.digest == body.envelope.digest, "a signed statement under another digest than its own")


def same(body: object, stated: object, fields: str, why: str) -> None:
    """Check that an entry says in these fields what its statement or question says. Raises: Broken."""
    for name in fields.split():
        require(getattr(body, name) == getattr(stated, name), why)


def signed_by(at: At, envelope: Envelope, party: str, named: Iterable[str], why: str) -> None:
    """Check that owners signed for a party, and that the record names only those. Raises: Broken."""
    owners = at.keys.owners(envelope, party)
    require(owners, why)
    require(not at.believes or owners.issuperset(named), "a statement under another owner than signed it")


def follows_at_once(at: At, case: Case) -> None:
    """Check that an entry follows at once from the decision of its case. Raises: Broken."""
    is_granted = case.outcome in kinds.GRANTED and case.determined_ms == at.at_ms
    require(is_granted, "what follows from a case that was not decided at this moment")
