"""`finding report`, `acknowledge`, `ask`, `give`, `dispute`, `fix`, `retest`, each signed; `finding show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import findings as acts
from sluicegate.acts.findings import (
    FindingArgument,
    FindingToSign,
    FindingToSignArgument,
    FindingView,
    SignedFinding,
)
from sluicegate.cli import findings
from sluicegate.cli.acting import argument, helped
from sluicegate.cli.files import read_text
from sluicegate.cli.ids import named
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.client.models import model_of
from sluicegate.errors import InvalidInput
from sluicegate_record.directives.received import Arrival, Outsider
from sluicegate_record.form import Misread, replace
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
)
from sluicegate_record.terms.findings import KINDS, MISUSE, Axes

Finding = Annotated[str, argument(FindingArgument, "finding")]
Key = Annotated[Path, typer.Option("--key", help="Your party's private key.", show_default=False)]
Text = Annotated[str, typer.Option("--text", help="In words that everyone may read.", show_default=False)]
MaybeText = Annotated[str | None, typer.Option("--text", help="In words that everyone may read.")]
Model = Annotated[
    str | None, typer.Option("--model", help="The model, by its id; none: the only one.", show_default=False)
]
Reporter = Annotated[
    str | None,
    typer.Option("--for", help="Of someone without a key: who. Only the developer's staff may enter it."),
]
Received = Annotated[
    str | None, typer.Option("--received", help="How it came: letter, call, meeting or message.")
]
On = Annotated[str | None, typer.Option("--on", help="When it came, such as 2026-07-09.")]
Note = Annotated[str | None, typer.Option("--note", help="Where it is kept. It is public.")]

Details = Annotated[
    Path | None,
    typer.Option("--details", help="A text file that only some may read: it is sealed on this machine."),
]
SealTo = Annotated[
    list[str] | None,
    typer.Option("--seal-to", help="A party that may read the details; as often as needed."),
]


def report(
    release: Annotated[str, typer.Argument(help="The release, as 'status' shows it.", show_default=False)],
    kind: Annotated[str, typer.Option("--kind", help=" | ".join(KINDS), show_default=False)],
    level: Annotated[
        str, typer.Option("--level", help="How severe it is, by a level of the plan.", show_default=False)
    ],
    text: Text,
    key: Key,
    axes: Annotated[
        str | None,
        typer.Option(
            "--axes",
            help="By the Cyber Jailbreak Severity draft, each from 0 to 10: capability gain, breadth, "
            "weaponization, discoverability, such as 7,4,6,3.",
        ),
    ] = None,
    model: Model = None,
    safeguards: Annotated[
        str | None,
        typer.Option("--safeguards", help="The digest of the safeguards, if not those in force."),
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
    client = Client()
    asked = client.do(acts.TO_SIGN, FindingToSignArgument(release=release))
    said: dict[str, Any] = {"release": asked.release, "kind": kind, "level": level, "text": text}
    if grant is None:
        meant = model_of(asked.models, model)
        tested = meant.tested
        if safeguards is not None:
            tested = replace(tested, safeguards=safeguards)
        said |= {"model": meant.id, "tested": tested}
    else:
        said["grant"] = grant
    if axes is not None:
        said["axes"] = _axes(axes)
    said |= {"transcribed": _transcribed(reporter, received, on, note), **_sealed(details, seal_to)}
    _sign(client, asked, REPORTS, key, as_json, **said)


def acknowledge(finding: Finding, key: Key, text: MaybeText = None, as_json: Json = False) -> None:
    """Sign, as the developer, that you have a finding and look at it."""
    _say(finding, ACKNOWLEDGES, key, as_json, text=text)


def ask(
    finding: Finding,
    text: Text,
    key: Key,
    details: Details = None,
    seal_to: SealTo = None,
    as_json: Json = False,
) -> None:
    """Sign, as the developer, which detail you need. The record shows when it was asked for, and given."""
    _say(finding, ASKS, key, as_json, text=text, **_sealed(details, seal_to))


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
    said = {"transcribed": _transcribed(reporter, received, on, note), **_sealed(details, seal_to)}
    _say(finding, GIVES, key, as_json, text=text, **said)


def dispute(finding: Finding, text: Text, key: Key, as_json: Json = False) -> None:
    """Sign, as the developer, why you think that it is no finding, or a lesser one. It stays open."""
    _say(finding, DISPUTES, key, as_json, text=text)


def fix(finding: Finding, text: Text, key: Key, model: Model = None, as_json: Json = False) -> None:
    """Sign, as the developer, that the models in force have a fix. It is closed by a retest."""
    _say(finding, FIXES, key, as_json, model=model, text=text)


def retest(
    finding: Finding,
    key: Key,
    gone: Annotated[
        bool | None,
        typer.Option("--gone/--persists", help="Whether it is gone, or found again.", show_default=False),
    ] = None,
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
    _say(finding, RETESTS, key, as_json, model=model, text=text, outcome=outcome)


@helped(acts.SHOW)
def show(
    finding: Finding,
    key: Annotated[
        Path | None, typer.Option("--key", help="Your key: it opens what is sealed to it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """With --key it opens on this machine what is sealed to that key."""
    found = Client().do(acts.SHOW, FindingArgument(finding=finding))
    opened = {} if key is None else signing.details(found, signing.private_key(key))
    given = {"opened": opened} if opened else {}
    tell(FindingView.from_json({**found.to_json(), **given}), as_json, findings.shown(found, opened))


def _say(finding: str, says: str, key: Path, as_json: bool, **said: Any) -> None:
    client = Client()
    asked = client.do(acts.TO_SIGN, FindingToSignArgument(finding=finding))
    model = said.pop("model", None)
    if says in {FIXES, RETESTS} and asked.model is not None:
        said["tested"] = model_of(asked.models, model or asked.model).tested
    _sign(client, asked, says, key, as_json, **said)


def _sign(client: Client, asked: FindingToSign, says: str, key: Path, as_json: bool, **said: Any) -> None:
    given = signing.finding(asked, says, signing.private_key(key), **said)
    done = client.do(acts.RECORD, SignedFinding.from_json(given))
    tell(done, as_json, f"finding {done.finding} in {done.release}: {done.state}")


def _sealed(details: Path | None, seal_to: list[str] | None) -> dict[str, Any]:
    """The details to seal, and to which parties; nothing without them. Raises: InvalidInput."""
    if (details is None) is bool(seal_to):
        raise typer.BadParameter("--details and --seal-to go together")
    if details is None or not seal_to:
        return {}
    text = read_text(details)
    if not text.strip():
        raise InvalidInput(f"{details} has no details")
    return {"details": text, "seal_to": seal_to}


def _axes(text: str) -> Axes:
    """The four scores, in the order of the draft. Raises: InvalidInput."""
    names = ("capabilityGain", "breadth", "weaponization", "discoverability")
    scores = text.split(",")
    try:
        return Axes.from_json(dict(zip(names, map(int, scores), strict=True)))
    except (ValueError, Misread) as error:
        said = f"{text[:40]!r} is not the four axes {', '.join(names)}, each from 0 to 10"
        raise InvalidInput(said, remedy="such as --axes 7,4,6,3") from error


def _transcribed(
    reporter: str | None, received: str | None, on: str | None, note: str | None
) -> Outsider | None:
    """Who reported it without a key, and how it came; None for the signer's own. Raises: InvalidInput."""
    given = {"--for": reporter, "--received": received, "--on": on, "--note": note}
    if not any(given.values()):
        return None
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise typer.BadParameter(f"what someone without a key found needs {', '.join(missing)}, too")
    try:
        arrival = Arrival.from_json({"how": received, "on": on, "note": note})
    except Misread as error:
        raise InvalidInput(error.message) from error
    assert reporter is not None
    return Outsider(reporter=reporter, received=arrival)
