"""`canary run`: ask surfaces for models with keys of one's own, and sign what they answer."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.cli import observations
from sluicegate.cli.files import read_text
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, visible
from sluicegate.client import signing
from sluicegate.client.canaries import Glimpse, Kept, Watcher
from sluicegate.client.http import Client
from sluicegate.core.terms import canaries, document
from sluicegate.core.terms.canaries import CanariesSpec
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate_record.terms.text import counted

JITTER = 0.25
"""By which part of the pause between two rounds it may be longer or shorter."""
DRAWN = random.SystemRandom()
"""So that who serves cannot foresee when and what is asked."""


def run(
    file: Annotated[Path, word("The file of canaries.")],
    key: Annotated[Path, value("--key", "Your party's private key.")],
    every: Annotated[
        float | None, value("--every", "Again and again, about every so many seconds, until Ctrl-C.", min=1)
    ] = None,
    kept: Annotated[
        Path, typer.Option("--kept", help="The file that keeps every statement that is signed.")
    ] = Path("canaries.jsonl"),
    as_json: Json = False,
) -> None:
    """Ask each surface for each model with a key of your own, sign what you got, and hand in what is news.

    Each probe of FILE names the variable that has its API key. The developer and the issuer of the directive
    get a message about what contradicts the record. Exit 5 if something does, or the control plane is in
    doubt.
    """
    spec = canaries.read(document.read(read_text(file), str(file)))
    secrets = {each.key: _secret(each.key) for each in spec.probes}
    watcher = Watcher(Client(), signing.private_key(key), Kept(kept))
    if every is None:
        found = list(_round(watcher, spec, secrets))
        for each in found:
            typer.echo(_said(each, as_json))
        _check(found)
        return
    shown: dict[str, str] = {}
    while True:
        for each in _round(watcher, spec, secrets):
            said = _said(each, as_json)
            if shown.get(each.probe.name) != said:
                shown[each.probe.name] = said
                typer.echo(said)
        time.sleep(every * DRAWN.uniform(1 - JITTER, 1 + JITTER))


def _secret(name: str) -> str:
    found = os.environ.get(name, "").strip()
    if not found or not (found.isascii() and found.isprintable()):
        raise InvalidInput(
            f"{name} has no API key", code="credential_missing", remedy="set it to a key that you hold"
        )
    return found


def _round(watcher: Watcher, spec: CanariesSpec, secrets: Mapping[str, str]) -> Iterator[Glimpse]:
    """Ask for each probe once, in another order each time."""
    for probe in DRAWN.sample(spec.probes, len(spec.probes)):
        yield watcher.look(probe, secrets[probe.key], DRAWN.choice(spec.prompts))


def _check(found: Sequence[Glimpse]) -> None:
    """Raises: VerificationFailed: something contradicts the record, or the control plane is in doubt."""
    against = sum(each.contradicts for each in found)
    if against:
        said = f"{against} of {counted(len(found), 'probe')} against the record"
        raise VerificationFailed(
            said, code="contradicted", remedy="'sluicegate canary list' shows each with its directive"
        )
    doubts = [each.doubt for each in found if each.doubt]
    if doubts:
        raise VerificationFailed(
            doubts[0], code="not_handed_in", remedy="the statements are in the file --kept"
        )


def _said(found: Glimpse, as_json: bool) -> str:
    return json.dumps(_json(found), ensure_ascii=False) if as_json else visible(_line(found))


def _line(found: Glimpse) -> str:
    probe, receipt = found.probe, found.receipt
    where = f"{probe.model} on {probe.surface} at {probe.address}"
    verdict = "STILL SERVED" if found.contradicts else ""
    if receipt is not None:
        verdict = observations.verdict(receipt.verdict, receipt.due_by)
    told = filter(None, (observations.outcome(found.outcome, probe.model), verdict))
    return f"{where}: {': '.join(told)}" + (f" ({found.doubt})" if found.doubt else "")


def _json(found: Glimpse) -> dict[str, Any]:
    probe = found.probe
    return {
        "model": probe.model,
        "surface": probe.surface,
        "address": probe.address,
        "outcome": found.outcome.to_json(),
        "receipt": None if found.receipt is None else found.receipt.to_json(),
        "contradicts": found.contradicts,
        "doubt": found.doubt or None,
    }
