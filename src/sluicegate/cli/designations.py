"""`release designate`, `release reconsider`: an agency's judgement of a model, and the case about it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import designations as acts
from sluicegate.acts.designations import (
    DesignationArgument,
    DesignationReceipt,
    DesignationToSign,
    RaisedStage,
    ReconsiderationCase,
    SignedDesignation,
)
from sluicegate.acts.fields import opened_beside
from sluicegate.cli import wording
from sluicegate.cli.acting import acting
from sluicegate.cli.files import read_text, write_json
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.designations import DESIGNATES, WITHDRAWS, DesignationStatement
from sluicegate_record.terms import phrases
from sluicegate_record.terms.rule import Rule
from sluicegate_record.terms.scrutiny import COMPARABLE
from sluicegate_record.terms.text import counted

Release = Annotated[str, word("The release.")]


def designate(
    release: Release,
    class_: Annotated[str, value("--class", "covered-frontier-model | comparable-to")],
    key: Annotated[Path | None, value("--key", "Your agency's private key.")] = None,
    model: Annotated[
        str | None, value("--model", "Which model; of comparable-to, the one that it is comparable to.")
    ] = None,
    of: Annotated[str | None, value("--of", "Of comparable-to: which model of the release.")] = None,
    statement: Annotated[str, typer.Option("--statement", help="Why, as everyone may read it.")] = "",
    basis: Annotated[Path | None, value("--basis", "A text file with the basis: it is sealed.")] = None,
    keep: Annotated[
        Path | None, value("--keep", "Keep the basis: write here what opens it, and send none of it.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw the designation.")] = False,
    agency: Annotated[str | None, value("--agency", "The agency, if it is not your token's.")] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show what would follow: nothing is signed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Sign that your agency judges a model of a release to be of a class, or withdraws that.

    The terms of the class's scrutiny level are in force at once. --preview only shows what would follow.
    """
    if key is None and not preview:
        raise typer.BadParameter("name your agency's key with --key, or say --preview")
    if keep is not None and basis is None:
        raise typer.BadParameter("--keep keeps the basis of --basis")
    is_compared = class_ == COMPARABLE
    asked = DesignationArgument(
        release=release,
        class_=class_,
        model=of if is_compared else of or model,
        comparable_to=model if is_compared else None,
        says=WITHDRAWS if withdraw else DESIGNATES,
        agency=agency,
    )
    client = Client()
    found = client.do(acts.TO_SIGN, asked)
    if preview or key is None:
        tell(found, as_json, "\n".join(_preview(found)))
        return
    opened = None if basis is None else Opening(secrets.token_bytes(32), canonical.dumps(read_text(basis)))
    envelope = signing.signed(_stated(found, statement, opened), signing.private_key(key))
    if keep is not None and opened is not None:
        write_json(keep, opened_beside(opened))
        opened = None
    done = client.do(acts.RECORD, SignedDesignation(envelope=envelope, opened=opened))
    tell(done, as_json, _recorded(done))


def _stated(asked: DesignationToSign, statement: str, basis: Opening | None) -> DesignationStatement:
    return DesignationStatement(
        log=asked.log,
        release=asked.release,
        agency=asked.agency,
        says=asked.says,
        model=asked.model,
        class_=asked.class_,
        comparable_to=asked.comparable_to,
        terms=asked.terms,
        statement=statement,
        sealed=None if basis is None else basis.commitment("sealed", "basis"),
        previous=asked.previous,
    )


def _recorded(done: DesignationReceipt) -> str:
    what = wording.of_class(done.class_, done.comparable_to)
    lines = [
        f"{_judges(done.agency, done.says, f'a model of {done.release}', what)}, entry {done.size - 1}",
        f"  designation {done.designation}",
        f"  {_levels(done.scrutiny)}",
    ]
    if done.superseded:
        lines.append(f"  {counted(len(done.superseded), 'open case')} ended: who applied may apply again")
    return "\n".join(lines)


def _judges(agency: str, says: str, model: str, what: str) -> str:
    """A judgement in a few words. `what` is a class, as it follows 'designated'."""
    if says == WITHDRAWS:
        return f"{agency} withdraws that {model} is {what}"
    return f"{agency} designates {model} {what}"


def _levels(levels: tuple[str, ...]) -> str:
    return f"scrutiny in force: {', '.join(levels)}" if levels else "no scrutiny level is in force"


def _preview(found: DesignationToSign) -> Iterator[str]:
    """What would follow from a judgement."""
    what = wording.of_class(found.class_, found.comparable_to)
    judges = _judges(found.agency, found.says, f"{found.model_id} of {found.release}", what)
    yield f"if {judges}: nothing is done yet"
    yield f"  {_levels(found.scrutiny)} then"
    for stage in found.stages:
        yield from _stage(stage)
    if not found.stages:
        yield "  the terms of no stage change"
    if found.superseded:
        yield f"  {counted(len(found.superseded), 'open case')} would end; who applied may apply again:"
        yield f"    {', '.join(found.superseded)}"


def _stage(stage: RaisedStage) -> Iterator[str]:
    yield f"  stage {stage.stage}:"
    for each in stage.rules:
        yield f"    {each.field}: {_rule(each.before)} -> {_rule(each.after)}"
    for each in stage.changes:
        field = each.field.partition("].")[2]
        if not any(field.startswith(f"{rule.field}.") for rule in stage.rules):
            yield f"    {field}: {json.dumps(each.before)} -> {json.dumps(each.after)}"
    if stage.lacks:
        yield f"    it is open, and would lack: {'; '.join(stage.lacks)}"


def _rule(written: Any) -> str:
    return "(nothing)" if written is None else phrases.rule(Rule.from_json(written))


def _asked(found: ReconsiderationCase) -> str:
    return f"case {found.case} asks whether the designation {found.designation} of {found.release} ends"


reconsider = acting(acts.RECONSIDER, _asked, release="release", designation="designation")
