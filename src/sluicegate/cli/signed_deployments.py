"""`deployment sign`: the developer asserts what serves a release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import deployments as acts
from sluicegate.acts.deployments import (
    DeploymentArgument,
    DeploymentReceipt,
    ReleaseDeployment,
    RestingDigests,
)
from sluicegate.acts.documents import SignedStatement
from sluicegate.cli import wording
from sluicegate.cli.acting import argument
from sluicegate.cli.confirmation import Signed, confirm
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.core.times import time_ms
from sluicegate.errors import WrongUsage
from sluicegate_record.terms import durations, phrases
from sluicegate_record.terms.deployments import LONGEST, ServedModel
from sluicegate_record.terms.text import counted

Release = Annotated[str, argument(DeploymentArgument, "release")]


def sign(
    release: Release,
    key: Annotated[Path, typer.Option("--key", help="An officer's private key.", show_default=False)],
    until: Annotated[
        str | None,
        typer.Option("--until", help="A time such as 2026-07-09T16:00:00.000Z; else as long as it can hold."),
    ] = None,
    surface: Annotated[
        list[str] | None, typer.Option("--surface", help="Only on this surface; can be repeated.")
    ] = None,
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
    client = Client()
    found = client.do(acts.SHOW, DeploymentArgument(release=release))
    serves = _serves(found, surface, keep=keep)
    losing = sum(each.grants or 0 for each in found.digests if _loses(each, serves))
    if losing:
        said = f"{counted(losing, 'grant')} of {release} would be refused: what they rest on is left out"
        confirm(said, yes)
    envelope = signing.deployment(found, serves, _until_ms(found, until), signing.private_key(key))
    done = client.do(acts.ATTEST, SignedStatement(envelope=envelope))
    tell(done, as_json, _signed(done, serves, found.developer))


def _until_ms(found: ReleaseDeployment, until: str | None) -> int:
    """Until when a statement holds that is signed now. Raises: WrongUsage: longer than the plan lets it."""
    most = found.at_most or LONGEST
    last_ms = signing.now_ms() + durations.milliseconds(most)
    wanted_ms = last_ms if until is None else time_ms(until)
    if wanted_ms > last_ms:
        said = f"--until {until} is more than {phrases.duration(most)} away"
        raise WrongUsage(said, remedy=f"at most until {wording.moment(last_ms)}; without --until it is that")
    return wanted_ms


def _serves(found: ReleaseDeployment, surfaces: list[str] | None, *, keep: bool) -> list[ServedModel]:
    """What a statement says: the models of the plan, and what the last one says of other upstreams.

    Raises: WrongUsage: a surface that the plan does not have.
    """
    known = {name for each in found.planned for name in each.surfaces}
    for name in surfaces or ():
        if name not in known:
            raise WrongUsage(f"no surface {name!r} in the plan", remedy=f"it has {', '.join(sorted(known))}")
    wanted = known if surfaces is None else set(surfaces)
    serves = [_only(each, [name for name in each.surfaces if name in wanted]) for each in found.planned]
    if not keep or found.statement is None or not found.statement.holds:
        return serves
    said = {(each.model, each.upstream, name) for each in serves for name in each.surfaces}
    for each in found.statement.serves:
        left = [name for name in each.surfaces if (each.model, each.upstream, name) not in said]
        serves += [_only(each, left)] if left else []
    return serves


def _only(each: ServedModel, surfaces: Sequence[str]) -> ServedModel:
    return ServedModel(
        model=each.model,
        upstream=each.upstream,
        digest=each.digest,
        safeguards=each.safeguards,
        surfaces=tuple(surfaces),
    )


def _loses(each: RestingDigests, serves: Sequence[ServedModel]) -> bool:
    """Whether what the last statement says somewhere is left out there, and terms ask for it."""
    kind = (each.model, each.upstream, each.digest, each.safeguards)
    stays = {
        name
        for one in serves
        if (one.model, one.upstream, one.digest, one.safeguards) == kind
        for name in one.surfaces
    }
    return each.asked and not stays.issuperset(each.surfaces)


def _signed(done: DeploymentReceipt, serves: Sequence[ServedModel], developer: str) -> str:
    models = ", ".join(dict.fromkeys(each.model for each in serves))
    until = wording.minute(done.until_ms)
    return f"{developer} asserts what serves {models} of {done.release}, until {until}\n  {done.deployment}"
