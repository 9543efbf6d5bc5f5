"""`signatory …`, `credential attest`, `withdraw`, `declare`: what an organization's signatory signs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import signatories as acts
from sluicegate.acts.act import Nothing
from sluicegate.acts.credentials import CredentialArgument
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.log import HEAD
from sluicegate.acts.signatories import SignatoryEnd, SignatoryList
from sluicegate.cli.acting import Given, acting, argument
from sluicegate.cli.files import read_text
from sluicegate.cli.ids import named
from sluicegate.cli.listing import Columns, listing
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.core.times import time_ms
from sluicegate.errors import WrongUsage
from sluicegate_record.log import times
from sluicegate_record.statements.people import PERSONS, Attestation, IdentifierDeclaration
from sluicegate_record.terms.text import counted


def _retired(done: SignatoryEnd) -> str:
    ended = counted(len(done.withdrawn), "attestation")
    ended += f" and {counted(len(done.undeclared), 'declaration')}" if done.undeclared else ""
    return f"signatory {done.signatory} is retired, {ended} ended"


def _signatories(found: SignatoryList) -> list[list[str]]:
    return [
        [
            each.signatory,
            each.keyid,
            ", ".join(one.credential for one in found.attested if one.signatory == each.signatory),
        ]
        for each in found.signatories
    ]


pin = acting(
    acts.PIN,
    lambda done: f"the signatory {done.signatory} is pinned, with the key {done.keyid}",
    grant="--grant",
    key=Given("key", Path, lambda path: {"key": read_text(path)}),
)
retire = acting(
    acts.RETIRE,
    _retired,
    first=lambda _, asked: f"signatory {asked.signatory} is retired: what it attested counts no more",
    grant="--grant",
)
COLUMNS = ("signatory", "keyid", "attests")
listed = listing(acts.LIST, Columns(COLUMNS, _signatories, "No signatory yet."), grant="--grant")


def attest(
    credential: Annotated[str, argument(CredentialArgument, "credential")],
    status: Annotated[
        list[str], value("--status", "The status of every person; again for each possible one.")
    ],
    until: Annotated[str, value("--until", "When it ends, within 366 days.")],
    key: Annotated[Path, value("--key", "The signatory's key.")],
    model: Annotated[list[str] | None, value("--model", "Only for this model.")] = None,
    excluded: Annotated[list[str] | None, value("--except", "Except this member.")] = None,
    as_json: Json = False,
) -> None:
    """Sign on this machine what holds for all persons who can reach a key, and put it in force."""
    client = Client()
    stated = Attestation(
        log=client.do(HEAD, Nothing()).vkey,
        credential=credential,
        statuses=tuple(status),
        until_ms=time_ms(until),
        models=tuple(model) if model else None,
        excluded=tuple(excluded) if excluded else None,
    )
    envelope = signing.signed(stated, signing.private_key(key))
    done = client.do(acts.ATTEST, SignedStatement(envelope=envelope))
    until = times.format_time(done.until_ms)
    tell(done, as_json, f"{done.credential} is attested until {until}")


def declare(
    identifiers: Annotated[str, word("persons | none")],
    key: Annotated[Path, value("--key", "The signatory's key.")],
    credential: Annotated[
        str | None,
        typer.Option(
            "--credential",
            help="Of requests with this key.",
            **named("credential"),
            show_default=False,
        ),
    ] = None,
    grant: Annotated[
        str | None,
        typer.Option("--grant", help="Of requests under this grant.", **named("grant"), show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign on this machine whether the identifiers in requests name persons, and put it in force.

    With 'none', an identifier that no one registered names no one: then the key's member, an assertion or an
    attestation decides alone. Who is named by none of them stays unknown, and covered if a directive says so.
    """
    if (credential is None) is (grant is None):
        raise WrongUsage("expected one of --credential and --grant")
    client = Client()
    log = client.do(HEAD, Nothing()).vkey
    stated = IdentifierDeclaration(log=log, identifiers=identifiers, credential=credential, grant=grant)
    envelope = signing.signed(stated, signing.private_key(key))
    done = client.do(acts.DECLARE, SignedStatement(envelope=envelope))
    said = "name persons" if done.identifiers == PERSONS else "name no person, unless they are registered"
    tell(done, as_json, f"{done.credential or done.grant}: identifiers in requests {said}")


withdraw = acting(acts.WITHDRAW, lambda done: f"the attestation of {done.credential} has ended")
