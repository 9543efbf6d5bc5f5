"""What the rules say, read literally: slow, without indexes, independent of the code under test."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any


def rule_holds(rule: Any, holds: AbstractSet[str]) -> bool:
    """DESIGN 4.1: allOf | anyOf | atLeast {n, of} | majorityOf, nested."""
    if isinstance(rule, str):
        return rule in holds
    if "allOf" in rule:
        return all([rule_holds(member, holds) for member in rule["allOf"]])
    if "anyOf" in rule:
        return any([rule_holds(member, holds) for member in rule["anyOf"]])
    if "atLeast" in rule:
        return (
            len([1 for member in rule["atLeast"]["of"] if rule_holds(member, holds)]) >= rule["atLeast"]["n"]
        )
    yes = [rule_holds(member, holds) for member in rule["majorityOf"]]
    return yes.count(True) > yes.count(False)
