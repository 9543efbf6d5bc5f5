"""`deployment sign`: the developer asserts what serves a release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts.deployments import DeploymentArgument, DeploymentReceipt
from sluicegate.cli import wording
from sluicegate.cli.acting import argument
from sluicegate.cli.confirmation import Signed, confirm
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.core.times import time_ms
from sluicegate.statements.stages import DEPLOYMENT, DeploymentWord
from sluicegate_record.terms.deployments import ServedModel
from sluicegate_record.terms.text import counted

Release = Annotated[str, argument(DeploymentArgument, "release")]


def sign(
    release: Release,
    key: Annotated[Path, value("--key", "An officer's private key.")],
    until: Annotated[
        str | None, value("--until", "A time such as 2026-07-09T16:00:00.000Z; else as long as it can hold.")
    ] = None,
    surface: Annotated[list[str] | None, value("--surface", "Only on this surface; can be repeated.")] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Say again what the last statement says of other upstreams.")
    ] = False,
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Sign, and put on the record, that the models of the plan in force are what serves a release.

    Look at what runs before you sign: this is the developer's word, and everyone sees whose it is. It takes
    the place of the last statement. If valid grants would lose access by that, it says so, and asks.
    """
    client, until_ms = Client(), None if until is None else time_ms(until)
    said = DeploymentWord(release=release, surfaces=tuple(surface or ()), keep=keep, until_ms=until_ms)
    found = DEPLOYMENT.look(client.do, said)
    serves = found.serving(said.surfaces, keep=keep)
    losing = found.losing(serves)
    if losing:
        refused = f"{counted(losing, 'grant')} of {release} would be refused"
        confirm(f"{refused}: what they rest on is left out", yes)
    done = signing.say(client, DEPLOYMENT, said, key, found)
    tell(done, as_json, _signed(done, serves, found.developer))


def _signed(done: DeploymentReceipt, serves: Sequence[ServedModel], developer: str) -> str:
    models = ", ".join(dict.fromkeys(each.model for each in serves))
    until = wording.minute(done.until_ms)
    return f"{developer} asserts what serves {models} of {done.release}, until {until}\n  {done.deployment}"
