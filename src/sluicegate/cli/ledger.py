"""`ledger verify`, `ledger export`, `ledger checkpoint`: a copy of the log, checked with only its key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts.act import Nothing
from sluicegate.acts.log import HEAD
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, emit
from sluicegate.client.http import Client
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate_record import verify as audited
from sluicegate_record.entities.logkey import follow
from sluicegate_record.log import checkpoint, tiles
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms.text import counted


def verify(
    where: Annotated[
        str,
        typer.Argument(help="A control plane's URL, an exported folder, or a ledger.db.", metavar="URL|PATH"),
    ],
    key: Annotated[str, value("--key", "The log's verifier key, or a file with it.")],
    since: Annotated[
        Path | None,
        value(
            "--since", "An older checkpoint, from 'sluicegate ledger checkpoint': the log must continue it."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a log: its signed head, every entry, the rules for each,
    and the proofs that directives were in force.

    Entries that cannot be checked without the hidden parts are counted separately, never as verified.
    """
    found = audited.verify(where, audited.vkey(key), since)
    emit(audited.answer(found), as_json, audited.worded(found))
    if not found.ok:
        at = f" at entry {found.first_bad}" if found.first_bad is not None else ""
        raise VerificationFailed(f"{where}{at}: {audited.problem(found)}")


def head(
    key: Annotated[str, value("--key", "The log's verifier key, or a file with it.")],
    save: Annotated[Path | None, value("--save", "A new file for it.")] = None,
    as_json: Json = False,
) -> None:
    """Show the signed head of the log, or save it.

    Later, 'sluicegate ledger verify --since FILE' checks that the log still begins with the same entries.
    """
    client, known = Client(), audited.vkey(key)
    note = client.raw("/log/checkpoint")
    handovers = [Envelope.from_json(each) for each in client.do(HEAD, Nothing()).handovers]
    found = checkpoint.open_checkpoint(note, follow(known, handovers).verifier)
    answer = {"log": found.origin, "size": found.size, "root": found.root.hex()}
    if save is None:
        emit({**answer, "checkpoint": note.decode()}, as_json, note.decode().rstrip("\n"))
        return
    try:
        with save.open("xb") as file:
            file.write(note)
    except FileExistsError as error:
        raise InvalidInput(f"{save} exists already; name a new file") from error
    entries = counted(found.size, "entry", "entries")
    emit({**answer, "file": str(save)}, as_json, f"the checkpoint of {entries} is in {save}; keep it")


def export(
    output: Annotated[Path, typer.Option("-o", "--output", help="A new folder.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Copy the whole public log into a folder, in the C2SP layout that any static server can serve."""
    client = Client()
    if output.exists():
        raise InvalidInput(f"{output} exists already; name a new folder")
    note = client.raw("/log/checkpoint")
    size = int(note.split(b"\n")[1])
    with typer.progressbar(
        tiles.paths(size), label="copying", hidden=as_json, file=typer.get_text_stream("stderr")
    ) as shown:
        for path in shown:
            _save(output / path, client.raw(f"/log/{path}"))
    _save(output / "checkpoint", note)
    answer = {"folder": str(output), "size": size}
    emit(answer, as_json, f"{counted(size, 'entry', 'entries')} in {output}")


def _save(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
