"""The table of acts: every row, by name."""

from __future__ import annotations

from types import ModuleType

from sluicegate.acts import grants
from sluicegate.acts.act import Act, AnyAct


def _rows(module: ModuleType) -> list[AnyAct]:
    return [value for value in vars(module).values() if isinstance(value, Act)]


ACTS: dict[str, AnyAct] = {act.name: act for module in (grants,) for act in _rows(module)}
