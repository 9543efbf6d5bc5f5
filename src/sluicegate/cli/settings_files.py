"""Files of settings that servers are started with: tables of TOML, and secrets."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from sluicegate.errors import InvalidInput


def tables(path: Path, what: str) -> dict[str, Any]:
    """The tables of a file that is for `what`, such as `safety webhooks`. Raises: InvalidInput."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"the file of {what} {path} cannot be read: {error}") from error


def secret(path: Path, what: str) -> str:
    """The text of a file that no one else may read. Raises: InvalidInput: others can, or no one."""
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the secret of {what} {path} cannot be read") from error
    if mode & 0o077:
        said = f"the secret of {what} {path} can be read by others"
        raise InvalidInput(said, remedy=f"chmod 600 {path}")
    return text
