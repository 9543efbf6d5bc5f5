"""`member …`, `person …`: who an organization's people are, and what each person says.

Identifiers become digests here: the control plane never gets a user name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import members as acts
from sluicegate.acts import person as own_acts
from sluicegate.acts.members import (
    ClaimView,
    MemberArgument,
    MemberList,
    MemberRow,
    MemberRows,
    MembersEnd,
    MemberView,
)
from sluicegate.acts.person import OwnClaim, PersonView
from sluicegate.cli.acting import Given, acting, argument, helped, option
from sluicegate.cli.files import read_bytes, read_text
from sluicegate.cli.listing import Columns, listing
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, emit, log_now, tell
from sluicegate.cli.tables import table
from sluicegate.cli.wording import words
from sluicegate.client.http import Client
from sluicegate.core.people import members, persons
from sluicegate.errors import InvalidInput, WrongUsage
from sluicegate_record.form import replace
from sluicegate_record.log import times
from sluicegate_record.terms.text import counted

Grant = Annotated[str, option(MemberRows, "grant")]
Status = Annotated[str | None, option(MemberRow, "status")]


def add(
    grant: Grant,
    identifier: Annotated[list[str], option(MemberRow, "identifiers")],
    member: Annotated[str | None, option(MemberRow, "member")] = None,
    status: Status = None,
    method: Annotated[str | None, option(MemberRow, "method")] = None,
    assurance: Annotated[str | None, option(MemberRow, "assurance")] = None,
    until: Annotated[str | None, option(MemberRow, "until")] = None,
    as_json: Json = False,
) -> None:
    """Register a member, or another identifier of one, and claim their status if one is given."""
    row = MemberRow(
        identifiers=tuple(map(_digest, identifier)),
        member=member,
        status=status,
        method=method,
        assurance=assurance,
        until=until,
    )
    done = Client().do(acts.REGISTER, MemberRows(grant=grant, rows=(row,)))
    tell(done, as_json, f"the member {done.members[0]} is registered")


def import_(
    file: Annotated[Path, word("A CSV file.")],
    grant: Grant,
    update: Annotated[bool, option(MemberRows, "update", "--update")] = False,
    as_json: Json = False,
) -> None:
    """Register the members of a CSV file: identifier, and perhaps status, method, assurance, until.

    A long file is registered in parts. If one of them would be refused, no one is registered.
    """
    rows = [_row(row) for row in members.read(read_bytes(file), str(file))]
    client, found, added, size = Client(), list[str](), 0, 0
    parts = list(_parts(grant, rows, update=update))
    for part in parts[1:]:
        client.do(acts.REGISTER, replace(part, check=True))
    for part in parts:
        done = client.do(acts.REGISTER, part)
        size, added = done.size, added + done.added
        found += done.members
    text = f"{counted(len(found), 'member')}, {added} of them new; {log_now(size)}"
    emit({"members": found, "added": added, "size": size}, as_json, text)


def _parts(grant: str, rows: Sequence[MemberRow], *, update: bool) -> Iterator[MemberRows]:
    """The rows of a file, in several commands: while one is decided, no gateway gets an answer."""
    for at in range(0, len(rows), members.PART_ROWS):
        part = tuple(rows[at : at + members.PART_ROWS])
        yield MemberRows(grant=grant, rows=part, update=update)


@helped(acts.LINK)
def link(member: Annotated[str, argument(MemberArgument, "member")], as_json: Json = False) -> None:
    client = Client()
    made = client.do(acts.LINK, MemberArgument(member=member))
    url = f"{client.url}/person#{made.token}"
    tell(made, as_json, f"for {made.member} only, shown only now:\n  {url}", link=url)


def _person(shown: PersonView) -> str:
    rows = [_cells(each) for each in shown.claims]
    title = f"{shown.member}, a member of {shown.organization}"
    return f"{title}\n{table('', _CLAIM, rows, 'There are no claims.')}"


@helped(own_acts.CLAIM)
def person_correct(
    status: Status = None,
    take_back: Annotated[bool, typer.Option("--take-back", help="Take back what you said.")] = False,
    as_json: Json = False,
) -> None:
    if (status is None) != take_back:
        raise WrongUsage("expected one of --status and --take-back")
    done = Client().do(own_acts.CLAIM, OwnClaim(status=status))
    said = "you took back what you said" if status is None else f"you said: {words(status)}"
    tell(done, as_json, f"{said}")


def _digest(identifier: str) -> bytes:
    if not 1 <= len(identifier) <= persons.IDENTIFIER_MAX:
        most = persons.IDENTIFIER_MAX
        raise InvalidInput(f"an identifier of {len(identifier)} characters, expected 1 to {most}")
    return persons.identifier(identifier)


def _row(row: Mapping[str, str]) -> MemberRow:
    """A row of a CSV file."""
    return MemberRow(
        identifiers=(_digest(row["identifier"]),),
        status=row.get("status"),
        method=row.get("method"),
        assurance=row.get("assurance"),
        until=row.get("until"),
    )


_CLAIM = ("issuer", "status", "method", "assurance", "until")
"""The columns of a claim."""


def _rows(member: MemberView, name: str) -> Iterator[list[str | None]]:
    """The rows of a table about a member, one for each claim."""
    disputed = "yes" if member.disputed else ""
    for cells in map(_cells, member.claims or [None]):
        yield [member.member, name, *cells, disputed]


def _cells(claim: ClaimView | None) -> list[str | None]:
    if claim is None:
        return [None] * len(_CLAIM)
    until = times.format_time(claim.until_ms) if claim.until_ms is not None else None
    return [claim.issuer, claim.status, claim.method, claim.assurance, until]


def _members(found: MemberList, names: Path | None) -> list[list[str | None]]:
    """The rows of all members. Only the list of names knows who they are: it stays on this machine."""
    listed = members.read(read_bytes(names), str(names)) if names is not None else []
    known = {_digest(row["identifier"]): row["identifier"] for row in listed}
    called = {
        each.member: next((known[digest] for digest in each.identifiers if digest in known), "")
        for each in found.members
    }
    return [cells for each in found.members for cells in _rows(each, called[each.member])]


_NAMES = Annotated[
    Path | None,
    value(
        "--names", "A CSV file of identifiers, as for 'sluicegate member import': shows who each member is."
    ),
]


def _removed(done: MembersEnd) -> str:
    gone, keys = counted(len(done.removed), "member"), counted(len(done.revoked), "key")
    return f"{gone} removed, {keys} revoked with them"


listed = listing(
    acts.LIST,
    Columns(
        ("member", "name", *_CLAIM, "disputed"),
        _members,
        "No such member.",
        Parameter("names", Parameter.KEYWORD_ONLY, default=None, annotation=_NAMES),
    ),
    grant="--grant",
    identifier=Given("--identifier", str, lambda text: {"identifier": _digest(text)}),
)
claim = acting(
    acts.CLAIM,
    lambda done: f"{done.member}: {words(done.status)}",
    assertion=Given("--assertion", Path, lambda path: {"assertion": read_text(path).strip()}),
)
revoke = acting(acts.REVOKE, lambda done: f"the claim about {done.member} is taken back")
remove = acting(
    acts.REMOVE,
    _removed,
    first=lambda _, asked: (
        f"{counted(len(asked.members), 'member')} of {asked.grant} will be forgotten, and their keys revoked"
    ),
    grant="--grant",
    members="member",
)
person_show = acting(own_acts.SHOW, _person)
