"""`demo …`: its commands are in the package `demo`, which stands beside the sources in a checkout."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import sluicegate
from sluicegate.errors import WrongUsage

_SOURCES = Path(sluicegate.__file__).resolve().parents[1]


def commands() -> dict[str, Callable[..., None]]:
    """The demonstration's commands by name; none where this package is not in a checkout."""
    package = _SOURCES.parent / "demo" / "__init__.py"
    if _SOURCES.name != "src" or not package.is_file():
        return {}
    _load(package)
    from demo import commands as found  # noqa: PLC0415 - it is there in a checkout alone

    return {"run": found.run, "story": found.story, "upstream": found.upstream}


def absent() -> None:
    """The demonstration, which comes with a checkout of the project."""
    raise WrongUsage("the demonstration comes with a checkout of the project: this is an installed package")


def _load(package: Path) -> None:
    """Make `demo` that package, whatever else has the name; the path on which others are found stays."""
    if "demo" in sys.modules:
        return
    spec = importlib.util.spec_from_file_location("demo", package)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["demo"] = module
    spec.loader.exec_module(module)
