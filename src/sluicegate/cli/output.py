"""Answers on stdout, errors on stderr, exit codes: one place for all commands.

0 done    1 refused    2 usage    3 invalid input    4 unreachable    5 verification failed
"""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from sluicegate import errors
from sluicegate.acts.act import ActAnswer, Done
from sluicegate_record.terms.text import counted, shown

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]

USAGE = 2
_EXITS: dict[type[errors.SluicegateError], int] = {
    errors.CommandRefused: 1,
    errors.Unauthorized: 1,
    errors.WrongUsage: USAGE,
    errors.InvalidInput: 3,
    errors.StoreUnusable: 3,
    errors.VerificationFailed: 5,
    errors.StoreUnavailable: 4,
    errors.Overloaded: 4,
    errors.Unreachable: 4,
}


def emit(answer: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Print an answer: as JSON with --json, otherwise as `text`."""
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False) if as_json else visible(text))


def tell(answer: ActAnswer, as_json: bool, text: str, **more: Any) -> None:
    """Print what an act answers, and `more`.

    If the act is on the record, the first line of the text says how long the public log is now.
    """
    size = answer.size if isinstance(answer, Done) else 0
    if size:
        first, line, rest = text.partition("\n")
        text = f"{first}; {log_now(size)}{line}{rest}"
    emit({**answer.to_json(), **more}, as_json, text)


def log_now(size: int) -> str:
    """How long the public log is after a command."""
    return f"the public log now has {counted(size, 'entry', 'entries')}"


def visible(text: str) -> str:
    """A text as a terminal may safely show it, line by line."""
    return "\n".join(map(shown, text.split("\n")))


def exit_code(error: errors.SluicegateError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in _EXITS.items() if isinstance(error, kind)), 1)


def report(error: errors.SluicegateError, as_json: bool) -> None:
    """Print an error on stderr: what, where, and what to do."""
    if as_json:
        body = {
            "code": error.code,
            "message": error.message,
            "remedy": error.remedy,
            "at": [asdict(place) for place in error.at],
        }
        typer.echo(json.dumps({"error": body}, ensure_ascii=False), err=True)
        return
    typer.echo(shown(f"error: {error.message} [{error.code}]"), err=True)
    for place in (each for each in error.at if each.line):
        typer.echo(shown(f"  {place}"), err=True)
    if error.remedy:
        typer.echo(shown(f"  what to do: {error.remedy}"), err=True)


def withheld(error: OSError) -> errors.InvalidInput:
    """What the machine refused: a file, a folder, or a port."""
    said = (error.strerror or str(error)).lower()
    remedy = "stop what listens there, or choose another port" if error.errno == errno.EADDRINUSE else ""
    return errors.InvalidInput(f"{error.filename}: {said}" if error.filename else said, remedy=remedy)
