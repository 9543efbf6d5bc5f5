"""Entries of declared enforcement points."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, entry
from sluicegate_record.form import Base64, Note, Time, form
from sluicegate_record.log.dsse import Envelope


@form
class PointSet(Body):
    """A body with which an officer declares or retires a point."""

    point: str
    surface: str
    keyid: str
    public_key: Base64
    owner: str
    digest: str
    envelope: Envelope


@entry("point.declared")
class PointDeclared(PointSet):
    """A surface that has none of our gateways."""


@entry("point.retired")
class PointRetired(PointSet):
    """A point that no longer has to enforce directives."""


@entry("point.stated")
class PointStated(Body):
    """What a point says of a directive, signed with its own key."""

    point: str
    directive: str
    size: int
    says: Annotated[str, Note("`enforced`, `restored`")]
    at_ms: Time
    digest: str
    envelope: Envelope
