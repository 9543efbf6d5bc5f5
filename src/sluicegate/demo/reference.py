"""The reference pages that are made from the tables in the code: `python -m sluicegate.demo.reference`.

`pages` gives them by path; a test compares them with what stands in `docs/`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sluicegate.control.errors import STATUS_OF_ERROR, STATUS_OF_REFUSAL
from sluicegate.core import directive, plan
from sluicegate.core.refusals import REASONS, Reason
from sluicegate.service import access


def pages() -> dict[str, str]:
    """Every generated page by its path under `docs/`."""
    return {
        "reference/plan.schema.json": json.dumps(plan.schema(), indent=2) + "\n",
        "reference/refusals.md": _refusals(),
        "reference/refused-by-name.md": _later(),
        "reference/access.md": _access(),
    }


def _refusals() -> str:
    rows = [
        [f"`{reason}`", _status(reason), REASONS[reason].text, REASONS[reason].remedy] for reason in Reason
    ]
    return _page(
        "Refusals",
        "Why a gateway says no. Where several reasons hold, the first in this order is given. Each comes\n"
        "in the caller's dialect, with `x-should-retry: false` unless waiting helps, and with\n"
        "`error.sluicegate {reason, directive, application, fallback, remedy, size}`.",
        _table(["reason", "status", "what it says", "what to do"], rows),
    )


def _status(reason: Reason) -> str:
    status = str(REASONS[reason].status)
    return f"{status}; 451 when its basis is an order" if reason is Reason.DIRECTIVE_IN_FORCE else status


def _later() -> str:
    def rows(later: Mapping[str, str]) -> list[list[str]]:
        return [[f"`{name}`", what] for name, what in sorted(later.items())]

    body = "## In plans\n\n" + _table(["field", "needs"], rows(plan.LATER))
    body += "\n\n## In directives\n\n" + _table(["field", "needs"], rows(directive.LATER))
    return _page(
        "Refused by name",
        "What a plan or a directive may say but this build cannot do yet. It is refused with its place.",
        body,
    )


def _access() -> str:
    rows = [[f"`{action}`", ", ".join(sorted(roles))] for action, roles in access.ACTIONS.items()]
    errors: list[list[Any]] = [[kind, status] for kind, status in STATUS_OF_REFUSAL.items()]
    errors += [[f"`{kind.code}`", status] for kind, status in STATUS_OF_ERROR.items()]
    body = _table(["action", "roles"], rows)
    body += "\n\n## Statuses\n\nOf refused commands by kind, and of errors by code.\n\n" + _table(
        ["what", "status"], errors
    )
    return _page(
        "Who may do what at the control plane",
        "Who acts comes from the token. A signature, not a token, makes a position or a directive count.",
        body,
    )


def _page(title: str, about: str, body: str) -> str:
    return f"# {title}\n\n{about}\n\n{body}\n"


def _table(columns: list[str], rows: list[list[Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def write(folder: Path) -> None:
    """Write every generated page into `folder`."""
    for name, text in pages().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
