"""`login`, `profile …`, `completion`: what a person sets up once on a machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer._completion_shared import get_completion_script

from sluicegate.acts import releases
from sluicegate.acts.act import Nothing
from sluicegate.cli.confirmation import Yes, confirm
from sluicegate.cli.deferred import COMPLETE
from sluicegate.cli.files import read_text
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client import profiles
from sluicegate.client.http import Client
from sluicegate.client.profiles import DEFAULT_URL, FIRST, PROFILE, Login, is_overheard

Name = Annotated[str, word("The profile; 'sluicegate profile list' lists them.", metavar="PROFILE")]


def login(
    profile: Annotated[str | None, value("--profile", "A name for it; without it, default.")] = None,
    url: Annotated[str | None, value("--url", f"The control plane; without it, {DEFAULT_URL}.")] = None,
    token_file: Annotated[
        Path | None, value("--token-file", "A file with your token; without it, you are asked.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask, though the token would go over plain HTTP.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Keep a control plane and your token on this machine.

    The control plane is asked with the token first. Each later command uses the profile that is in use, or
    the one that --profile or SLUICEGATE_PROFILE names. Without a terminal, the token is read from standard
    input. The file of profiles is for its owner alone.
    """
    name = profile or os.environ.get(PROFILE, "") or FIRST
    if is_overheard(url or DEFAULT_URL):
        confirm(f"{url} is plain HTTP to another machine: all on the way there can read your token", yes)
    given = Login(url or DEFAULT_URL, _token(token_file))
    Client(given.url, given.token).do(releases.STATUS, Nothing())
    file = profiles.write(profiles.read().having(name, given))
    answer = {"profile": name, "url": given.url, "file": str(file)}
    emit(answer, as_json, f"profile {name} is in use: {given.url}\n  its token is in {file}")


def _token(file: Path | None) -> str:
    if file is not None:
        return read_text(file).strip()
    if sys.stdin.isatty():
        found: str = typer.prompt("token", hide_input=True, err=True)
        return found.strip()
    return sys.stdin.read().strip()


def listed(as_json: Json = False) -> None:
    """List the profiles of this machine; no token is shown."""
    found = profiles.read()
    rows = [
        [name, each.url, "yes" if name == found.used else ""] for name, each in sorted(found.known.items())
    ]
    answer = {"use": found.used, "profiles": {name: {"url": each.url} for name, each in found.known.items()}}
    emit(
        answer,
        as_json,
        table("", ("profile", "control plane", "in use"), rows, "No profile: sluicegate login"),
    )


def use(name: Name, as_json: Json = False) -> None:
    """Use a profile where no other is named."""
    known = profiles.read()
    found = known.named(name)
    profiles.write(known.having(name, found))
    emit({"use": name, "url": found.url}, as_json, f"profile {name} is in use: {found.url}")


def remove(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Remove a profile and its token from this machine. The token stays valid."""
    known = profiles.read()
    left = known.without(name)
    confirm(f"the token of profile {name} is deleted here; it is shown nowhere again", yes)
    profiles.write(left)
    emit({"removed": name, "use": left.used}, as_json, f"profile {name} is removed")


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], word("The shell.")],
    as_json: Json = False,
) -> None:
    """Print what a shell needs to complete commands, options and ids: bash, zsh or fish.

    For bash: sluicegate completion bash > ~/.local/share/bash-completion/completions/sluicegate
    """
    script = get_completion_script(prog_name="sluicegate", complete_var=COMPLETE, shell=shell)
    emit({"shell": shell, "script": script}, as_json, script)
