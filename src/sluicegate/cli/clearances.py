"""`release adopt`, `release attest`, `stage evaluate`, `stage hold`: what parties sign about requirements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import clearances as acts
from sluicegate.acts.clearances import ClearanceArgument
from sluicegate.acts.documents import SignedStatement
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client

Release = Annotated[str, typer.Argument(help="The release, as 'status' shows it.", show_default=False)]
Stage = Annotated[str, typer.Argument(help="The stage, as 'status' shows it.", show_default=False)]
Standard = Annotated[str, typer.Option("--standard", help="The standard or framework.", show_default=False)]
Key = Annotated[Path, typer.Option("--key", help="Your party's private key.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why. It is public.")]


def adopt(
    release: Release,
    standard: Standard,
    key: Key,
    version: Annotated[str | None, typer.Option("--version", help="Its version, to adopt it.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw the adoption.")] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Sign that your agency adopts a standard for a release, or withdraws that."""
    if withdraw is (version is not None):
        raise typer.BadParameter("name its version with --version, or say --withdraw")
    _say(release, "withdraws" if withdraw else "adopts", standard, key, reason, as_json, version=version)


def attest(
    release: Release,
    standard: Standard,
    key: Key,
    retract: Annotated[bool, typer.Option("--retract", help="Retract the attestation.")] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Sign that a standard is met for a release, or retract that."""
    _say(release, "retracts" if retract else "attests", standard, key, reason, as_json)


def evaluate(
    release: Release,
    stage: Stage,
    says: Annotated[str, typer.Argument(help="begins | extends | ends", show_default=False)],
    key: Key,
    until: Annotated[
        str | None, typer.Option("--until", help="A time such as 2026-07-09T16:00:00.000Z.")
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Sign that your evaluation before a stage begins, takes longer, or ends."""
    if says not in {"begins", "extends", "ends"}:
        raise typer.BadParameter(f"begins, extends or ends, not {says!r}")
    _say(release, says, stage, key, reason, as_json, until=until)


def hold(release: Release, stage: Stage, key: Key, reason: Reason = "", as_json: Json = False) -> None:
    """Sign that your party holds a stage whose plan lets it."""
    _say(release, "holds", stage, key, reason, as_json)


def release_(release: Release, stage: Stage, key: Key, reason: Reason = "", as_json: Json = False) -> None:
    """Sign that your party no longer holds a stage."""
    _say(release, "releases", stage, key, reason, as_json)


def _say(
    release: str,
    says: str,
    about: str,
    key: Path,
    reason: str,
    as_json: bool,
    *,
    version: str | None = None,
    until: str | None = None,
) -> None:
    client = Client()
    asked = client.do(acts.TO_SIGN, ClearanceArgument(release=release, says=says, about=about))
    envelope = signing.clearance(asked, signing.private_key(key), reason=reason, version=version, until=until)
    done = client.do(acts.RECORD, SignedStatement(envelope=envelope))
    tell(done, as_json, f"{done.party} {done.says}: {done.about} of {done.release}, entry {done.size - 1}")
