"""`early-access`: who held which model, from when to when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from sluicegate.acts.early_access import LIST, AccessStretch, EarlyAccess, EarlyAccessFilter
from sluicegate.cli import wording
from sluicegate.cli.acting import argument, helped, option
from sluicegate.cli.files import write_new
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, tell
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.core import sheet
from sluicegate_record.terms.text import counted

COLUMNS = (
    *(
        "organization",
        "staff",
        "how",
        "release",
        "stage",
        "surface",
        "model",
        "state",
        "inPart",
        "directives",
    ),
    *("from", "until", "under", "case", "terms", "basis", "askedBy", "askedOn", "purpose"),
)


@helped(LIST)
def early_access(
    of: Annotated[str, argument(EarlyAccessFilter, "of", metavar="RELEASE|MODEL")],
    since: Annotated[str | None, option(EarlyAccessFilter, "since", "--from")] = None,
    until: Annotated[str | None, option(EarlyAccessFilter, "until")] = None,
    file: Annotated[Path | None, value("--csv", "A new file for it.")] = None,
    as_json: Json = False,
) -> None:
    """Each row is a time in which nothing changed: the model was held, or a reason kept it back.

    In the file, a cell that a spreadsheet would compute begins with an apostrophe.
    """
    found = Client().do(LIST, EarlyAccessFilter(of=of, since=since, until=until))
    if file is None:
        tell(found, as_json, _shown(found))
        return
    write_new(file, sheet.written([COLUMNS, *_rows(found)]))
    text = f"{counted(len(found.stretches), 'row')} in {file}{_cut(found)}"
    tell(found, as_json, text, file=str(file))


def _rows(found: EarlyAccess) -> Iterator[list[str]]:
    for each in found.stretches:
        basis = each.basis
        yield [
            each.organization or "",
            "" if each.staff is None else str(each.staff).lower(),
            *(each.how, each.release, each.stage, each.surface, each.model, each.state),
            *(str(each.in_part).lower(), " ".join(each.directives)),
            *(wording.moment(each.from_ms), wording.moment(each.until_ms)),
            *(each.under, each.case or "", each.terms),
            *(("", "", "") if basis is None else (basis.kind, " ".join(basis.asked_by), basis.asked_on)),
            each.purpose or "",
        ]


def _shown(found: EarlyAccess) -> str:
    columns = ["organization", "how", "stage", "surface", "model", "state", "from", "until", "purpose"]
    rows = [
        [
            each.organization or f"({each.under})",
            "staff" if each.staff else each.how,
            f"{each.release}/{each.stage}",
            each.surface,
            each.model,
            _state(each),
            wording.minute(each.from_ms),
            wording.minute(each.until_ms),
            each.purpose,
        ]
        for each in found.stretches
    ]
    held = counted(found.organizations, "organization")
    title = f"{held} held it ({wording.log_of(found.size)})"
    return table(title, columns, rows, f"{title}: nothing that you may see.") + _cut(found)


def _state(each: AccessStretch) -> str:
    part = ", in part" if each.in_part else ""
    return wording.words(each.state) + (f" ({', '.join(each.directives)}{part})" if each.directives else "")


def _cut(found: EarlyAccess) -> str:
    return "\n  there is more: ask for a shorter time, or for one model" if found.cut else ""
