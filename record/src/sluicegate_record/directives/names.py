"""Lists of names beside a signed directive: organizations or persons, in an annex or in the directive itself.

Rules:
- A directive has their count and a commitment. The list itself opens the commitment.
- An annex says which kind of names it has: `{organizations: […]}` or `{persons: […]}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANNEX = "annex."
"""The prefix of an annex's name among the openings of a document."""
ROWS_MAX = 100_000
NAME_MAX = 500
"""How many characters a name may have."""
KINDS = frozenset({"organizations", "persons"})


def check(value: Any) -> dict[str, list[str]]:
    """Check the names of an annex that came beside a signed directive. Raises: ValueError."""
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= KINDS:
        raise ValueError("an annex that is neither of organizations nor of persons")
    (names,) = value.values()
    if not isinstance(names, list) or not 1 <= len(names) <= ROWS_MAX:
        raise ValueError(f"an annex of 1 to {ROWS_MAX:,} names expected")
    if not all(isinstance(name, str) and 0 < len(name) <= NAME_MAX for name in names):
        raise ValueError(f"an annex whose names are texts of 1 to {NAME_MAX} characters expected")
    return value


def count(value: Mapping[str, list[str]]) -> int:
    """How many names an annex has."""
    return sum(map(len, value.values()))
