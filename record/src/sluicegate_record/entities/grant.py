"""A grant: what an organization may use, and the present state of that right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries import Hidden, grants, or_hidden, seen
from sluicegate_record.entries.body import Body
from sluicegate_record.form import Form, Time, form, replace
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.programmes import HeldProgramme

SUSPENDED, REMOVED = "suspended", "removed"
ENDED = frozenset({"expired", REMOVED, "surrendered"})


@form
class Grant(Form):
    """An organization's authorization for one release on one surface, given by its case.

    `dossier` is the case whose sealed part has the dossier that was last agreed to. `listed` is the
    commitment by which the terms name its holder, if a list admitted it: then its case is the one about
    those terms. `moved` is the case about the terms by which it went on as part of another stage, `named`
    that commitment, if those terms list its holder. `amendment` and `removal` are the open cases about the
    grant. `standing` is `suspended`, `expired`, `removed` or `surrendered`; None while nothing has changed
    it. `doubted` says that its case does not carry it without what a compromised key signed. `halted` are
    the programmes that are suspended, also those that it may get later, by their labels.
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
    programmes: tuple[HeldProgramme, ...] = ()
    halted: frozenset[str] = frozenset()
    listed: str | None = None
    moved: str | None = None
    named: str | None = None
    standing: str | None = None
    doubted: bool = False
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

    @property
    def active(self) -> frozenset[str]:
        """The programmes that it has and that are not suspended, by label."""
        return frozenset(each.label for each in self.programmes) - self.halted

    def after(self, entry: Happening) -> Grant:
        """The grant after an entry. An entry about another grant changes nothing."""
        move = _MOVES.get(type(entry.body))
        return self if move is None else move(self, entry.body)


def approved(body: grants.GrantApproved, dossier: str, listed: str | None = None) -> Grant:
    """The grant that an entry gives. `dossier` is the one of its case; `listed` as the grant has it."""
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
        programmes=body.programmes,
        listed=listed,
    )


def place_of(release: str, listed: str) -> str:
    """Where the grants of a name on the lists of a release are found."""
    return f"{release} {listed}"


def seat_of(grant: Grant) -> str | None:
    """Where the grants of an organization on a surface of a release are found; None: it is hidden here."""
    return None if isinstance(grant.holder, Hidden) else seat(grant.release, grant.surface, grant.holder)


def seat(release: str, surface: str, organization: str) -> str:
    """As `seat_of`, of a grant that is to be given."""
    return f"{release} {surface} {organization}"


def _amended(grant: Grant, body: grants.GrantAmended) -> Grant:
    return replace(
        grant,
        terms=body.terms,
        conditions=body.conditions,
        valid_until_ms=body.valid_until_ms,
        programmes=body.programmes,
        doubted=False,
    )


def _moved(grant: Grant, body: grants.GrantMoved) -> Grant:
    return replace(
        grant,
        stage=body.stage,
        terms=body.terms,
        conditions=body.conditions,
        programmes=body.programmes,
        moved=body.case,
        named=body.party or grant.named,
    )


def _suspended(grant: Grant, body: grants.GrantSuspended) -> Grant:
    """A grant that has ended stays ended.

    Suspending it would open a way back, because a suspended grant can resume.
    """
    if body.programmes:
        return replace(grant, halted=grant.halted.union(body.programmes))
    return replace(grant, standing=SUSPENDED) if grant.is_live else grant


def _resumed(grant: Grant, body: grants.GrantResumed) -> Grant:
    if body.programmes:
        return replace(grant, halted=grant.halted.difference(body.programmes))
    return replace(grant, standing=None)


def _goes_on(grant: Grant, body: Body) -> Grant:
    return replace(grant, standing=None, doubted=False)


def _over(grant: Grant, body: grants.GrantEnded) -> Grant:
    """A grant that was removed stays that: no milder end lets its holder in elsewhere."""
    return grant if grant.standing == REMOVED else replace(grant, standing=body.how)


_MOVES: dict[type[Body], Callable[[Grant, Any], Grant]] = {
    grants.GrantAmended: _amended,
    grants.GrantMoved: _moved,
    grants.GrantSuspended: _suspended,
    grants.GrantResumed: _resumed,
    grants.GrantReinstated: _goes_on,
    grants.GrantEnded: _over,
}
