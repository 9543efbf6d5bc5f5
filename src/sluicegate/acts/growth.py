"""What bounds how much an act can write for ever.

Rules:
- The row of an act that writes names one, unless only the developer's staff may do it.
- What a party can do again and again is counted by the day, see `sluicegate.settings.DailyLimits`.
- What ends something is never refused for a count: what it ends was counted when it began.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bound:
    """Why an act cannot fill the ledger. `counted` is the daily limit that it counts to, if any."""

    why: str
    counted: str = ""


def daily(counted: str) -> Bound:
    """The bound of an act that is counted by the day."""
    return Bound(f"counted by the day: `{counted}`", counted)


ENDS = Bound("ends what was counted when it began; without effect: `repeats`", "repeats")
"""The bound of what ends something, by its `effect`. Only an end that changes nothing counts."""
ONCE = Bound("done once for each thing that others began or that was counted")
IN_PLACE = Bound("replaces what was there; a gateway has at most 64 runs, in the file of the feed alone")
