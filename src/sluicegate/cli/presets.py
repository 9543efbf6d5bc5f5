"""`preset`: plans to start from.

Each number in them has its source beside it, or is for the reader to choose.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import sluicegate
from sluicegate.cli.files import read_text
from sluicegate.cli.options import word
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.errors import InvalidInput

PRESETS = Path(sluicegate.__file__).with_name("presets")
"""The folder of the presets, which come with the package."""


def listed(as_json: Json = False) -> None:
    """List the presets and their purposes. Then: sluicegate release new NAME --from PRESET -o FILE."""
    about = [{"preset": path.stem, "about": _about(path)} for path in _presets()]
    rows = [[each["preset"], each["about"]] for each in about]
    emit({"presets": about}, as_json, table("presets", ["preset", "about"], rows, "No preset here."))


def show(
    name: Annotated[str, word("The preset; 'sluicegate preset list' names them.")],
    as_json: Json = False,
) -> None:
    """Print a preset: a plan with its comments. 'sluicegate release new' makes a plan of your own from it."""
    path = found(name)
    if path is None:
        raise InvalidInput(f"no preset {name[:80]!r}, expected one of {', '.join(known())}")
    text = read_text(path)
    emit({"preset": name, "plan": text}, as_json, text.rstrip("\n"))


def found(name: str) -> Path | None:
    """The file of a preset; None if none has this name."""
    return next((path for path in _presets() if path.stem == name), None)


def known() -> list[str]:
    """The names of all presets."""
    return [path.stem for path in _presets()]


def placeholders() -> frozenset[str]:
    """The names in presets that stand for those of who uses one, such as my-lab."""
    return frozenset(name for path in _presets() for name in _PLACEHOLDER.findall(read_text(path)))


_PLACEHOLDER = re.compile(r"\bmy-[a-z0-9-]+[a-z0-9]")


def _presets() -> list[Path]:
    return sorted(PRESETS.glob("*.yaml"))


def _about(path: Path) -> str:
    """The first sentence of a preset."""
    lines = (line.removeprefix("#").strip() for line in read_text(path).splitlines() if line.startswith("#"))
    return " ".join(lines).partition(". ")[0].partition(";")[0]
