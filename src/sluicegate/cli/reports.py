"""`report`: what the casework adds up to."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, NamedTuple

import typer

from sluicegate.acts.reports import REPORT, CaseReport, ReportFilter
from sluicegate.cli.acting import helped, option
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.core import sheet


class Format(StrEnum):
    """The format of a report."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@helped(REPORT)
def report(
    release: Annotated[str | None, option(ReportFilter, "release")] = None,
    shape: Annotated[Format, typer.Option("--format", help="table, json or csv.")] = Format.TABLE,
    as_json: Json = False,
) -> None:
    found = Client().do(REPORT, ReportFilter(release=release or None))
    if as_json or shape is Format.JSON:
        emit(found.to_json(), True, "")
    elif shape is Format.CSV:
        typer.echo(_csv(_sections(found)), nl=False)
    else:
        shown = (
            table(each.title, each.columns, each.rows, f"{each.title}: nothing yet.")
            for each in _sections(found)
        )
        typer.echo("\n\n".join(shown))


class ReportPart(NamedTuple):
    """A part of a report: what it counts, its columns, and its rows."""

    name: str
    title: str
    columns: list[str]
    rows: list[list[Any]]


def _sections(found: CaseReport) -> list[ReportPart]:
    return [
        ReportPart(
            "counts",
            "Cases",
            ["kind", "state", "cases", "written down"],
            [[row.kind, row.state, row.cases, row.transcribed] for row in found.counts],
        ),
        ReportPart(
            "agencies",
            "Days until an agency's position",
            ["agency", "cases", "mean", "median"],
            [[row.agency, row.cases, row.mean, row.median] for row in found.agencies],
        ),
        ReportPart(
            "overall",
            "Days from opening to determination",
            ["kind", "cases", "mean", "median"],
            [[row.kind, row.cases, row.mean, row.median] for row in found.overall],
        ),
        ReportPart(
            "waiting",
            "Days of waiting",
            ["for", "cases", "days", "mean"],
            [[row.for_, row.cases, row.days, row.mean] for row in found.waiting],
        ),
        ReportPart(
            "cannotSign",
            "Agencies that cannot sign",
            ["case", "agency", "owners", "why"],
            [[row.case, row.agency, row.owners, row.why] for row in found.cannot_sign],
        ),
        ReportPart(
            "requirements",
            "Delay by requirement",
            ["release", "stage", "requirement", "met", "days"],
            [[row.release, row.stage, row.requirement, row.met, row.days] for row in found.requirements],
        ),
        ReportPart(
            "promises",
            "Promises",
            ["party", "made", "open", "kept", "late", "broken", "void"],
            [
                [row.party, row.made, row.open, row.kept, row.late, row.broken, row.void]
                for row in found.promises
            ],
        ),
    ]


def _csv(sections: list[ReportPart]) -> str:
    """One row for each figure: section, what it is about, its name, its value."""
    rows: list[list[object]] = [["section", "of", "figure", "value"]]
    for section in sections:
        for row in section.rows:
            of = "/".join(value for value in row if isinstance(value, str))
            for column, value in zip(section.columns, row, strict=True):
                if not isinstance(value, str):
                    rows.append([section.name, of, column, value])
    return sheet.written(rows)
