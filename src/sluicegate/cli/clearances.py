"""`release adopt`, `release attest`, `stage evaluate`, `stage hold`: what parties sign about requirements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sluicegate.cli.options import one_of, value, word
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.core.times import time_ms
from sluicegate.statements.clearances import CLEARANCE, WordOnRequirement

Release = Annotated[str, word("The release.")]
Stage = Annotated[str, word("The stage.")]
Standard = Annotated[str, value("--standard", "The standard or framework.")]
Key = Annotated[Path, value("--key", "Your party's private key.")]
Reason = Annotated[str, typer.Option("--reason", help="Why. It is public.")]


def adopt(
    release: Release,
    standard: Standard,
    key: Key,
    version: Annotated[str | None, value("--version", "Its version, to adopt it.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw the adoption.")] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Sign that your agency adopts a standard for a release, or withdraws that."""
    if withdraw is (version is not None):
        raise typer.BadParameter("name its version with --version, or say --withdraw")
    says = "withdraws" if withdraw else "adopts"
    said = WordOnRequirement(release=release, says=says, about=standard, reason=reason, version=version)
    _say(said, key, as_json)


def attest(
    release: Release,
    standard: Standard,
    key: Key,
    retract: Annotated[bool, typer.Option("--retract", help="Retract the attestation.")] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Sign that a standard is met for a release, or retract that."""
    says = "retracts" if retract else "attests"
    _say(WordOnRequirement(release=release, says=says, about=standard, reason=reason), key, as_json)


def evaluate(
    release: Release,
    stage: Stage,
    says: Annotated[str, word(**one_of(("begins", "extends", "ends")))],
    key: Key,
    until: Annotated[str | None, value("--until", "A time such as 2026-07-09T16:00:00.000Z.")] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Sign that your evaluation before a stage begins, takes longer, or ends."""
    until_ms = None if until is None else time_ms(until)
    said = WordOnRequirement(release=release, says=says, about=stage, reason=reason, until_ms=until_ms)
    _say(said, key, as_json)


def hold(release: Release, stage: Stage, key: Key, reason: Reason = "", as_json: Json = False) -> None:
    """Sign that your party holds a stage whose plan lets it."""
    _say(WordOnRequirement(release=release, says="holds", about=stage, reason=reason), key, as_json)


def release_(release: Release, stage: Stage, key: Key, reason: Reason = "", as_json: Json = False) -> None:
    """Sign that your party no longer holds a stage."""
    _say(WordOnRequirement(release=release, says="releases", about=stage, reason=reason), key, as_json)


def _say(said: WordOnRequirement, key: Path, as_json: bool) -> None:
    done = signing.say(Client(), CLEARANCE, said, key)
    tell(done, as_json, _SAID[done.says].format(done.party, done.about, done.release))


_SAID = {
    "adopts": "{0} adopts {1} for {2}",
    "withdraws": "{0} withdraws its adoption of {1} for {2}",
    "attests": "{0} attests that {1} is met for {2}",
    "retracts": "{0} retracts its attestation of {1} for {2}",
    "holds": "{0} holds the stage {1} of {2}: it does not open",
    "releases": "{0} no longer holds the stage {1} of {2}",
    "begins": "the evaluation by {0} before the stage {1} of {2} has begun",
    "extends": "the evaluation by {0} before the stage {1} of {2} takes longer",
    "ends": "the evaluation by {0} before the stage {1} of {2} has ended",
}
"""What a party has said, with the party, what it is about, and the release."""
