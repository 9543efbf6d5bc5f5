"""`directive preview`, `sign`, `issue`, `transcribe`, `confirm`, `lift`: commands that a party signs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import review
from sluicegate.acts.cases import CaseArgument
from sluicegate.acts.review import SignedStatement
from sluicegate.cli import wording
from sluicegate.cli.directives import Name
from sluicegate.cli.files import read_bytes, read_json, read_text, write_json
from sluicegate.cli.output import Json, emit
from sluicegate.client import export, signing
from sluicegate.client.directives import Binding, signed_directive
from sluicegate.client.http import Client
from sluicegate.core.directives import annex, directive
from sluicegate.core.people.persons import DEFINITIONS, Definition
from sluicegate.core.terms import document
from sluicegate.errors import CommandRefused, InvalidInput
from sluicegate_record.log import canonical

Key = Annotated[Path, typer.Option("--key", help="The issuer's private key.", show_default=False)]
File = Annotated[Path, typer.Argument(help="A directive, as YAML.", show_default=False)]
Log = Annotated[
    str, typer.Option("--log", help="The verifier key of the log it is for; without it, the control plane's.")
]
Keys = Annotated[
    list[Path],
    typer.Option(
        "--key", help="A private key; again for each signer, if several must sign.", show_default=False
    ),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.", show_default=False)]
Letter = Annotated[
    Path | None, typer.Option("--document", help="The letter as received: its digest is put on the record.")
]
Note = Annotated[str, typer.Option("--note", help="What was said, if there was no document.")]
How = Annotated[str, typer.Option("--how", help="letter, call, meeting or message.")]
On = Annotated[
    str, typer.Option("--on", help="The date it was received, such as 2026-06-12; without it, today.")
]


def preview(file: File, as_json: Json = False) -> None:
    """Show who a directive would cover and spare, and what each exception changes. This changes nothing."""
    text = read_text(file)
    given = directive.read(document.read(text, str(file)))
    body = {"text": text, "file": str(file), "annexes": _annexes(given, file)}
    answer = Client().post("/api/v1/directives/preview", body)
    emit(answer, as_json, wording.coverage(f"{answer['directive']} would cover", answer))


def sign(file: File, output: Output, key: Keys, log: Log = "", as_json: Json = False) -> None:
    """Sign a directive without putting it in force: so that others can countersign it, or for later."""
    given = directive.read(document.read(read_text(file), str(file)))
    write_json(output, signed(given, file, key, log))
    text = f"signed; written to {output}\n  put it in force: sluicegate directive issue {output}"
    emit({"file": str(output)}, as_json, text)


def issue(
    file: Annotated[
        Path, typer.Argument(help="A directive, as YAML, or what 'directive sign' wrote.", show_default=False)
    ],
    key: Annotated[
        list[Path] | None, typer.Option("--key", help="The issuer's private key.", show_default=False)
    ] = None,
    log: Log = "",
    as_json: Json = False,
) -> None:
    """Sign a directive and put it in force immediately, also for open streams."""
    text = read_text(file)
    if text.lstrip().startswith("{") and not key:
        body = read_json(file)
    else:
        given = directive.read(document.read(text, str(file)))
        body = signed(given, file, key or [], log)
    _issued(Client().post("/api/v1/directives", body), as_json)


def transcribe(
    file: File,
    key: Keys,
    letter: Letter = None,
    note: Note = "",
    how: How = "letter",
    on: On = "",
    log: Log = "",
    as_json: Json = False,
) -> None:
    """Put an order in force that came as a letter or a call.

    Two officers sign it, and it is marked as transcribed.
    """
    given = directive.read(document.read(read_text(file), str(file)))
    body = signed(given, file, key, log, received(letter, note, how, on))
    _issued(Client().post("/api/v1/directives", body), as_json)


def confirm(name: Name, key: Key, as_json: Json = False) -> None:
    """Confirm, as its issuer, that a transcribed order was entered correctly."""
    client = Client()
    shown = client.get(f"/api/v1/directives/{name}")
    digest = canonical.digest(shown["document"])
    envelope = signing.confirmation(client.get("/api/v1/log")["vkey"], name, digest, signing.private_key(key))
    answer = client.post("/api/v1/directives/confirmations", {"envelope": envelope})
    emit(answer, as_json, f"{name} is confirmed by {answer['issuer']}, at size {answer['size']}")


def lift(
    name: Name,
    key: Annotated[
        list[Path] | None,
        typer.Option("--key", help="A private key; two officers' with --document.", show_default=False),
    ] = None,
    model: Annotated[list[str] | None, typer.Option("--model", help="Only these models.")] = None,
    surface: Annotated[list[str] | None, typer.Option("--surface", help="Only these surfaces.")] = None,
    annex_: Annotated[
        list[str] | None, typer.Option("--annex", help="Only for the names in this annex.")
    ] = None,
    organizations: Annotated[
        Path | None, typer.Option("--organizations", help="Only for the organizations in this CSV file.")
    ] = None,
    letter: Letter = None,
    note: Note = "",
    how: How = "letter",
    on: On = "",
    as_json: Json = False,
) -> None:
    """Ask to lift a directive, or a part of it. A party that its 'liftedBy' names signs.

    Without a key, this only opens the case, and others sign. With --document or --note, two officers enter
    what the issuer of a transcribed order wrote or said.
    """
    client = Client()
    parts = {"models": model, "surfaces": surface, "annexes": annex_}
    names = annex.read(read_bytes(organizations), str(organizations)) if organizations else {}
    scope = {part: sorted(set(given)) for part, given in parts.items() if given}
    body = signing.lift_scope(scope, names.get("organizations"))
    opened = client.post(f"/api/v1/directives/{name}/lift", body)
    case = opened["case"]
    if not key:
        answer = {"directive": name, "case": case, "size": opened["size"], "lifted": False}
        return emit(answer, as_json, f"case {case} is open; sign it: sluicegate review export {case} -o FILE")
    exported = export.checked(client.do(review.EXPORT, CaseArgument(case=case)))
    asked = exported.question
    scope_asked = {} if asked.scope is None else asked.scope.to_json()
    if (asked.directive, scope_asked) != (name, body["scope"]):
        raise CommandRefused(f"the control plane answered about {asked.directive!r}, or another part")
    keys = [signing.private_key(path) for path in key]
    if letter is not None or note:
        envelope = signing.transcription(exported, "approve", received(letter, note, how, on), keys)
    else:
        envelope = signing.position(exported, signing.Review("approve"), keys[0])
    said = client.do(review.IMPORT, SignedStatement(envelope=envelope))
    lifted = said.determination == "approved"
    answer = {"directive": name, "case": case, "size": said.size, "lifted": lifted}
    what = "in the part stated " if scope or names else ""
    outcome = f"is lifted {what}" if lifted else f"is not lifted yet; see: sluicegate case show {case} "
    return emit(answer, as_json, f"{name} {outcome}at size {answer['size']}")


def received(letter: Path | None, note: str, how: str, on: str) -> dict[str, str]:
    """How an order arrived: its document by digest, or a note of what was said."""
    if letter is None and not note.strip():
        raise InvalidInput(
            "neither --document nor --note", remedy="name the letter as received, or say what was said"
        )
    found = {"how": how, "on": on or datetime.now(tz=UTC).date().isoformat()}
    if letter is not None:
        found["digest"] = canonical.sha256_hex(read_bytes(letter))
    return {**found, "note": note} if note.strip() else found


def _issued(answer: dict[str, Any], as_json: bool) -> None:
    text = f"{answer['directive']} is on the record at size {answer['size']}"
    counts = wording.coverage("it covers", answer)
    watch = f"watch it: sluicegate directive status {answer['directive']} --watch"
    emit(answer, as_json, f"{text}\n{counts}\n  {watch}")


def signed(
    given: dict[str, Any], file: Path, keys: list[Path], log: str, how: dict[str, str] | None = None
) -> dict[str, Any]:
    """A written directive, signed: bound to its log, what it replaces, and what its words mean."""
    if not keys:
        raise InvalidInput(f"{file} is not signed", remedy="name the issuer's key with --key")
    client = Client()
    replaced = given["metadata"].get("replaces")
    if replaced is not None:
        replaced = canonical.digest(client.get(f"/api/v1/directives/{replaced}")["document"])
    bound = Binding(
        log or client.get("/api/v1/log")["vkey"], _annexes(given, file), _definitions(client, given),
        replaced, how,
    )  # fmt: skip
    return signed_directive(given, bound, *(signing.private_key(path) for path in keys))


def _definitions(client: Client, given: dict[str, Any]) -> dict[str, Definition]:
    """The definitions on the record, if a directive uses one that not every build has."""
    stated = [given["spec"].get(part) for part in ("covers", "except")]
    wanted = {
        whom["persons"]["definition"]
        for whom in stated
        if isinstance(whom, dict) and isinstance(whom.get("persons"), dict)
    }
    if wanted <= DEFINITIONS.keys():
        return {}
    found = client.get("/api/v1/definitions")["definitions"]
    return {
        each["definition"]: Definition(each["definition"], frozenset(each["statuses"]), each["source"])
        for each in found
    }


def _annexes(given: dict[str, Any], file: Path) -> dict[str, dict[str, list[str]]]:
    """The names in a directive's annexes. The files are beside it, and must match their digests."""
    found = {}
    for name, stated in given["spec"].get("annexes", {}).items():
        path = file.parent / stated["file"]
        data = read_bytes(path)
        if canonical.sha256_hex(data) != stated["digest"]:
            raise InvalidInput(
                f"{path} has the digest {canonical.sha256_hex(data)}, expected {stated['digest']}",
                code="digest_differs",
                remedy="put the digest of the file that is meant into the directive",
            )
        found[name] = annex.read(data, str(path))
    return found
