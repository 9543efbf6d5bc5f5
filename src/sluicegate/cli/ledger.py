"""`ledger verify`, `ledger export`: a copy of the log, checked with nothing but its key."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.cli.output import Json, emit
from sluicegate.client.http import Client
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate_record.log import audit, checkpoint, tiles

Fetch = Callable[[str], bytes]


def verify(
    where: Annotated[
        str,
        typer.Argument(help="A control plane's URL, an exported folder, or a ledger.db.", metavar="URL|PATH"),
    ],
    key: Annotated[
        str, typer.Option("--key", help="The log's verifier key, or a file with it.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Verify a log: the signed head, every entry, that they belong together, and proofs of being in force."""
    verifier = checkpoint.parse_vkey(_vkey(key))
    path = Path(where)
    try:
        if path.is_file():
            signed, leaves = _database(path)
            found = audit.audit(signed, verifier, leaves)
        else:
            fetch = _from_folder(path) if path.is_dir() else Client(url=_url(where), token="").raw
            note, size = _head(fetch, verifier)
            found = audit.audit(note, verifier, _leaves(fetch, size), _hashes(fetch, size))
    except VerificationFailed as error:
        found = audit.Audit(0, b"", problem=error.message)
    answer = {
        "ok": found.ok,
        "size": found.size,
        "root": found.root.hex(),
        "firstBad": found.first_bad,
        "proofs": {"checked": found.proofs, "bad": len(found.unproven)},
    }
    if found.unproven:
        said = f"in force, as these entries say, but not proven: {'; '.join(found.unproven)}"
        emit({**answer, "problem": said}, as_json, f"the log that was signed; {said}")
        raise VerificationFailed(f"{where}: {said}")
    if not found.ok:
        emit({**answer, "problem": found.problem}, as_json, f"NOT the log that was signed: {found.problem}")
        at = f" at entry {found.first_bad}" if found.first_bad is not None else ""
        raise VerificationFailed(f"{where}{at}: {found.problem}")
    proven = f"; {found.proofs} directives proven to have been in force" if found.proofs else ""
    emit(answer, as_json, f"verified: {found.size} entries, root {found.root.hex()}{proven}")


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
    emit(answer, as_json, f"{size} entries in {output}")


def _vkey(given: str) -> str:
    path = Path(given)
    return path.read_text().strip() if len(given) < 1_000 and path.is_file() else given


def _url(where: str) -> str:
    if not where.startswith(("http://", "https://")):
        raise InvalidInput(f"{where!r} is neither a file, nor a folder, nor a URL")
    return where


def _from_folder(folder: Path) -> Fetch:
    def fetch(path: str) -> bytes:
        try:
            return (folder / path.removeprefix("/log/")).read_bytes()
        except OSError as error:
            raise VerificationFailed(
                f"the copy lacks {path.removeprefix('/log/')}: {error.strerror}"
            ) from error

    return fetch


def _head(fetch: Fetch, verifier: checkpoint.Verifier) -> tuple[bytes, int]:
    note = fetch("/log/checkpoint")
    return note, checkpoint.open_checkpoint(note, verifier).size


def _leaves(fetch: Fetch, size: int) -> Iterator[bytes]:
    for path in tiles.entries_paths(size):
        try:
            yield from tiles.decode_entries(fetch(f"/log/{path}"))
        except InvalidInput as error:
            raise VerificationFailed(f"{path}: {error.message}") from error


def _hashes(fetch: Fetch, size: int) -> list[bytes]:
    """The leaf hashes beside the leaves, where the copy has them."""
    data = b"".join(fetch(f"/log/{path}") for path in tiles.tile_paths(0, size))
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def _save(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _database(path: Path) -> tuple[str, Iterator[bytes]]:
    """The signed head and the leaves of a database, which is opened for reading only."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (note,) = connection.execute("SELECT checkpoint FROM head").fetchone()
            rows = connection.execute("SELECT CAST(leaf AS BLOB) FROM entries ORDER BY seq")
            leaves = [bytes(leaf) for (leaf,) in rows]
    except (sqlite3.DatabaseError, TypeError) as error:
        raise InvalidInput(f"{path} is not a Sluicegate database: {error}") from error
    return note, iter(leaves)
