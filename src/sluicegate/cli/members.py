"""`member …`, `person …`: who an organization's people are, and what each person says.

Identifiers become digests here: the control plane never gets a user name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.cli.files import read_bytes, read_text
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.cli.wording import words
from sluicegate.client.http import Client
from sluicegate.core.people import members, persons
from sluicegate.errors import InvalidInput, WrongUsage
from sluicegate_record.directives.status import STATUSES
from sluicegate_record.terms.text import counted

Grant = Annotated[str, typer.Option("--grant", help="A grant of the organization.", show_default=False)]
Member = Annotated[str, typer.Argument(help="The member, such as mem_….", show_default=False)]
_STATUSES = " | ".join(STATUSES)
_WANTED_STATUS = typer.Option("--status", help=_STATUSES, show_default=False)
Status = Annotated[str | None, _WANTED_STATUS]
Method = Annotated[
    str | None,
    typer.Option("--method", help="How it is known: document-seen, i-9, …", show_default=False),
]
Assured = Annotated[
    str | None, typer.Option("--assurance", help=" | ".join(members.ASSURANCES), show_default=False)
]
Until = Annotated[
    str | None, typer.Option("--until", help="When the claim ends, such as 2027-01-31.", show_default=False)
]


def add(
    grant: Grant,
    identifier: Annotated[
        list[str], typer.Option("--identifier", help="How requests name the person.", show_default=False)
    ],
    member: Annotated[
        str | None, typer.Option("--member", help="A member who is already registered.", show_default=False)
    ] = None,
    status: Status = None,
    method: Method = None,
    assurance: Assured = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Register a member, or another identifier of one, and claim their status if one is given."""
    row: dict[str, Any] = {"identifiers": [_digest(each) for each in identifier], "member": member}
    row |= _said(status, method, assurance, until)
    answer = Client().post(f"/api/v1/grants/{grant}/members", {"rows": [row]})
    emit(answer, as_json, f"member {answer['members'][0]} at size {answer['size']}")


def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file.", show_default=False)],
    grant: Grant,
    update: Annotated[
        bool, typer.Option("--update", help="Rows may be about members who are registered.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Register the members of a CSV file: identifier, and perhaps status, method, assurance, until."""
    rows = [_row(row) for row in members.read(read_bytes(file), str(file))]
    client, found, added, size = Client(), list[str](), 0, 0
    for part in _parts(rows):
        body = {"rows": part, "update": update}
        answer = client.post(f"/api/v1/grants/{grant}/members", body)
        size, added = answer["size"], added + answer["added"]
        found += answer["members"]
    text = f"{counted(len(found), 'member')}, {added} of them new, at size {size}"
    emit({"members": found, "added": added, "size": size}, as_json, text)


def listed(
    grant: Grant,
    identifier: Annotated[
        str | None,
        typer.Option("--identifier", help="Only the member with this identifier.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """List an organization's members and what it claims about them. 'disputed': the person says otherwise."""
    query = {"identifier": _digest(identifier)} if identifier is not None else {}
    answer = Client().get(f"/api/v1/grants/{grant}/members", **query)
    columns = ["member", "issuer", "status", "method", "assurance", "until", "disputed"]
    rows = [cells for member in answer["members"] for cells in _cells(member)]
    emit(answer, as_json, table("", columns, rows, "No such member."))


def claim(
    member: Member,
    status: Status = None,
    method: Method = None,
    assurance: Assured = None,
    until: Until = None,
    provider: Annotated[
        str | None, typer.Option("--provider", help="Who signed the assertion.", show_default=False)
    ] = None,
    assertion: Annotated[
        Path | None, typer.Option("--assertion", help="A file with an assertion.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Claim a member's status for your organization, or with an assertion of your provider."""
    if (status is None) == (assertion is None) or (provider is None) != (assertion is None):
        raise WrongUsage("expected --status, or --assertion and --provider")
    said = _said(status, method, assurance, until)
    if assertion is not None:
        said |= {"assertion": read_text(assertion).strip(), "provider": provider}
    answer = Client().post(f"/api/v1/members/{member}/claim", said)
    emit(answer, as_json, f"{answer['member']}: {words(answer['status'])} at size {answer['size']}")


def revoke(
    member: Member,
    provider: Annotated[
        str | None, typer.Option("--provider", help="What this provider claims.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Take back the claim of your organization, or of its provider, about a member."""
    answer = Client().post(f"/api/v1/members/{member}/revoke", {"provider": provider})
    emit(answer, as_json, f"the claim about {answer['member']} is taken back at size {answer['size']}")


def remove(
    member: Annotated[list[str], typer.Argument(help="Members, such as mem_….", show_default=False)],
    grant: Grant,
    as_json: Json = False,
) -> None:
    """Remove members. The keys bound to them are revoked."""
    answer = Client().post(f"/api/v1/grants/{grant}/members/remove", {"members": member})
    gone, keys = counted(len(answer["removed"]), "member"), counted(len(answer["revoked"]), "key")
    emit(answer, as_json, f"{gone} removed, {keys} revoked with them, at size {answer['size']}")


def link(member: Member, as_json: Json = False) -> None:
    """Make a private link where a member sees and corrects their own status. The link before it ends."""
    client = Client()
    answer = client.post(f"/api/v1/members/{member}/link")
    answer["link"] = f"{client.url}/person#{answer['token']}"
    emit(answer, as_json, f"for {answer['member']} only, shown only now:\n  {answer['link']}")


# The person: SLUICEGATE_TOKEN is the part of the link after '#'


def person_show(as_json: Json = False) -> None:
    """Show everything that is claimed about your own status. The token is the link's part after '#'."""
    answer = Client().get("/api/v1/person")
    columns = ["issuer", "status", "method", "assurance", "until"]
    rows = [[_shown(found[name]) for name in columns] for found in answer["claims"]]
    title = f"{answer['member']}, a member of {answer['organization']}"
    emit(answer, as_json, f"{title}\n{table('', columns, rows, 'There are no claims.')}")


def person_correct(
    status: Status = None,
    take_back: Annotated[bool, typer.Option("--take-back", help="Take back what you said.")] = False,
    as_json: Json = False,
) -> None:
    """Say what your status is. If others disagree, it is unknown until your organization settles it."""
    if (status is None) != take_back:
        raise WrongUsage("expected one of --status and --take-back")
    answer = Client().post("/api/v1/person/claim", {"status": status})
    said = "you took back what you said" if status is None else f"you said: {words(status)}"
    emit(answer, as_json, f"{said}, at size {answer['size']}")


def _digest(identifier: str) -> str:
    if not 1 <= len(identifier) <= persons.IDENTIFIER_MAX:
        most = persons.IDENTIFIER_MAX
        raise InvalidInput(f"an identifier of {len(identifier)} characters, expected 1 to {most}")
    return persons.identifier(identifier).hex()


def _said(status: str | None, method: str | None, assurance: str | None, until: str | None) -> dict[str, Any]:
    stated = {"status": status, "method": method, "assurance": assurance, "until": until}
    return {name: value for name, value in stated.items() if value is not None}


def _row(row: Mapping[str, str]) -> dict[str, Any]:
    said = {name: value for name, value in row.items() if name != "identifier"}
    return {"identifiers": [_digest(row["identifier"])], **said}


def _parts(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    """Rows in small steps: while one step is decided, no gateway gets an answer."""
    for at in range(0, len(rows), members.PART_ROWS):
        yield rows[at : at + members.PART_ROWS]


def _cells(member: Mapping[str, Any]) -> Iterator[list[Any]]:
    disputed = "yes" if member["disputed"] else ""
    columns = ("issuer", "status", "method", "assurance", "until")
    for found in member["claims"] or [dict.fromkeys(columns)]:
        yield [member["member"], *(found[name] for name in columns), disputed]


def _shown(value: str | None) -> str:
    return "" if value is None else value
