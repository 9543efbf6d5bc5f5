"""The law of versions: rules for an entry of any type."""

from __future__ import annotations

from sluicegate_record.entries import Body, Unknown
from sluicegate_record.entries.releases import LogStarted
from sluicegate_record.law.rule import At, Broken, LawRule, require


def is_known(at: At, body: Body) -> None:
    """An entry is of a version and a type that this build can read."""
    if isinstance(body, Unknown):
        raise Broken(body.why)


def is_no_older(at: At, body: Body) -> None:
    """An entry's version is not older than that of any entry before it, whatever their types."""
    if at.is_older:
        raise Broken(f"an entry of version {at.entry.v} after one of version {at.record.newest_v}")


def is_begun(at: At, body: Body) -> None:
    """The first entry of a log starts it."""
    require(at.entry.seq or isinstance(body, LogStarted), "a log that begins with something else")


RULES: tuple[LawRule, ...] = (is_known, is_no_older, is_begun)
