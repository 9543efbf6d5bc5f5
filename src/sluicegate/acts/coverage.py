"""Counts of those a directive covers and spares, as several acts answer with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from sluicegate.acts.act import ActAnswer
from sluicegate_record.form import Key, form


@form
class Counts(ActAnswer):
    """How many members, keys, open streams, and requests of the last day."""

    members: int
    credentials: int
    streams: int
    requests: int


@form
class SideCounts(Counts):
    """How many a directive covers, or spares."""

    organizations: int


@form
class Settlement(Counts):
    """The ones whose status is unknown for one reason, and what would make it known."""

    why: str
    text: str


@form
class UnknownCounts(Counts):
    """The covered ones whose status is not known, also by what would make it known."""

    settled_by: tuple[Settlement, ...]


NotKnown = Annotated[UnknownCounts, Key("unknown")]


@form
class OrganizationCoverage(ActAnswer):
    """An organization that a directive covers, at least in part."""

    organization: str
    sector: str | None
    covered: Counts
    spared: Counts
    not_known: Annotated[Counts, Key("unknown")]


@form
class AssuranceSides(ActAnswer):
    """How many requests are covered and spared, of those that name their person with one assurance."""

    covered: int
    spared: int


@form
class ExceptionCoverage(ActAnswer):
    """What one exception spares that would be covered without it."""

    exception: str
    spares: Counts


@form
class Coverage(ActAnswer):
    """Who a directive covers and spares, what is not known, and what each exception changes."""

    covered: SideCounts
    spared: SideCounts
    not_known: NotKnown
    organizations: tuple[OrganizationCoverage, ...]
    assurance: Mapping[str, AssuranceSides]
    exceptions: tuple[ExceptionCoverage, ...]
