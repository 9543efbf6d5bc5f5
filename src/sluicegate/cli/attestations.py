"""`signatory …`, `credential attest`, `credential withdraw`: what an organization's signatory attests."""

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
from sluicegate.cli.output import Json, tell
from sluicegate.cli.tables import table
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.core.people import members
from sluicegate.errors import InvalidInput
from sluicegate_record.log import times
from sluicegate_record.statements.people import Attestation
from sluicegate_record.terms.text import counted


def _retired(done: SignatoryEnd) -> str:
    ended = counted(len(done.withdrawn), "attestation")
    return f"signatory {done.signatory} is retired, {ended} ended"


def _signatories(found: SignatoryList) -> str:
    rows = [
        [
            each.signatory,
            each.keyid,
            ", ".join(one.credential for one in found.attested if one.signatory == each.signatory),
        ]
        for each in found.signatories
    ]
    return table("", ["signatory", "keyid", "attests"], rows, "No signatory yet.")


pin = acting(
    acts.PIN,
    lambda done: f"signatory {done.signatory} (keyid {done.keyid})",
    grant="--grant",
    key=Given("key", Path, lambda path: {"key": read_text(path)}),
)
retire = acting(acts.RETIRE, _retired, grant="--grant")
listed = acting(acts.LIST, _signatories, grant="--grant")


def attest(
    credential: Annotated[str, argument(CredentialArgument, "credential")],
    status: Annotated[
        list[str],
        typer.Option(
            "--status", help="The status of every person; again for each possible one.", show_default=False
        ),
    ],
    until: Annotated[str, typer.Option("--until", help="When it ends, within 366 days.", show_default=False)],
    key: Annotated[Path, typer.Option("--key", help="The signatory's key.", show_default=False)],
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Only for this model.", show_default=False)
    ] = None,
    excluded: Annotated[
        list[str] | None, typer.Option("--except", help="Except this member.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign on this machine what holds for all persons who can reach a key, and put it in force."""
    client = Client()
    stated = Attestation(
        log=client.do(HEAD, Nothing()).vkey,
        credential=credential,
        statuses=tuple(status),
        until_ms=_until_ms(until),
        models=tuple(model) if model else None,
        excluded=tuple(excluded) if excluded else None,
    )
    envelope = signing.signed(stated, signing.private_key(key))
    done = client.do(acts.ATTEST, SignedStatement(envelope=envelope))
    until = times.format_time(done.until_ms)
    tell(done, as_json, f"{done.credential} is attested until {until}")


withdraw = acting(acts.WITHDRAW, lambda done: f"the attestation of {done.credential} has ended")


def _until_ms(text: str) -> int:
    try:
        return members.until_ms(text)
    except ValueError as error:
        raise InvalidInput(str(error)) from error
