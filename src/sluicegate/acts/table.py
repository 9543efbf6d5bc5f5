"""The table of acts: every row, by name."""

from __future__ import annotations

from types import ModuleType

from sluicegate.acts import cases, credentials, grants, log, releases, reports, review, tokens
from sluicegate.acts.act import Act, AnyAct


def _rows(module: ModuleType) -> list[AnyAct]:
    return [value for value in vars(module).values() if isinstance(value, Act)]


FAMILIES = (releases, cases, review, grants, credentials, reports, tokens, log)
ACTS: dict[str, AnyAct] = {act.name: act for family in FAMILIES for act in _rows(family)}
