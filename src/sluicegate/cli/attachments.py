"""`application seal`, `review open`: documents that an application names by digest, handed over sealed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import keys as of_keys
from sluicegate.acts import releases, review
from sluicegate.acts.act import Nothing
from sluicegate.acts.cases import CaseArgument
from sluicegate.acts.evidence import SealingKey
from sluicegate.acts.keys import KeyFilter
from sluicegate.cli.files import read_bytes, write_private
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, emit
from sluicegate.client import sealing, signing
from sluicegate.client.evidence.result import digest_of
from sluicegate.client.http import Client
from sluicegate.errors import InvalidInput
from sluicegate_record.log import publickey
from sluicegate_record.terms.text import shown


def seal(
    file: Annotated[Path, word("The document.")],
    release: Annotated[str, value("--release", "The release.")],
    stage: Annotated[str, value("--stage", "The stage.")],
    to: Annotated[
        list[str] | None, value("--to", "Who may read it; by default each that has such a key.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The sealed file; by default FILE.age.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take the digest of a document for your application, and seal a copy to the agencies of the stage.

    Nothing is sent: you hand the sealed file over yourself. 'sluicegate review open' opens it.
    """
    data, client = read_bytes(file), Client()
    known = _known(client, release, stage)
    parties = to or list(dict.fromkeys(each.party for each in known))
    if not parties:
        said = f"no agency of {release}/{stage} has a key to which anything can be sealed"
        raise InvalidInput(said, remedy="ask them how they want documents")
    recipients = signing.sealing_keys(known, parties)
    sealed = output or file.with_name(f"{file.name}.age")
    write_private(sealed, sealing.sealed(data, list(recipients.values())))
    digest = digest_of(data)
    lines = [f"{digest}", f"  {sealed} can be read by {' and '.join(parties)} alone: send it to them"]
    keys = [
        {"party": each.party, "owner": each.owner, "keyid": publickey.keyid(each.public)}
        for each in known
        if each.party in parties
    ]
    lines += [f"  sealed to the key {each['keyid']} of {each['party']}, {each['owner']}" for each in keys]
    lines.append("  compare these with what they say of their keys by another way, such as by telephone")
    lines.append(
        f'  in the organization file: attachments: [{{name: "{shown(file.name)}", digest: "{digest}"}}]'
    )
    found = {"digest": digest, "file": str(sealed), "parties": parties, "keys": keys}
    emit(found, as_json, "\n".join(lines))


def _known(client: Client, release: str, stage: str) -> Sequence[SealingKey]:
    """The keys of a stage's agencies that open what is sealed. Raises: InvalidInput: no such stage."""
    status = client.do(releases.STATUS, Nothing())
    named = [
        found.agencies
        for each in status.releases
        for found in each.stages
        if (each.release, found.stage) == (release, stage)
    ]
    if not named:
        raise InvalidInput(
            f"no stage {release[:60]}/{stage[:60]}", remedy="'sluicegate status' shows the stages"
        )
    return [
        SealingKey(party=each.party, owner=each.owner, public=each.public)
        for each in client.do(of_keys.LIST, KeyFilter()).keys
        if each.opens and each.party in named[0]
    ]


def open_(
    file: Annotated[Path, word("The sealed file.")],
    key: Annotated[Path, value("--key", "A key to which it is sealed.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write it.", show_default=False)],
    case: Annotated[str | None, value("--case", "The case whose application names it.")] = None,
    as_json: Json = False,
) -> None:
    """Open a document that an applicant has sealed to your key, on this machine.

    With --case, what the application does not name by its digest is refused.
    """
    data = sealing.opened(read_bytes(file), signing.opening_key(signing.private_key(key)))
    digest = digest_of(data)
    name = None if case is None else _named(case, digest)
    write_private(output, data)
    about = "" if name is None else f", {shown(name)} of the application"
    found = {"digest": digest, "file": str(output), "name": name}
    emit(found, as_json, f"{output} is {digest}{about}")


def _named(case: str, digest: str) -> str:
    """What an application calls a document. Raises: InvalidInput: it names none with this digest."""
    dossier = Client().do(review.EXPORT, CaseArgument(case=case)).dossier
    listed = () if dossier is None else dossier.application.get("attachments", ())
    for each in listed:
        if each["digest"] == digest:
            return str(each["name"])
    raise InvalidInput(
        f"{digest} is none of the documents that {case} names",
        remedy="ask the applicant for the one that they meant",
    )
