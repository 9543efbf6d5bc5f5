"""`release new`, `plan`, `apply`: begin a plan, show what it would change, and put it in force."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import releases
from sluicegate.acts.documents import ListedPlan
from sluicegate.cli import changes as shown
from sluicegate.cli import presets
from sluicegate.cli.acting import Given, acting, helped
from sluicegate.cli.files import read_bytes, read_text, write_new
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, emit, tell
from sluicegate.client.http import Client
from sluicegate.core.people import lists
from sluicegate.core.terms import audiences, document, renewal
from sluicegate.core.terms import plan as plans
from sluicegate.core.terms.nearest import nearest
from sluicegate.core.terms.renewal import Choice, Renewal
from sluicegate.errors import InvalidInput


def new(
    name: Annotated[str, word("The name of the new release.")],
    source: Annotated[
        str, value("--from", "A preset ('sluicegate preset list' names them), or a plan file.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write; none: print it.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="A day, such as 2027-01-11: the first day in the plan becomes this one."),
    ] = None,
    developer: Annotated[str | None, typer.Option(help="Your name in the trust file.")] = None,
    title: Annotated[str | None, typer.Option(help="A title for people.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="The id of the model, as requests name it.")] = None,
    upstream: Annotated[list[str] | None, typer.Option(help="The name of the server that runs it.")] = None,
    digest: Annotated[list[str] | None, typer.Option(help="SHA-256 of its weights, sha256:….")] = None,
    safeguards: Annotated[list[str] | None, typer.Option(help="The same of its safeguards.")] = None,
    as_json: Json = False,
) -> None:
    """Begin a plan from a preset or another plan: with your names, models and days; comments stay.

    All days move together. For several models give their options several times, in the plan's order.
    It asks no control plane. It says what is still to be chosen, and writes over no file.
    """
    given = {"id": model, "upstream": upstream, "digest": digest, "safeguards": safeguards}
    models = {key: values for key, values in given.items() if values}
    text, chosen = _renewed(source, Renewal(name, developer, title, _day(start), models))
    if output is not None:
        write_new(output, text)
    answer = {"release": name, "plan": text, "toChoose": [asdict(each) for each in chosen]}
    emit(answer, as_json, text.rstrip("\n") if output is None else _begun(name, output, chosen))


def _renewed(source: str, wanted: Renewal) -> tuple[str, list[Choice]]:
    """The text of the new plan, and what it leaves to choose. Raises: InvalidInput: it is no plan."""
    path = presets.found(source) or Path(source)
    if not path.exists():
        known = presets.known()
        near = nearest(source, known)
        meant = f" (did you mean {near!r}?)" if near else ""
        raise InvalidInput(f"no preset and no file {source[:80]!r}{meant}; presets: {', '.join(known)}")
    before = read_text(path)
    text = renewal.renewed(document.read(before, source), before, wanted)
    found = document.read(text, f"the plan from {source}")
    plans.read(found)
    given = (
        wanted.name,
        wanted.developer,
        wanted.title,
        *(each for of in wanted.models.values() for each in of),
    )
    return text, renewal.choices(found, presets.placeholders() - {each for each in given if each is not None})


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day, such as 2027-01-11", param_hint="--start") from error


def _begun(name: str, path: Path, chosen: list[Choice]) -> str:
    lines = [f"wrote {path}: the plan of the release {name}"]
    lines += [_to_choose(path, each) for each in chosen]
    return "\n".join([*lines, f"  check it: sluicegate plan --check {path}"])


def _to_choose(path: Path, each: Choice) -> str:
    return f"  to be chosen: {path}:{each.line}:{each.column} {each.field}: {each.value}"


@helped(releases.PREVIEW)
def plan(
    file: Annotated[Path | None, word("A plan, as YAML.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of plans instead.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only read the file; no control plane is asked.")
    ] = False,
    as_json: Json = False,
) -> None:
    if schema:
        typer.echo(json.dumps(plans.schema(), indent=2))
        return
    if file is None:
        raise typer.BadParameter("name a plan file, or ask for --schema", param_hint="FILE")
    asked = _with_lists(file)
    if check:
        _checked(asked, file, as_json)
        return
    found = Client().do(releases.PREVIEW, asked)
    tell(found, as_json, shown.preview(found, file))


def _with_lists(path: Path) -> ListedPlan:
    """A plan as written, with the lists beside it that it names. Raises: InvalidDocument; InvalidInput."""
    text = read_text(path)
    files = audiences.listed(document.read(text, str(path)).value)
    named = {file: path.parent / file for file in files}
    found = {file: lists.read(read_bytes(beside), str(beside)) for file, beside in named.items()}
    return ListedPlan(text=text, file=str(path), lists=found)


def _checked(asked: ListedPlan, file: Path, as_json: bool) -> None:
    """Say that a plan has no error, and what it leaves to choose. Raises: InvalidDocument: it has errors."""
    read = document.read(asked.text, asked.file)
    spec, chosen = plans.read(read, asked.lists), renewal.choices(read, presets.placeholders())
    lines = [f"{file}: no error; the stages are {', '.join(each.name for each in spec.spec.stages)}"]
    lines += [_to_choose(file, each) for each in chosen]
    answer = {"release": spec.metadata.name, "toChoose": [asdict(each) for each in chosen]}
    emit(answer, as_json, "\n".join([*lines, f"  what it would change: sluicegate plan {file}"]))


def _given(path: Path) -> dict[str, Any]:
    asked = _with_lists(path)
    return {"text": asked.text, "file": asked.file, "lists": asked.lists}


apply = acting(releases.APPLY, shown.applied, text=Given("file", Path, _given, ("file", "lists")))
