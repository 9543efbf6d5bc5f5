"""Entries of licences: exceptions from a directive for one who is covered by it."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, Gate, entry
from sluicegate_record.entries.support import SupportedBody
from sluicegate_record.form import Note, Time, form
from sluicegate_record.terms.conditions import Conditions


@form
class OfLicence(Body):
    """A body about a licence under a directive."""

    licence: str
    directive: str


@entry("licence.granted")
class LicenceGranted(SupportedBody):
    """The holder of a grant, or one member, is excepted from a directive."""

    licence: str
    directive: str
    case: str
    grant: str
    conditions: Conditions
    valid_until_ms: Time | None
    member: Annotated[str | None, Note("if it is for one member")] = None
    organization: Gate[str]


@entry("licence.ended")
class LicenceEnded(OfLicence):
    """A licence excepts no one any more. It also ends with its directive, or with its document."""

    how: Annotated[str, Note("`expired`, `revoked`")]
    reason: str | None = None
