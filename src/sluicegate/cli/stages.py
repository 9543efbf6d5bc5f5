"""`stage open`, `stage close`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from sluicegate.acts import releases
from sluicegate.acts.releases import StageArgument
from sluicegate.cli.acting import argument, helped
from sluicegate.cli.confirmation import Yes, confirm
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.statements.stages import CLOSING, OPENING, ClosingWord


@helped(releases.OPEN)
def open_(
    release: Annotated[str, argument(StageArgument, "release")],
    stage: Annotated[str, argument(StageArgument, "stage")],
    key: Annotated[Path, value("--key", "An officer's private key.")],
    as_json: Json = False,
) -> None:
    done = signing.say(Client(), OPENING, StageArgument(release=release, stage=stage), key)
    what = f"stage {done.stage} of {done.release}"
    if done.case is None:
        text = f"{what} is open"
    else:
        text = f"{what} opens when agencies agree: {done.case}\n  follow it: sluicegate case show {done.case}"
    tell(done, as_json, text)


@helped(releases.CLOSE)
def close(
    release: Annotated[str, argument(StageArgument, "release")],
    stage: Annotated[str, argument(StageArgument, "stage")],
    reason: Annotated[str, value("--reason", "Why. It is public.")],
    key: Annotated[Path, value("--key", "An officer's private key.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    confirm(f"stage {stage} of {release} closes: all its keys are refused at once, and streams are cut", yes)
    done = signing.say(Client(), CLOSING, ClosingWord(release=release, stage=stage, reason=reason), key)
    text = f"stage {done.stage} of {done.release} is closed: its keys are refused, and streams are cut"
    tell(done, as_json, text)
