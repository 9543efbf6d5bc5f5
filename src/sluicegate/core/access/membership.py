"""Who is in a stage that is open for everyone, and who would not be by a smaller share. A count."""

from __future__ import annotations

from typing import NamedTuple

from sluicegate.core.access.coverage import Held, sliced
from sluicegate.core.access.rows import AudienceRow, GrantRow
from sluicegate.core.access.table import Table
from sluicegate_record.terms import audience


class Membership(NamedTuple):
    """Organizations that are in now, that would lose access, and that would keep it by a grant."""

    now: int
    losing: int
    kept: int


def membership(table: Table, release: str, left: int, now_ms: int, held: Held) -> Membership:
    """How a stage that is open for everyone is used now, and by the share of `left` places of 10,000."""
    row, now, losing, kept = table.audiences.get(release), 0, 0, 0
    if row is None:
        return Membership(0, 0, 0)
    for organization in sliced(table.held.keys, held):
        own = table.held[organization]
        if not any(row.lets_in(each, now_ms) and _counts(row, each) for each in own):
            continue
        now += 1
        if audience.place_of(release, organization) >= left:
            stays = any(_allows(table, row, each, now_ms) for each in own)
            losing, kept = losing + (not stays), kept + stays
    return Membership(now, losing, kept)


def _counts(row: AudienceRow, own: GrantRow) -> bool:
    """Whether a row is an open account, or a grant of the release: what a stage for everyone lets in."""
    return own.release in {"", row.release}


def _allows(table: Table, row: AudienceRow, own: GrantRow, now_ms: int) -> bool:
    """Whether a grant of the same release gives access by itself."""
    lasts = own.valid_until_ms is None or now_ms < own.valid_until_ms
    is_its_own = own.release == row.release and own.barred is None and not own.replaced
    return is_its_own and lasts and own.terms in table.open_terms
