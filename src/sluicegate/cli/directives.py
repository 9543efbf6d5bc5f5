"""`directive …` and `definition …`."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.cli import wording
from sluicegate.cli.files import read_bytes, read_json, read_text, write_json
from sluicegate.cli.output import Json, emit, visible
from sluicegate.cli.tables import table
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.core.directives import annex, directive
from sluicegate.core.people.persons import DEFINITIONS, Definition
from sluicegate.core.terms import document
from sluicegate.errors import CommandRefused, InvalidInput
from sluicegate_record.log import canonical

Key = Annotated[Path, typer.Option("--key", help="The issuer's private key.", show_default=False)]
WATCH_EVERY_S = 0.25
"""How long `--watch` waits before it asks again."""
File = Annotated[Path, typer.Argument(help="A directive, as YAML.", show_default=False)]
Name = Annotated[str, typer.Argument(help="The directive's name.", show_default=False)]
Log = Annotated[
    str, typer.Option("--log", help="The verifier key of the log it is for; else the control plane's.")
]
Keys = Annotated[
    list[Path],
    typer.Option(
        "--key", help="A private key; again for each who signs, where several must.", show_default=False
    ),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.", show_default=False)]
Letter = Annotated[
    Path | None, typer.Option("--document", help="The letter as received: its digest is put on the record.")
]
Note = Annotated[str, typer.Option("--note", help="What was said, where it came without a document.")]
How = Annotated[str, typer.Option("--how", help="letter, call, meeting or message.")]
On = Annotated[str, typer.Option("--on", help="The date it was received, such as 2026-06-12; else today.")]


def preview(file: File, as_json: Json = False) -> None:
    """Show whom a directive would cover and spare, and what each exception changes. Changes nothing."""
    text = read_text(file)
    given = directive.read(document.read(text, str(file)))
    body = {"text": text, "file": str(file), "annexes": _annexes(given, file)}
    answer = Client().post("/api/v1/directives/preview", body)
    emit(answer, as_json, wording.coverage(f"{answer['directive']} would cover", answer))


def sign(file: File, output: Output, key: Keys, log: Log = "", as_json: Json = False) -> None:
    """Sign a directive without putting it in force: for others to countersign, or for another day."""
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
    """Sign a directive and put it in force, at once, streams in flight included."""
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
    """Put an order in force that came as a letter or a call: signed by two officers, marked so."""
    given = directive.read(document.read(read_text(file), str(file)))
    body = signed(given, file, key, log, received(letter, note, how, on))
    _issued(Client().post("/api/v1/directives", body), as_json)


def confirm(name: Name, key: Key, as_json: Json = False) -> None:
    """Say, as its issuer, that a transcribed order stands as it was entered."""
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
    model: Annotated[list[str] | None, typer.Option("--model", help="Of these models alone.")] = None,
    surface: Annotated[list[str] | None, typer.Option("--surface", help="On these surfaces alone.")] = None,
    annex_: Annotated[list[str] | None, typer.Option("--annex", help="For whom this annex names.")] = None,
    organizations: Annotated[
        Path | None, typer.Option("--organizations", help="For the organizations in this CSV file.")
    ] = None,
    letter: Letter = None,
    note: Note = "",
    how: How = "letter",
    on: On = "",
    as_json: Json = False,
) -> None:
    """Say that a directive, or a part of it, is to be lifted: signed by a party that its 'liftedBy' names.

    Without a key the case is opened, and others sign. With --document or --note, two officers enter what the
    issuer of a transcribed order wrote or said.
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
    exported = client.get(f"/api/v1/cases/{case}/export")
    signing.check_export(exported)
    asked = exported["question"]
    if (asked.get("directive"), asked.get("scope", {})) != (name, body["scope"]):
        raise CommandRefused(f"the control plane answered about {asked.get('directive')!r}, or another part")
    keys = [signing.private_key(path) for path in key]
    if letter is not None or note:
        envelope = signing.transcription(exported, "approve", received(letter, note, how, on), keys)
    else:
        envelope = signing.position(exported, signing.Review("approve"), keys[0])
    said = client.post("/api/v1/positions", {"envelope": envelope})
    lifted = said["determination"] == "approved"
    answer = {"directive": name, "case": case, "size": said["size"], "lifted": lifted}
    what = "in the part stated " if scope or names else ""
    outcome = f"is lifted {what}" if lifted else f"is not lifted yet; see: sluicegate case show {case} "
    return emit(answer, as_json, f"{name} {outcome}at size {answer['size']}")


def received(letter: Path | None, note: str, how: str, on: str) -> dict[str, str]:
    """How an order came: its document by digest, or a note of what was said."""
    if letter is None and not note.strip():
        raise InvalidInput(
            "neither --document nor --note", remedy="name the letter as received, or say what was said"
        )
    found = {"how": how, "on": on or datetime.now(tz=UTC).date().isoformat()}
    if letter is not None:
        found["digest"] = canonical.sha256_hex(read_bytes(letter))
    return {**found, "note": note} if note.strip() else found


def show(name: Name, as_json: Json = False) -> None:
    """Show what the public record says of a directive: who, whom, why, and what was said when."""
    answer = Client().get(f"/api/v1/directives/{name}")
    emit(answer, as_json, wording.directive(answer))


def affected(name: Name, as_json: Json = False) -> None:
    """Show how many of your own people a directive covers, and what would settle those of unknown status."""
    answer = Client().get(f"/api/v1/directives/{name}/affected")
    emit(answer, as_json, wording.coverage(f"of yours, {name} covers", answer))


def define(
    name: Annotated[str, typer.Argument(help="The definition's name.", show_default=False)],
    status_: Annotated[list[str], typer.Option("--status", help="A status it means; again for each.")],
    source: Annotated[str, typer.Option("--source", help="Where that is written.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Say which person statuses the words of an order mean. It cannot be changed."""
    body = {"name": name, "statuses": status_, "source": source}
    answer = Client().post("/api/v1/definitions", body)
    emit(answer, as_json, f"{name} means {', '.join(answer['statuses'])} ({source})")


def definitions(as_json: Json = False) -> None:
    """List what the words of orders mean here, and where that is written."""
    answer = Client().get("/api/v1/definitions")
    rows = [
        [each["definition"], ", ".join(each["statuses"]), each["source"]] for each in answer["definitions"]
    ]
    emit(answer, as_json, table("", ["definition", "statuses", "source"], rows, "No definition."))


def status(
    name: Name,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow it until it is in force everywhere.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show where a directive is in force: gateway by gateway, and point by point."""
    if watch:
        _watch(name, as_json)
        return
    answer = _status(name)
    rows = [
        [
            row["gateway"],
            row["incarnation"][:8],
            row["surface"],
            row["size"],
            _state(row),
            row["at"],
            row["streamsCut"],
            "yes" if row["signed"] else "no",
        ]
        for row in answer["gateways"]
    ]
    columns = ["gateway", "incarnation", "surface", "size", "state", "at", "streams cut", "signed"]
    title = f"{name}: {_word(answer)}"
    lines = [table(title, columns, rows, f"{title}; no gateway holds a lease")]
    lines += [f"  {_line(row)}" for row in answer["points"]]
    if answer["entry"] is not None:
        lines.append(f"  entry {answer['entry']} proves it, since {answer['inForceSince']}")
    emit(answer, as_json, "\n".join(lines))


def _watch(name: str, as_json: bool) -> None:
    """Follow a directive until the entry is there that says it is in force everywhere.

    Raises: CommandRefused: it is lifted, so it will not be.
    """
    shown: dict[str, Any] = {}
    known: dict[str, str] = {}
    while True:
        answer = _status(name)
        if as_json and answer != shown:
            typer.echo(json.dumps(answer, ensure_ascii=False))
        lines = {_key(row): _line(row) for row in (*answer["gateways"], *answer["points"])}
        lines[""] = f"{name}: {_word(answer)}"
        for key, line in lines.items():
            if not as_json and known.get(key) != line:
                typer.echo(visible(line))
        shown, known = answer, lines
        if answer["inForce"] and answer["entry"] is not None:
            return
        if answer["lifted"]:
            raise CommandRefused(f"the directive {name!r} has been lifted", code="directive_lifted")
        time.sleep(WATCH_EVERY_S)


def _status(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = Client().get(f"/api/v1/directives/{name}/status")
    return answer


def _word(answer: dict[str, Any]) -> str:
    if answer["lifted"]:
        return "lifted"
    return "in force everywhere" if answer["inForce"] else "not yet everywhere"


def _key(row: dict[str, Any]) -> str:
    return f"point {row['point']}" if "point" in row else f"run {row['gateway']} {row['incarnation']}"


def _line(row: dict[str, Any]) -> str:
    """How a gateway or a point stands with a directive."""
    at = f" at {row['at']}" if row["at"] else ""
    if "point" in row:
        return f"point {row['point']} on {row['surface']}, which others run: {row['state']}{at}"
    cut = f", {row['streamsCut']} streams cut" if row["streamsCut"] else ""
    return f"{row['gateway']} {row['incarnation'][:8]} on {row['surface']}: {_state(row)}{at}{cut}"


def _state(row: dict[str, Any]) -> str:
    state = str(row["state"]).replace("_", " ")
    return f"{state}, another {_DRIFTS[row['drifted']]}" if row["drifted"] else state


_DRIFTS = {"root": "log", "fold": "version"}


def listed(as_json: Json = False) -> None:
    """List every directive on the record, newest first."""
    answer = Client().get("/api/v1/directives")
    rows = [
        [
            found["directive"],
            found["issuer"],
            found["basis"]["kind"],
            ", ".join(found["models"]),
            wording.whom(found["covers"]),
            ("drill, " if found["drill"] else "") + ("in force" if found["inForce"] else found["ended"]),
            found["issuedAt"],
        ]
        for found in answer["directives"]
    ]
    columns = ["directive", "issuer", "basis", "models", "covers", "state", "issued"]
    emit(answer, as_json, table("", columns, rows, "No directive on the record."))


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
    bound = signing.Binding(
        log or client.get("/api/v1/log")["vkey"], _annexes(given, file), _definitions(client, given),
        replaced, how,
    )  # fmt: skip
    return signing.directive(given, bound, *(signing.private_key(path) for path in keys))


def _definitions(client: Client, given: dict[str, Any]) -> dict[str, Definition]:
    """What the record's definitions mean, where a directive uses one that not every build has."""
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
    """The names in a directive's annexes, whose files lie beside it and are what their digests say."""
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
