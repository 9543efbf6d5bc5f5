"""Entries of directives, drills and definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate_record.directives.document import Document
from sluicegate_record.directives.scope import Scope
from sluicegate_record.entries.body import Body, Gate, Openings, entry
from sluicegate_record.form import Form, Json, Note, Time, form
from sluicegate_record.log.dsse import Envelope


@entry("definition.added")
class DefinitionAdded(Body):
    """Which statuses the words of an order mean."""

    definition: str
    statuses: frozenset[str]
    source: str


@entry("directive.issued")
class DirectiveIssued(Body):
    """A directive is in force, or a drill begins."""

    directive: str
    issuer: str
    signed_by: str
    signers: tuple[str, ...] = ()
    document: Document
    digest: str
    envelope: Envelope
    replaces: str | None = None
    named: Annotated[
        Gate[Json] | None,
        Note(
            "what its names come to, by `covers`, `except`, `annex.…`: organizations, names as tags, persons"
        ),
    ] = None
    organizations: Annotated[Gate[tuple[str, ...]] | None, Note("in logs of earlier builds")] = None
    opened: Annotated[
        Openings, Note("what opens its commitments: covers.organizations, except.persons, annex.…, reasons …")
    ] = field(default_factory=dict)


@entry("directive.confirmed")
class DirectiveConfirmed(Body):
    """The issuer of a transcribed directive confirms it."""

    directive: str
    owner: str
    document: Annotated[str, Note("digest")]
    digest: str
    envelope: Envelope


@entry("directive.lifted")
class DirectiveLifted(Body):
    """A directive, a part of one, or a drill has ended."""

    directive: str
    case: Annotated[str | None, Note("null of a drill")]
    scope: Annotated[Scope | None, Note("where a part is lifted")] = None
    named: Annotated[Gate[Json] | None, Note("if the scope has organizations")] = None


@entry("directive.expired")
class DirectiveExpired(Body):
    """The end time in the directive itself has come."""

    directive: str


@entry("drill.reported")
class DrillReported(Body):
    """The report of a drill, signed by the log's key."""

    directive: str
    digest: str
    envelope: Envelope


@form
class AtGateway(Form):
    """A run of a gateway: it has acknowledged the directive, or the control plane counted it out.

    `at_ms` is when it acknowledged, or when the lease ended after which it was counted out; None if no such
    lease is known. `ask` and `sig` are what it signed. A run that does not sign has no `key`.
    """

    gateway: str
    incarnation: str
    surface: str
    size: int
    state: str
    at_ms: Time | None
    streams_cut: int
    signed: bool
    drifted: Json
    key: str | None
    ask: Mapping[str, Json] | None
    sig: str | None


@form
class AtPoint(Form):
    """A declared point, and the entry in which it said that it enforces the directive."""

    point: str
    surface: str
    at_ms: Time
    seq: int


@entry("directive.in_force")
class DirectiveInForce(Body):
    """A directive is in force everywhere. Rows that do not fit go on in the next entry: `part` of `of`."""

    directive: str
    size: int
    at_ms: Time
    time_to_zero_ms: int
    acknowledged: int
    counted_out: int
    stated: int | None = None
    streams_cut: Annotated[int, Note("as gateways reported")]
    part: int
    of: int
    gateways: tuple[Json, ...]
    points: tuple[AtPoint, ...] | None = None
