"""The law of versions: rules for an entry of any type."""

from __future__ import annotations

from sluicegate_record.entries import Body, Unknown
from sluicegate_record.law.rule import At, Broken, LawRule


def is_known(at: At, body: Body) -> None:
    """An entry is of a version and a type that this build can read."""
    if isinstance(body, Unknown):
        raise Broken(body.why)


def is_no_older(at: At, body: Body) -> None:
    """An entry's version is not older than that of any entry before it, whatever their types."""
    if at.is_older:
        raise Broken(f"an entry of version {at.entry.v} after one of version {at.record.newest_v}")


RULES: tuple[LawRule, ...] = (is_known, is_no_older)
