"""`case`, `report`: see cases, and count them."""

from __future__ import annotations

import csv
import io
from enum import StrEnum
from typing import Annotated, Any

import typer

from sluicegate.cli import wording
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate_record.terms import kinds

Case = Annotated[str, typer.Argument(help="The case, such as case_6n3v….", show_default=False)]


def show(case: Case, as_json: Json = False) -> None:
    """Show a case: its state, clocks and positions, the agencies it waits for, and the grant."""
    answer = Client().get(f"/api/v1/cases/{case}")
    emit(answer, as_json, wording.case(answer))


def listed(
    kind: Annotated[str | None, typer.Option("--kind", help=" | ".join(kinds.KINDS))] = None,
    state: Annotated[
        str | None, typer.Option("--state", help=" | ".join((*kinds.STATES, *kinds.OUTCOMES)))
    ] = None,
    awaiting: Annotated[
        str | None, typer.Option("--awaiting", help="An agency, the developer, or 'applicant'.")
    ] = None,
    organization: Annotated[str | None, typer.Option("--organization", help="Part of a legal name.")] = None,
    before: Annotated[str | None, typer.Option("--before", help="The last case of the page before.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 50,
    as_json: Json = False,
) -> None:
    """List the cases you may see, newest first."""
    asked = {
        "kind": kind,
        "state": state.replace(" ", "_") if state else None,
        "awaiting": awaiting,
        "organization": organization,
        "before": before,
        "limit": limit,
    }
    wanted = {name: value for name, value in asked.items() if value}
    found = Client().get("/api/v1/cases", **wanted)
    rows = [
        [
            case["case"],
            case["kind"],
            case["directive"] or f"{case['release']}/{case['stage']}",
            case["surface"],
            case["organization"],
            case["determination"] or wording.words(case["state"]),
            ", ".join(case["awaiting"]),
            wording.minute(case["nextDue"]),
        ]
        for case in found["cases"]
    ]
    columns = ["case", "kind", "about", "surface", "organization", "state", "awaiting", "next due"]
    empty = "No case that you may see matches." if wanted.keys() != {"limit"} else "No case yet."
    text = table(f"log size {found['size']}", columns, rows, empty)
    more = f"\n  more: sluicegate case list --before {found['next']}" if found["next"] else ""
    emit(found, as_json, text + more)


class Format(StrEnum):
    """The format of a report."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def report(
    release: Annotated[str | None, typer.Option("--release", help="Only this release.")] = None,
    shape: Annotated[Format, typer.Option("--format", help="table, json or csv.")] = Format.TABLE,
    as_json: Json = False,
) -> None:
    """Count cases; days per agency and in total; who the cases waited for; what delayed a release."""
    found = Client().get("/api/v1/reports/cases", **({"release": release} if release else {}))
    if as_json or shape is Format.JSON:
        emit(found, True, "")
    elif shape is Format.CSV:
        typer.echo(_csv(found), nl=False)
    else:
        typer.echo("\n\n".join(_sections(found)))


_SECTIONS = {
    "counts": ("Cases", ["kind", "state", "cases"]),
    "agencies": ("Days until an agency's position", ["agency", "cases", "mean", "median"]),
    "overall": ("Days from opening to determination", ["kind", "cases", "mean", "median"]),
    "waiting": ("Days of waiting", ["for", "cases", "days", "mean"]),
    "requirements": ("Delay by requirement", ["release", "stage", "requirement", "met", "days"]),
}


def _sections(found: dict[str, Any]) -> list[str]:
    return [
        table(
            title,
            columns,
            [[row[column] for column in columns] for row in found[name]],
            f"{title}: nothing yet.",
        )
        for name, (title, columns) in _SECTIONS.items()
    ]


def _csv(found: dict[str, Any]) -> str:
    """One row for each figure: section, what it is about, its name, its value."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["section", "of", "figure", "value"])
    for name, (_, columns) in _SECTIONS.items():
        for row in found[name]:
            of = "/".join(str(row[column]) for column in columns if isinstance(row[column], str))
            for column in columns:
                if not isinstance(row[column], str):
                    writer.writerow([name, of, column, row[column]])
    return written.getvalue()
