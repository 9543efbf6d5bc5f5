"""`demo …`: its commands are in the package `demo`, which is beside the sources in a checkout."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import sluicegate
from sluicegate.errors import WrongUsage

WORDS = ("run", "story", "upstream", "model")
_SOURCES = Path(sluicegate.__file__).resolve().parents[1]
_PACKAGE = _SOURCES.parent / "demo" / "__init__.py"


def is_here() -> bool:
    """Whether this package is in a checkout, where the demonstration is."""
    return _SOURCES.name == "src" and _PACKAGE.is_file()


def function(word: str) -> Callable[..., Any]:
    """The function of one of `WORDS`. Requires: the demonstration is here."""
    _load(_PACKAGE)
    from demo import commands  # noqa: PLC0415 - it is there in a checkout alone

    found: Callable[..., Any] = getattr(commands, word)
    return found


def absent() -> NoReturn:
    """Say that there is no demonstration here. Raises: WrongUsage, always."""
    raise WrongUsage("the demonstration comes with a checkout of the project: this is an installed package")


def _load(package: Path) -> None:
    """Import this package as `demo`, even if another one has the name. The import path does not change."""
    if "demo" in sys.modules:
        return
    spec = importlib.util.spec_from_file_location("demo", package)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["demo"] = module
    spec.loader.exec_module(module)
