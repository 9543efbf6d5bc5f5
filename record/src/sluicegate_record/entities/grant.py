"""A grant: what an organization may use, and the present state of that right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries import Hidden, grants, or_hidden, seen
from sluicegate_record.entries.body import Body
from sluicegate_record.form import Form, Time, form, replace
from sluicegate_record.terms.conditions import Conditions

SUSPENDED = "suspended"
ENDED = frozenset({"expired", "removed", "surrendered"})


@form
class Grant(Form):
    """An organization's authorization for one release on one surface, given by its case.

    `dossier` is the case whose sealed part has the dossier that was last agreed to; `party` is the commitment
    to it. `amendment` and `removal` are the open cases about the grant. `standing` is `suspended`, `expired`,
    `removed` or `surrendered`; None while nothing has changed it.
    Units: validity in milliseconds since 1970 UTC, `[from, until)`; `until` None is without end.
    """

    id: str
    case: str
    holder: Annotated[str | Hidden, or_hidden(str)]
    release: str
    stage: str
    surface: str
    terms: str
    conditions: Conditions | None
    valid_from_ms: Time
    valid_until_ms: Time | None
    dossier: str
    standing: str | None = None
    amendment: str | None = None
    removal: str | None = None

    @property
    def organization(self) -> str:
        """The organization that holds it, by pseudonym. Raises: Withheld."""
        return seen(self.holder)

    @property
    def is_live(self) -> bool:
        """Whether it has not ended. It may be suspended."""
        return self.standing not in ENDED

    def after(self, entry: Happening) -> Grant:
        """The grant after an entry. An entry about another grant changes nothing."""
        move = _MOVES.get(type(entry.body))
        return self if move is None else move(self, entry.body)


def approved(body: grants.GrantApproved, dossier: str) -> Grant:
    """The grant that an entry gives. `dossier` is the one of its case."""
    return Grant(
        id=body.grant,
        case=body.case,
        holder=body.organization,
        release=body.release,
        stage=body.stage,
        surface=body.surface,
        terms=body.terms,
        conditions=body.conditions,
        valid_from_ms=body.valid_from_ms,
        valid_until_ms=body.valid_until_ms,
        dossier=dossier,
    )


def _amended(grant: Grant, body: grants.GrantAmended) -> Grant:
    return replace(grant, terms=body.terms, conditions=body.conditions, valid_until_ms=body.valid_until_ms)


def _suspended(grant: Grant, body: grants.GrantSuspended) -> Grant:
    """A grant that has ended stays ended.

    Suspending it would open a way back, because a suspended grant can resume.
    """
    return replace(grant, standing=SUSPENDED) if grant.is_live else grant


def _goes_on(grant: Grant, body: Body) -> Grant:
    return replace(grant, standing=None)


def _over(grant: Grant, body: grants.GrantEnded) -> Grant:
    return replace(grant, standing=body.how)


_MOVES: dict[type[Body], Callable[[Grant, Any], Grant]] = {
    grants.GrantAmended: _amended,
    grants.GrantSuspended: _suspended,
    grants.GrantResumed: _goes_on,
    grants.GrantReinstated: _goes_on,
    grants.GrantEnded: _over,
}
