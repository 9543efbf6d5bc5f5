"""`finding report`, `acknowledge`, `ask`, `give`, `dispute`, `fix`, `retest`, each signed; `finding show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import findings as acts
from sluicegate.acts.findings import FindingArgument, FindingView
from sluicegate.cli import findings
from sluicegate.cli.acting import argument, helped
from sluicegate.cli.files import read_text
from sluicegate.cli.ids import named
from sluicegate.cli.options import one_of, value, word
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.errors import InvalidInput
from sluicegate.statements.findings import FINDING, WordOnFinding
from sluicegate.statements.kind import UnsignedStatement
from sluicegate_record.form import replace
from sluicegate_record.statements.findings import (
    ACKNOWLEDGES,
    ASKS,
    DISPUTES,
    FIXES,
    GIVES,
    GONE,
    PERSISTS,
    REPORTS,
    RETESTS,
    FindingStatement,
)
from sluicegate_record.terms.findings import KINDS, MISUSE

Finding = Annotated[str, argument(FindingArgument, "finding")]
Key = Annotated[Path, value("--key", "Your party's private key.")]
Text = Annotated[str, value("--text", "In words that everyone may read.")]
MaybeText = Annotated[str | None, value("--text", "In words that everyone may read.")]
Model = Annotated[str | None, value("--model", "The model, by its id; none: the only one.")]
Reporter = Annotated[
    str | None, value("--for", "Of someone without a key: who. Only the developer's staff may enter it.")
]
Received = Annotated[str | None, value("--received", "How it came: letter, call, meeting or message.")]
On = Annotated[str | None, value("--on", "When it came, such as 2026-07-09.")]
Note = Annotated[str | None, value("--note", "Where it is kept. It is public.")]

Details = Annotated[
    Path | None, value("--details", "A text file that only some may read: it is sealed on this machine.")
]
SealTo = Annotated[
    list[str] | None, value("--seal-to", "A party that may read the details; as often as needed.")
]


def report(
    release: Annotated[str, word("The release.")],
    kind: Annotated[str, value("--kind", **one_of(KINDS))],
    level: Annotated[str, value("--level", "How severe it is, by a level of the plan.")],
    text: Text,
    key: Key,
    axes: Annotated[
        str | None,
        value(
            "--axes",
            "By the Cyber Jailbreak Severity draft, each from 0 to 10: capability gain, breadth, "
            "weaponization, discoverability, such as 7,4,6,3.",
        ),
    ] = None,
    model: Model = None,
    safeguards: Annotated[
        str | None, value("--safeguards", "The digest of the safeguards, if not those in force.")
    ] = None,
    grant: Annotated[
        str | None,
        typer.Option("--grant", help="Of a misuse: the grant of the organization.", **named("grant")),
    ] = None,
    reporter: Reporter = None,
    received: Received = None,
    on: On = None,
    note: Note = None,
    details: Details = None,
    seal_to: SealTo = None,
    as_json: Json = False,
) -> None:
    """Sign that your party found a weakness of a model or its safeguards, or an organization's misuse.

    All of this is public, except --details: they are sealed here, and only those of --seal-to read them.
    """
    if (kind == MISUSE) is (grant is None):
        raise typer.BadParameter(f"--grant goes with --kind {MISUSE}, and only with it")
    said = WordOnFinding(
        release=release,
        says=REPORTS,
        text=text,
        kind=kind,
        level=level,
        axes=axes,
        model=model,
        grant=grant,
        **_transcribed(reporter, received, on, note),
    )
    _say(said, key, as_json, _sealed(details, seal_to), safeguards)


def acknowledge(finding: Finding, key: Key, text: MaybeText = None, as_json: Json = False) -> None:
    """Sign, as the developer, that you have a finding and look at it."""
    _say(WordOnFinding(finding=finding, says=ACKNOWLEDGES, text=text), key, as_json)


def ask(
    finding: Finding,
    text: Text,
    key: Key,
    details: Details = None,
    seal_to: SealTo = None,
    as_json: Json = False,
) -> None:
    """Sign, as the developer, which detail you need. The record shows when it was asked for, and given."""
    _say(WordOnFinding(finding=finding, says=ASKS, text=text), key, as_json, _sealed(details, seal_to))


def give(
    finding: Finding,
    text: Text,
    key: Key,
    reporter: Reporter = None,
    received: Received = None,
    on: On = None,
    note: Note = None,
    details: Details = None,
    seal_to: SealTo = None,
    as_json: Json = False,
) -> None:
    """Sign that your party gives detail of a finding, asked for or not."""
    whose = _transcribed(reporter, received, on, note)
    said = WordOnFinding(finding=finding, says=GIVES, text=text, **whose)
    _say(said, key, as_json, _sealed(details, seal_to))


def dispute(finding: Finding, text: Text, key: Key, as_json: Json = False) -> None:
    """Sign, as the developer, why you think that it is no finding, or a lesser one. It stays open."""
    _say(WordOnFinding(finding=finding, says=DISPUTES, text=text), key, as_json)


def fix(finding: Finding, text: Text, key: Key, model: Model = None, as_json: Json = False) -> None:
    """Sign, as the developer, that the models in force have a fix. It is closed by a retest."""
    _say(WordOnFinding(finding=finding, says=FIXES, text=text, model=model), key, as_json)


def retest(
    finding: Finding,
    key: Key,
    gone: Annotated[bool | None, value("--gone/--persists", "Whether it is gone, or found again.")] = None,
    text: MaybeText = None,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Sign that you tested a finding again, on the model in force: it is gone, or persists.

    Who found it closes it, or an agency or evaluator of the plan; the developer does not.
    """
    if gone is None:
        raise typer.BadParameter("say --gone or --persists")
    outcome = GONE if gone else PERSISTS
    said = WordOnFinding(finding=finding, says=RETESTS, text=text, model=model, outcome=outcome)
    _say(said, key, as_json)


@helped(acts.SHOW)
def show(
    finding: Finding,
    key: Annotated[Path | None, value("--key", "Your key: it opens what is sealed to it.")] = None,
    as_json: Json = False,
) -> None:
    """With --key it opens on this machine what is sealed to that key."""
    found = Client().do(acts.SHOW, FindingArgument(finding=finding))
    opened = {} if key is None else signing.details(found, signing.private_key(key))
    given = {"opened": opened} if opened else {}
    tell(FindingView.from_json({**found.to_json(), **given}), as_json, findings.shown(found, opened))


def _say(
    said: WordOnFinding,
    key: Path,
    as_json: bool,
    sealed: tuple[str, list[str]] | None = None,
    safeguards: str | None = None,
) -> None:
    client = Client()
    asked = FINDING.look(client.do, said)
    made = signing.made(FINDING, asked, said)
    stated = made.statement
    assert isinstance(stated, FindingStatement)
    if safeguards is not None and stated.tested is not None:
        stated = replace(stated, tested=replace(stated.tested, safeguards=safeguards))
        made = UnsignedStatement(stated)
    if sealed is not None:
        made = signing.with_details(stated, sealed[0], asked.keys, sealed[1])
    done = signing.recorded(client, FINDING, signing.private_key(key), made)
    tell(done, as_json, f"finding {done.finding} in {done.release}: {done.state}")


def _sealed(details: Path | None, seal_to: list[str] | None) -> tuple[str, list[str]] | None:
    """The details to seal, and to which parties; None without them. Raises: InvalidInput."""
    if (details is None) is bool(seal_to):
        raise typer.BadParameter("--details and --seal-to go together")
    if details is None or not seal_to:
        return None
    text = read_text(details)
    if not text.strip():
        raise InvalidInput(f"{details} has no details")
    return text, seal_to


def _transcribed(
    reporter: str | None, received: str | None, on: str | None, note: str | None
) -> dict[str, Any]:
    """Who reported it without a key, and how it came; nothing for the signer's own."""
    given = {"--for": reporter, "--received": received, "--on": on, "--note": note}
    if not any(given.values()):
        return {}
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise typer.BadParameter(f"what someone without a key found needs {', '.join(missing)}, too")
    return {"reporter": reporter or "", "how": received or "", "on": on or "", "note": note or ""}
