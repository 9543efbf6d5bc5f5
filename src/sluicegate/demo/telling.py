"""Steps that are told as they happen, and a report of them: whatever happens, every step is in it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sluicegate.errors import SluicegateError, VerificationFailed

Say = Callable[[str], None]


class Page:
    """What is said in one step: sentences in order, and figures by name."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.figures: dict[str, float] = {}

    def __call__(self, sentence: str) -> None:
        """Add a sentence."""
        self.sentences.append(sentence)


@dataclass(frozen=True, slots=True)
class Step:
    """One step as it went. Units: `ms` milliseconds."""

    name: str
    ok: bool
    ms: int
    detail: str
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """All steps. Units: `seconds` from the first to the last, with all that was set up for them."""

    ok: bool
    seconds: float
    steps: Sequence[Step]

    def answer(self) -> dict[str, Any]:
        """The report as JSON (DESIGN 4.7)."""
        return asdict(self)

    def write(self, path: Path) -> None:
        """Write the report, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.new")
        new.write_text(json.dumps(self.answer(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        new.replace(path)


def expect(holds: object, otherwise: str) -> None:
    """Go on if the step is as told. Raises: VerificationFailed: it is not; `otherwise` says how it is."""
    if not holds:
        raise VerificationFailed(otherwise)


def tell(parts: Mapping[str, Callable[[Page], None]], say: Say) -> list[Step]:
    """Tell the parts in order; after one that is not as told, the others are listed and not tried."""
    steps: list[Step] = []
    for name, part in parts.items():
        if steps and not steps[-1].ok:
            steps.append(not_tried(name))
        else:
            steps.append(_told(name, part))
            say(_shown(steps[-1]))
    return steps


def not_tried(name: str) -> Step:
    """A step that was not come to."""
    return Step(name, ok=False, ms=0, detail="not tried: what comes before it was not as told")


def _told(name: str, part: Callable[[Page], None]) -> Step:
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
    return Step(name, ok, ms, "\n".join(page.sentences), page.figures)


def _shown(step: Step) -> str:
    lines = "".join(f"    {line}\n" for line in step.detail.splitlines())
    return f"{step.name}  ({step.ms} ms)\n{lines}"
