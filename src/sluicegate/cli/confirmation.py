"""What is drastic is shown first, and done only if someone says yes: a person, or `--yes`.

Drastic is what cannot be taken back, and what stops many at once.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sluicegate.cli.output import visible
from sluicegate.errors import WrongUsage

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask: do it.")]
"""The option of a command that is drastic."""
Signed = Annotated[bool, typer.Option("--yes", help="Do not ask before signing.")]
"""The option of a command that signs what a person should read first."""


def confirm(said: str, yes: bool) -> None:
    """Ask whether to go on. Raises: WrongUsage: there is no one to ask, and no `--yes`."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongUsage(f"{said}; no terminal is here to confirm it", remedy="say --yes")
    typer.confirm(f"{visible(said)}. Go on?", abort=True, err=True)


def read_first(shown: str, yes: bool, as_json: bool, said: str = "your key signs this") -> None:
    """Show what is about to be signed or sent, and ask, as `confirm` does."""
    if not as_json:
        typer.echo(visible(shown))
    confirm(said, yes)
