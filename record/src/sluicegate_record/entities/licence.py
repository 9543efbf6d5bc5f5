"""A licence: an exception from a directive as it stood, for the holder of a grant, or for one member."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries import Hidden, or_hidden
from sluicegate_record.entries.licences import LicenceEnded, LicenceGranted
from sluicegate_record.form import Form, Time, form, replace
from sluicegate_record.terms.conditions import Conditions

EXPIRED, REVOKED = "expired", "revoked"


@form
class Licence(Form):
    """A licence under a directive with this document. `standing` is `expired` or `revoked`; None before.

    Units: milliseconds since 1970 UTC; `valid_until_ms` None: until its directive ends.
    """

    id: str
    directive: str
    document: str
    case: str
    grant: str
    holder: Annotated[str | Hidden, or_hidden(str)]
    conditions: Conditions
    valid_until_ms: Time | None
    at_ms: Time
    seq: int
    member: str | None = None
    standing: str | None = None
    ended_ms: Time | None = None

    def after(self, entry: Happening) -> Licence:
        """The licence after an entry that ends it."""
        body = entry.body
        if not isinstance(body, LicenceEnded) or self.standing is not None:
            return self
        return replace(self, standing=body.how, ended_ms=entry.at_ms)


def granted(entry: Happening, body: LicenceGranted, document: str) -> Licence:
    """The licence that an entry gives, under a directive with this document."""
    return Licence(
        id=body.licence,
        directive=body.directive,
        document=document,
        case=body.case,
        grant=body.grant,
        holder=body.organization,
        conditions=body.conditions,
        valid_until_ms=body.valid_until_ms,
        at_ms=entry.at_ms,
        seq=entry.seq,
        member=body.member,
    )
