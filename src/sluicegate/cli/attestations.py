"""`signatory …`, `credential attest`, `credential withdraw`: what an organization's signatory attests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sluicegate.cli.files import read_text
from sluicegate.cli.members import Grant
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.core.people import members
from sluicegate.errors import InvalidInput
from sluicegate_record.statements.people import Attestation
from sluicegate_record.terms.text import counted

Credential = Annotated[str, typer.Argument(help="The credential, such as cred_….", show_default=False)]


def pin(
    key: Annotated[Path, typer.Argument(help="The public key, OUTPUT.pub.", show_default=False)],
    grant: Grant,
    as_json: Json = False,
) -> None:
    """Allow a key to sign attestations for the organization that holds a grant."""
    answer = Client().post(f"/api/v1/grants/{grant}/signatories", {"key": read_text(key)})
    emit(answer, as_json, f"signatory {answer['signatory']} (keyid {answer['keyid']})")


def retire(
    signatory: Annotated[str, typer.Argument(help="The signatory, such as sig_….", show_default=False)],
    grant: Grant,
    as_json: Json = False,
) -> None:
    """Retire a signatory. It may sign no more, and its present attestations end."""
    answer = Client().post(f"/api/v1/grants/{grant}/signatories/{signatory}/retire")
    ended = counted(len(answer["withdrawn"]), "attestation")
    emit(answer, as_json, f"signatory {answer['signatory']} is retired, {ended} ended")


def listed(grant: Grant, as_json: Json = False) -> None:
    """List an organization's signatories, and the keys they attest."""
    answer = Client().get(f"/api/v1/grants/{grant}/signatories")
    attested = answer["attested"]
    rows = [
        [
            each["signatory"],
            each["keyid"],
            ", ".join(one["credential"] for one in attested if one["signatory"] == each["signatory"]),
        ]
        for each in answer["signatories"]
    ]
    emit(answer, as_json, table("", ["signatory", "keyid", "attests"], rows, "No signatory yet."))


def attest(
    credential: Credential,
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
        log=client.get("/api/v1/log")["vkey"],
        credential=credential,
        statuses=tuple(status),
        until_ms=_until_ms(until),
        models=tuple(model) if model else None,
        excluded=tuple(excluded) if excluded else None,
    )
    envelope = signing.signed(stated, signing.private_key(key))
    answer = client.post("/api/v1/attestations", {"envelope": envelope})
    emit(answer, as_json, f"{answer['credential']} is attested until {answer['until']}")


def withdraw(credential: Credential, as_json: Json = False) -> None:
    """End the attestation of a key."""
    answer = Client().post(f"/api/v1/credentials/{credential}/withdraw")
    emit(answer, as_json, f"the attestation of {answer['credential']} has ended, at size {answer['size']}")


def _until_ms(text: str) -> int:
    try:
        return members.until_ms(text)
    except ValueError as error:
        raise InvalidInput(str(error)) from error
