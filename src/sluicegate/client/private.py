"""Files with tokens: only their owner can read them, and they are replaced as a whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sluicegate.errors import InvalidInput

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read(file: Path) -> bytes | None:
    """What is in a file; None without one. Raises: InvalidInput: others can read it, or it cannot be read."""
    try:
        mode = file.stat().st_mode
        text = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
    if mode & _OTHERS:
        raise InvalidInput(f"{file} can be read by others", remedy=f"chmod 600 {file}")
    return text


def write(file: Path, data: bytes) -> None:
    """Replace a file, or make it with its folder. Raises: InvalidInput: it cannot be written."""
    written = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        written.unlink(missing_ok=True)
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(data)
        written.replace(file)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}") from error
