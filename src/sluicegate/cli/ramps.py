"""`ramp pause`, `ramp on`, `ramp back`: an officer moves the share of a stage that is open for everyone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import ramps as acts
from sluicegate.acts.ramps import RampArgument, RampToSign
from sluicegate.cli.acting import argument, option
from sluicegate.cli.confirmation import confirm
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.statements.stages import RAMP, RampWord
from sluicegate_record.terms.audience import CONTINUES, PAUSES, RETURNS
from sluicegate_record.terms.text import counted

Release = Annotated[str, argument(RampArgument, "release")]
Stage = Annotated[str, argument(RampArgument, "stage")]
Reason = Annotated[str, value("--reason", "Why. It is public.")]
Key = Annotated[Path, value("--key", "An officer's private key.")]


def pause(release: Release, stage: Stage, reason: Reason, key: Key, as_json: Json = False) -> None:
    """Pause a ramp: its share stays as it is, and who is in stays in. An officer signs it."""
    _move(RampWord(release=release, stage=stage, says=PAUSES, reason=reason), key, as_json)


def on(release: Release, stage: Stage, reason: Reason, key: Key, as_json: Json = False) -> None:
    """Let a ramp go on that is paused or was taken back. An officer signs it."""
    _move(RampWord(release=release, stage=stage, says=CONTINUES, reason=reason), key, as_json)


def back(
    release: Release,
    stage: Stage,
    to: Annotated[int, option(RampArgument, "to", "--to", min=1, max=99)],
    reason: Reason,
    key: Annotated[Path | None, value("--key", "An officer's private key.")] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show who loses access; this changes nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Take a ramp back to an earlier share, signed by an officer. It says who loses access by that, and asks.

    It stands still then: 'sluicegate ramp on' lets it go on.
    """
    if preview:
        found = Client().do(acts.TO_SIGN, RampArgument(release=release, stage=stage, to=to))
        tell(found, as_json, _taken(found, to))
        return
    if key is None:
        raise typer.BadParameter("an officer signs this: say --key, or --preview", param_hint="--key")
    _move(
        RampWord(release=release, stage=stage, says=RETURNS, share=to, reason=reason), key, as_json, yes=yes
    )


def _move(said: RampWord, key: Path, as_json: bool, *, yes: bool = True) -> None:
    client = Client()
    found = RAMP.look(client.do, said)
    if not yes and said.share is not None:
        confirm(_taken(found, said.share), yes)
    done = signing.say(client, RAMP, said, key, found)
    how = "goes on" if said.says == CONTINUES else "stands still"
    tell(done, as_json, f"the ramp of {done.release}/{done.stage} {how}: {done.share} per cent are in")


def _taken(found: RampToSign, to: int) -> str:
    """What going back takes away, in one line."""
    losing = counted(found.losing, "organization")
    lines = f"{found.release}/{found.stage} goes from {found.share} to {to} per cent: of "
    lines += f"{found.organizations} that are in, {losing} would lose access"
    return f"{lines}, {found.kept} more would keep it by a grant" if found.kept else lines
