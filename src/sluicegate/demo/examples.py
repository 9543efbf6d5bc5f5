"""Where the example files are: beside this module in an installed package, else in the project's folder."""

from __future__ import annotations

from pathlib import Path

from sluicegate.errors import InvalidInput

_HERE = Path(__file__).resolve()
_PLACES = (_HERE.parent / "examples", _HERE.parents[3] / "examples")


def examples_folder() -> Path:
    """The folder of the example plans, organizations and directives.

    Raises: InvalidInput: this installation lacks it.
    """
    for place in _PLACES:
        if place.is_dir():
            return place
    raise InvalidInput(
        f"the example files are neither in {_PLACES[0]} nor in {_PLACES[1]}",
        remedy="run the demonstration from a copy of the project",
    )
