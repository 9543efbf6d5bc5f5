"""`directive status`, `show`, `affected`, `list`, and `definition …`: what is on the record."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from sluicegate.acts import directives as acts
from sluicegate.acts.directives import (
    Definitions,
    DirectiveArgument,
    DirectiveFilter,
    Directives,
    DirectiveStatus,
    DirectiveSummary,
    StateAtGateway,
    StateAtPoint,
)
from sluicegate.cli import descriptions, observations, wording
from sluicegate.cli.acting import acting, argument, helped
from sluicegate.cli.ids import named
from sluicegate.cli.listing import Columns, listing, shown
from sluicegate.cli.output import Json, emit, tell, visible
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.errors import CommandRefused, WrongUsage
from sluicegate_record.directives.phrases import covered
from sluicegate_record.terms.text import counted

WATCH_EVERY_S = 0.25
"""How long `--watch` waits before it asks again."""
Name = Annotated[str, argument(DirectiveArgument, "directive")]

show = acting(acts.SHOW, descriptions.directive, directive="name")
affected = acting(acts.AFFECTED, descriptions.affected, directive="name")


define = acting(
    acts.DEFINE,
    lambda done: f"{done.definition} means {', '.join(sorted(done.statuses))} ({done.source})",
    name="name",
    statuses="--status",
)


def _definitions(found: Definitions) -> list[list[str]]:
    return [[each.definition, ", ".join(sorted(each.statuses)), each.source] for each in found.definitions]


MEANINGS = ("definition", "statuses", "source")
definitions = listing(acts.DEFINITIONS, Columns(MEANINGS, _definitions, "No definition."))


@helped(acts.STATUS)
def status(
    name: Annotated[
        str | None,
        typer.Argument(
            help="The directive's name. Without it, all are listed.",
            **named("directive"),
            show_default=False,
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow it until it is in force everywhere.")
    ] = False,
    as_json: Json = False,
) -> None:
    if name is None:
        if watch:
            raise WrongUsage(
                "no directive is named to watch", remedy="'sluicegate directive list' shows their names"
            )
        every = Client().do(acts.LIST, DirectiveFilter())
        tell(every, as_json, shown(every, LISTED, ("directive", "list")))
        return
    if watch:
        _watch(name, as_json)
        return
    client, asked = Client(), DirectiveArgument(directive=name)
    answer, names = client.do(acts.STATUS, asked), client.do(acts.NAMES, asked)
    lines = [*_status(answer), *descriptions.unmatched(names.unmatched or 0, names.unmatched_names)]
    emit({**names.to_json(), **answer.to_json()}, as_json, "\n".join(lines))


def _status(answer: DirectiveStatus) -> Iterator[str]:
    rows = [
        [
            row.gateway,
            row.incarnation[:8],
            row.surface,
            row.size,
            _state(row),
            wording.moment(row.at_ms),
            row.streams_cut,
            "yes" if row.signed else "no",
        ]
        for row in answer.gateways
    ]
    cut = "would have cut" if answer.drill else "streams cut"
    columns = ["gateway", "run", "surface", "log entries", "state", "at", cut, "signed"]
    title = f"{answer.directive}: {_word(answer)}"
    yield table(title, columns, rows, f"{title}; no gateway holds a lease")
    if answer.transcribed is not None:
        yield f"  {descriptions.transcript(answer)}"
    yield from (f"  {_at_point(row)}" for row in answer.points)
    if answer.entry is not None:
        since = wording.moment(answer.in_force_since_ms)
        yield f"  in force everywhere since {since}, as entry {answer.entry} says"
    yield from map(observations.of_directive, answer.observed)
    if answer.unobserved and not answer.drill:
        yield f"  no one has watched: {', '.join(answer.unobserved)}"


def _watch(name: str, as_json: bool) -> None:
    """Follow a directive until an entry says that it is in force everywhere.

    Raises: CommandRefused: it is lifted, so it will not be.
    """
    shown: DirectiveStatus | None = None
    known: dict[str, str] = {}
    while True:
        answer = Client().do(acts.STATUS, DirectiveArgument(directive=name))
        if as_json and answer != shown:
            typer.echo(json.dumps(answer.to_json(), ensure_ascii=False))
        lines = _lines(answer)
        for key, line in lines.items():
            if not as_json and known.get(key) != line:
                typer.echo(visible(line))
        shown, known = answer, lines
        if answer.in_force and answer.entry is not None:
            return
        if answer.lifted:
            raise CommandRefused(f"the directive {name!r} has been lifted", code="directive_lifted")
        time.sleep(WATCH_EVERY_S)


def _lines(answer: DirectiveStatus) -> dict[str, str]:
    """What `--watch` shows, by the gateway or point that it is about."""
    return {
        **{
            f"run {row.gateway} {row.incarnation}": _at_gateway(row, is_drill=answer.drill)
            for row in answer.gateways
        },
        **{f"point {row.point}": _at_point(row) for row in answer.points},
        "": f"{answer.directive}: {_word(answer)}",
    }


def _word(answer: DirectiveStatus) -> str:
    if answer.lifted:
        return "over" if answer.drill else "lifted"
    stands = "acknowledged" if answer.drill else "in force"
    return f"{stands} everywhere" if answer.in_force else f"not yet {stands} everywhere"


def _at_point(row: StateAtPoint) -> str:
    return f"point {row.point} on {row.surface}, which others run: {row.state}{_at(row.at_ms)}"


def _at_gateway(row: StateAtGateway, *, is_drill: bool) -> str:
    was_cut = "would have been cut" if is_drill else "cut"
    cut = f", {counted(row.streams_cut, 'stream')} {was_cut}" if row.streams_cut else ""
    return f"{row.gateway} {row.incarnation[:8]} on {row.surface}: {_state(row)}{_at(row.at_ms)}{cut}"


def _at(at_ms: int | None) -> str:
    return "" if at_ms is None else f" at {wording.moment(at_ms)}"


def _state(row: StateAtGateway) -> str:
    state = row.state.replace("_", " ")
    return f"{state}, another {_DRIFTS[row.drifted]}" if row.drifted else state


_DRIFTS = {"root": "log", "fold": "version"}


def _directives(found: Directives) -> list[list[str]]:
    return [
        [
            each.directive,
            each.issuer + (", transcribed" if each.transcribed and not each.confirmed else ""),
            each.basis.kind,
            ", ".join(each.models),
            covered(each.covers),
            _stands(each),
            wording.moment(each.issued_at_ms),
        ]
        for each in found.directives
    ]


def _stands(found: DirectiveSummary) -> str:
    if found.drill:
        return f"drill, {found.ended or 'running'}"
    return (found.ended or "in force") + wording.written_for(found.lift_transcribed_for)


COLUMNS = ("directive", "issuer", "basis", "models", "covers", "state", "issued")
LISTED = Columns(COLUMNS, _directives, "No directive on the record.")
listed = listing(acts.LIST, LISTED, in_force="--in-force")
