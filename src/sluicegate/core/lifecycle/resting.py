"""What a consequence rests on: the positions of its case, and what counted in place of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from sluicegate_record.entities.case import Case
from sluicegate_record.entries.support import PositionRef, SupportedBody

Consequence = TypeVar("Consequence", bound=SupportedBody)


def resting_on(body: Consequence, case: Case) -> Consequence:
    """A consequence, with the signatures or the silence that it rests on."""
    positions = tuple(
        PositionRef(agency=party, digest=said.digest, seq=said.seq)
        for party, said in sorted(case.positions.items())
        if party in case.consents
    )
    silent = case.consenting - {said.agency for said in positions}
    return replace(
        body,
        positions=positions,
        silent=tuple(sorted(silent)),
        unopposed=case.unopposed,
        proceeded=case.proceeded,
    )
