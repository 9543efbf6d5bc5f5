"""Steps that are printed as they happen, and a report of them. The report always has every step."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sluicegate.errors import SluicegateError, VerificationFailed

COLUMNS = 110
Say = Callable[[str], None]
Part = Callable[["Page"], None]
"""A step: it says what happens, and raises an error if a check fails. Its name is the step's name."""


class Page:
    """The text of one step: sentences in order, and figures by name."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.figures: dict[str, float] = {}

    def __call__(self, sentence: str) -> None:
        """Add a sentence."""
        self.sentences.append(sentence)


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one step. Units: `ms` milliseconds."""

    name: str
    ok: bool
    ms: int
    detail: str
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """All steps. Units: `seconds` from the first to the last, including the set-up."""

    ok: bool
    seconds: float
    steps: Sequence[Step]

    def answer(self) -> dict[str, Any]:
        """The report as JSON (DESIGN 4.7)."""
        return asdict(self)

    def write(self, path: Path) -> None:
        """Write the report, completely or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.new")
        new.write_text(json.dumps(self.answer(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        new.replace(path)


def expect(holds: object, otherwise: str) -> None:
    """Check a step. Raises: VerificationFailed: the check fails; `otherwise` says what is true instead."""
    if not holds:
        raise VerificationFailed(otherwise)


def tell(parts: Iterable[Part], steps: list[Step], say: Say) -> None:
    """Run the parts in order, with the result of each in `steps`, up to the first one that fails."""
    for part in parts:
        steps.append(_told(part))
        say(_shown(steps[-1]))
        if not steps[-1].ok:
            return


def report(names: Sequence[str], steps: Sequence[Step], seconds: float) -> Report:
    """The report of the steps so far. Those of `names` that were not reached are listed as not ok."""
    others = [
        Step(name, ok=False, ms=0, detail="not tried: what comes before it was not as told")
        for name in names[len(steps) :]
    ]
    every = [*steps, *others]
    return Report(all(step.ok for step in every), round(seconds, 1), every)


def _told(part: Part) -> Step:
    page, began = Page(), time.monotonic()
    ok = False
    try:
        part(page)
        ok = True
    except SluicegateError as error:
        page(f"NOT AS TOLD: {error.message}")
    except Exception as error:  # noqa: BLE001 - a surprise is not as told either, and is in the report
        page(f"NOT AS TOLD: {type(error).__name__}: {error}")
    ms = round((time.monotonic() - began) * 1000)
    return Step(part.__name__, ok, ms, "\n".join(page.sentences), page.figures)


def _shown(step: Step) -> str:
    lines = [_wrapped(line) for line in step.detail.splitlines()]
    return "\n".join([f"{step.name} ({step.ms} ms)", *lines, ""])


def _wrapped(line: str) -> str:
    return textwrap.fill(
        line,
        COLUMNS,
        initial_indent="  - ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
