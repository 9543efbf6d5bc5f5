"""`directive preview`, `sign`, `issue`, `transcribe`, `confirm`, `lift`: commands that a party signs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import directives as acts
from sluicegate.acts.directives import (
    AcceptedDirective,
    AnnexNames,
    DirectiveArgument,
    DirectivePreview,
    DirectiveText,
    LiftCase,
    LiftRequest,
    SignedDirective,
)
from sluicegate.acts.documents import SignedStatement
from sluicegate.cli import descriptions, wording
from sluicegate.cli.acting import helped
from sluicegate.cli.confirmation import Yes, read_first
from sluicegate.cli.confirmation import confirm as ask
from sluicegate.cli.directives import Name
from sluicegate.cli.files import read_bytes, read_json, read_text, write_json
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, emit, log_now, tell
from sluicegate.client import export, signing
from sluicegate.client.directives import lift_part, lift_request, signed_directive
from sluicegate.client.http import Client
from sluicegate.core.directives import annex, directive
from sluicegate.core.terms import document
from sluicegate.errors import CommandRefused, InvalidInput, WrongUsage
from sluicegate.statements.cases import Review, transcription
from sluicegate.statements.directives import as_drill, bound
from sluicegate.statements.kind import head
from sluicegate_record.directives.received import Arrival
from sluicegate_record.directives.scope import Scope
from sluicegate_record.log import canonical
from sluicegate_record.statements.directives import Confirmation

Key = Annotated[Path, value("--key", "The issuer's private key.")]
File = Annotated[Path, word("A directive, as YAML.")]
Log = Annotated[
    str, typer.Option("--log", help="The verifier key of the log it is for; without it, the control plane's.")
]
Keys = Annotated[list[Path], value("--key", "A private key; again for each signer, if several must sign.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.", show_default=False)]
Letter = Annotated[
    Path | None, value("--document", "The letter as received: its digest is put on the record.")
]
Note = Annotated[str, typer.Option("--note", help="What was said, if there was no document.")]
How = Annotated[str, typer.Option("--how", help="letter, call, meeting or message.")]
On = Annotated[
    str, typer.Option("--on", help="The date it was received, such as 2026-06-12; without it, today.")
]


@helped(acts.PREVIEW)
def preview(file: File, as_json: Json = False) -> None:
    shown = _previewed(directive.read(document.read(read_text(file), str(file))), file)
    tell(shown, as_json, descriptions.preview(shown))


def _previewed(given: dict[str, Any], file: Path) -> DirectivePreview:
    annexes = {name: AnnexNames.from_json(each) for name, each in _annexes(given, file).items()}
    asked = DirectiveText(text=read_text(file), file=str(file), annexes=annexes)
    return Client().do(acts.PREVIEW, asked)


def _read_first(given: dict[str, Any], file: Path, yes: bool, as_json: bool) -> None:
    """Show what a directive would do, and ask."""
    if not yes:
        read_first(descriptions.preview(_previewed(given, file)), yes, as_json)


def sign(
    file: File,
    output: Output,
    key: Keys,
    letter: Letter = None,
    note: Note = "",
    how: How = "letter",
    on: On = "",
    drill: Annotated[
        bool, typer.Option("--drill", help="As a drill, for 'sluicegate drill run': it refuses no request.")
    ] = False,
    name: Annotated[str, typer.Option(help="The drill's name.")] = "",
    log: Log = "",
    as_json: Json = False,
) -> None:
    """Sign a directive without putting it in force: so that others can countersign it, or for later.

    With --document or --note it is an order that came as a letter or a call, which two officers sign.
    """
    given = directive.read(document.read(read_text(file), str(file)))
    if drill:
        given = as_drill(given, signing.now_ms(), name)
    arrived = received(letter, note, how, on) if letter is not None or note.strip() else None
    write_json(output, signed(given, file, key, log, arrived).to_json())
    if drill:
        then = f"run it: sluicegate drill run {output}"
    else:
        then = f"put it in force: sluicegate directive issue {output}"
    text = f"signed; written to {output}\n  {then}"
    if arrived is not None and len(key) == 1:
        text += f"\n  first a second officer: sluicegate directive countersign {output} --key … -o …"
    emit({"file": str(output)}, as_json, text)


def given_to_issue(file: Path, keys: list[Path], log: str, drill: str | None = None) -> SignedDirective:
    """What is issued: a file that was signed, or a written directive, which is signed now.

    `drill` is the name of the drill that a written one becomes, empty for one by the time.
    """
    text = read_text(file)
    if text.lstrip().startswith("{") and not keys:
        return SignedDirective.from_json(read_json(file))
    given = directive.read(document.read(text, str(file)))
    if drill is not None:
        given = as_drill(given, signing.now_ms(), drill)
    return signed(given, file, keys, log)


@helped(acts.ISSUE)
def issue(
    file: Annotated[Path, word("A directive, as YAML, or what 'sluicegate directive sign' wrote.")],
    key: Annotated[list[Path] | None, value("--key", "The issuer's private key.")] = None,
    log: Log = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    text = read_text(file)
    if text.lstrip().startswith("{") and not key:
        ask(f"the signed directive in {file} is put in force at once", yes)
    else:
        _read_first(directive.read(document.read(text, str(file))), file, yes, as_json)
    _issued(Client().do(acts.ISSUE, given_to_issue(file, key or [], log)), as_json)


def transcribe(
    file: File,
    key: Keys,
    letter: Letter = None,
    note: Note = "",
    how: How = "letter",
    on: On = "",
    log: Log = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Put an order in force that came as a letter or a call.

    Two officers sign it, and it is marked as transcribed.
    """
    given = directive.read(document.read(read_text(file), str(file)))
    _read_first(given, file, yes, as_json)
    made = signed(given, file, key, log, received(letter, note, how, on))
    _issued(Client().do(acts.ISSUE, made), as_json)


@helped(acts.CONFIRM)
def confirm(name: Name, key: Key, as_json: Json = False) -> None:
    client = Client()
    digest = client.do(acts.SHOW, DirectiveArgument(directive=name)).document.digest
    stated = Confirmation(log=head(client.do), directive=name, document=digest)
    envelope = signing.signed(stated, signing.private_key(key))
    done = client.do(acts.CONFIRM, SignedStatement(envelope=envelope))
    tell(done, as_json, f"{name} is confirmed by {done.issuer}")


@helped(acts.LIFT)
def lift(
    name: Name,
    key: Annotated[list[Path] | None, value("--key", "A private key; two officers' with --document.")] = None,
    model: Annotated[list[str] | None, value("--model", "Only these models.")] = None,
    surface: Annotated[list[str] | None, value("--surface", "Only these surfaces.")] = None,
    annex_: Annotated[list[str] | None, value("--annex", "Only for the names in this annex.")] = None,
    organizations: Annotated[
        Path | None, value("--organizations", "Only for the organizations in this CSV file.")
    ] = None,
    letter: Letter = None,
    note: Note = "",
    how: How = "letter",
    on: On = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write it for another officer; nothing is lifted.")
    ] = None,
    signed_: Annotated[Path | None, value("--signed", "What both officers have signed.")] = None,
    as_json: Json = False,
) -> None:
    """Without a key, this only opens the case, and others sign. With --document or --note, two officers enter
    what the issuer of a transcribed order wrote or said: on two machines with -o,
    'sluicegate directive countersign' and --signed.
    """
    client = Client()
    if signed_ is not None:
        given = LiftRequest.from_json(read_json(signed_))
        if given.directive != name:
            raise WrongUsage(
                f"{signed_} is about {given.directive!r}", remedy="name the directive in the file"
            )
        return _lifted(client.do(acts.LIFT, given), given.scope, as_json)
    names = annex.read(read_bytes(organizations), str(organizations)) if organizations else {}
    part = Scope(models=_each_once(model), surfaces=_each_once(surface), annexes=_each_once(annex_))
    asked = lift_part(name, part, names.get("organizations"))
    if not key:
        opened = client.do(acts.LIFT, lift_request(asked))
        case = opened.case
        answer = {"directive": name, "case": case, "size": opened.size, "lifted": False}
        return emit(answer, as_json, f"case {case} is open; sign it: sluicegate review export {case} -o FILE")
    shown = export.checked(client.do(acts.LIFTING, asked))
    question = shown.question
    scope_shown = {} if question.scope is None else question.scope.to_json()
    if (question.directive, scope_shown) != (name, asked.scope.to_json()):
        raise CommandRefused(f"the control plane answered about {question.directive!r}, or another part")
    keys = [signing.private_key(path) for path in key]
    if letter is not None or note:
        arrived = Arrival.from_json(dict(received(letter, note, how, on)))
        envelope = signing.for_record(transcription(shown, "approve", arrived), *keys)
    else:
        envelope = signing.position(shown, Review("approve"), keys[0])
    request = lift_request(asked, question.case, envelope)
    if output is not None:
        write_json(output, request.to_json())
        text = f"signed; written to {output}"
        text += f"\n  another officer: sluicegate directive countersign {output} --key … -o …"
        text += f"\n  then: sluicegate directive lift {name} --signed FILE"
        return emit({"directive": name, "file": str(output)}, as_json, text)
    return _lifted(client.do(acts.LIFT, request), asked.scope, as_json)


def _lifted(said: LiftCase, scope: Scope, as_json: bool) -> None:
    """Say what a signed word on lifting a directive came to."""
    name, lifted = said.directive, said.determination == "approved"
    answer = {"directive": name, "case": said.case, "size": said.size, "lifted": lifted}
    told = said.to_json()
    answer |= {name: told[name] for name in ("transcribed", "officers") if name in told}
    what = " in the part stated" if scope != Scope() else ""
    whose = f"; {wording.transcript(said.transcribed, said.officers)}" if said.transcribed else ""
    outcome = (f"is lifted{what}" if lifted else "is not lifted yet") + whose
    follow = "" if lifted else f"\n  see: sluicegate case show {said.case}"
    emit(answer, as_json, f"{name} {outcome}; {log_now(said.size)}{follow}")


def _each_once(given: list[str] | None) -> tuple[str, ...] | None:
    return tuple(sorted(set(given))) if given else None


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


def _issued(done: AcceptedDirective, as_json: bool) -> None:
    whose = f", {wording.transcript(done.transcribed, done.officers)}" if done.transcribed else ""
    lines = [f"{done.directive} is on the record{whose}"]
    if done.covered is not None and done.spared is not None:
        lines.append(descriptions.sides("it covers", done.covered, done.spared))
    lines += descriptions.exceptions(done.exceptions)
    lines += descriptions.unmatched(done.unmatched, done.unmatched_names)
    lines.append(f"  watch it: sluicegate directive status {done.directive} --watch")
    tell(done, as_json, "\n".join(lines))


def signed(
    given: dict[str, Any], file: Path, keys: list[Path], log: str, how: dict[str, str] | None = None
) -> SignedDirective:
    """A written directive, signed: bound to its log, what it replaces, and what its words mean."""
    if not keys:
        raise InvalidInput(f"{file} is not signed", remedy="name the issuer's key with --key")
    bound_to = bound(Client().do, given, _annexes(given, file), how, log)
    return signed_directive(given, bound_to, *(signing.private_key(path) for path in keys))


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
