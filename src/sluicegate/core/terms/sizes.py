"""How large what parties state may be, so that what follows from all of it together fits into one entry.

Rules:
- A grant states the conditions of its terms and of every position. No one refuses the last of many positions
  because the others took the room: each party of a case has the same share, whatever the others say.
- The bounds of one statement are checked when it is made. What an earlier build accepted may be larger:
  whether a decision fits is asked again when it is made.
"""

from __future__ import annotations

from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import LEAF_BYTES_MAX
from sluicegate_record.terms.conditions import Conditions

PLAN_CONDITIONS_MAX = 10_000
"""How many bytes the conditions of a stage may take."""
CONDITIONS_MAX = 40_000
"""How many bytes those of the terms and of all positions may take together."""
ADMISSION_MAX = 24_000
"""How many bytes the admission of a stage may take: every case about the stage repeats it."""
OPENING_MAX = 30_000
"""How many bytes a signed opening may take that waits for agencies: a later entry repeats it."""
_ENTRY, _PARTY = 2_000, 200
"""How many bytes an entry that decides a case takes, without its conditions: in all, and for each party."""


def size_of(conditions: Conditions) -> int:
    """How many bytes conditions take in an entry."""
    return len(canonical.dumps(conditions.to_json()))


def share(terms: Conditions, parties: int) -> int:
    """How many bytes the conditions of one of so many parties may take, beside those of the terms."""
    return (CONDITIONS_MAX - max(PLAN_CONDITIONS_MAX, size_of(terms))) // parties


def room(parties: int) -> int:
    """How many bytes of conditions fit into the entry that decides a case of so many parties."""
    return LEAF_BYTES_MAX - _ENTRY - _PARTY * parties
