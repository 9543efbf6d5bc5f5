"""Files that a command names. A file that cannot be read or written is invalid input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sluicegate.core import sheet
from sluicegate.errors import InvalidInput, NotCanonical
from sluicegate_record.log import canonical


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raises: InvalidInput: the file cannot be read, or is not UTF-8."""
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text") from error


def read_text(path: Path) -> str:
    """A file's text. Raises: InvalidInput: it cannot be read, or is not UTF-8."""
    with _reading(path):
        return path.read_text(encoding="utf-8")


@contextmanager
def opened(path: Path) -> Iterator[Iterator[str]]:
    """The lines of a text file, for one that is too long to be read at once.

    Raises: InvalidInput: it cannot be read. InvalidDocument: it is neither UTF-8 nor UTF-16, with the place.
    """
    with _reading(path):
        with path.open("rb") as file:
            encoding = "utf-16" if sheet.is_utf16(file.read(2)) else "utf-8"
        try:
            with path.open(encoding=encoding, newline="\n") as lines:
                yield iter(lines)
        except UnicodeDecodeError as error:
            with path.open("rb") as file:
                raise sheet.misencoded(file, str(path)) from error


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises: InvalidInput: it cannot be read."""
    with _reading(path):
        return path.read_bytes()


def read_json(path: Path) -> dict[str, Any]:
    """A file's JSON object. Raises: InvalidInput: it cannot be read, or is not a JSON object."""
    try:
        value = canonical.loads(read_text(path).encode())
    except NotCanonical as error:
        raise InvalidInput(f"{path}: {error.message}") from error
    if not isinstance(value, dict):
        raise InvalidInput(f"{path} holds no JSON object")
    return value


def write_new(path: Path, text: str) -> None:
    """Write a text into a new file. Raises: InvalidInput: there is one already, or it cannot be written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise InvalidInput(f"{path} is here already", remedy="name another file, or move that one") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}") from error


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read. Raises: InvalidInput: it cannot be written."""
    try:
        path.touch(mode=0o600)
        path.write_bytes(data)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}") from error


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object that only the file's owner can read: it may name an applicant.

    Raises: InvalidInput: it cannot be written.
    """
    write_private(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())
