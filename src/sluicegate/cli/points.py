"""`point …`: surfaces where others enforce directives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sluicegate.acts import points as acts
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.points import PointAndDirective, PointFilter, Points, PointView
from sluicegate.cli.acting import argument, helped
from sluicegate.cli.files import read_text
from sluicegate.cli.listing import Columns, listing
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.errors import CommandRefused
from sluicegate.statements.points import POINT, PointWord, enforcement
from sluicegate_record.log import publickey, times

Name = Annotated[str, argument(PointAndDirective, "point")]
OfficersKey = Annotated[Path, value("--key", "An officer's private key.")]


def declare(
    name: Name,
    surface: Annotated[str, value("--surface", "The surface it serves, by its name in a plan.")],
    public: Annotated[Path, value("--public", "The point's public key.")],
    key: OfficersKey,
    as_json: Json = False,
) -> None:
    """Declare an enforcement point that has no gateway of ours.

    Directives on its surface wait for its statement.
    """
    own = publickey.load(read_text(public))
    done = signing.say(Client(), POINT, PointWord(says="declared", point=name, surface=surface, key=own), key)
    tell(done, as_json, f"{name} is declared for {surface}")


def retire(name: Name, key: OfficersKey, as_json: Json = False) -> None:
    """Retire a point: no directive waits for it any more. Its name cannot be used again."""
    client = Client()
    points = client.do(acts.LIST, PointFilter(point=name)).points
    found = next(iter(points), None)
    if found is None:
        raise CommandRefused(
            f"no point {name!r}", code="point_unknown", remedy="'sluicegate point list' shows them"
        )
    said = PointWord(says="retired", point=name, surface=found.surface, key=found.public_key)
    done = signing.say(client, POINT, said, key)
    tell(done, as_json, f"{name} is retired")


@helped(acts.STATE)
def state(
    name: Name,
    directive: Annotated[str, argument(PointAndDirective, "directive")],
    key: Annotated[Path, value("--key", "The point's private key.")],
    says: Annotated[
        Literal["enforced", "restored"],
        typer.Option("--says", help="That it enforces the directive, or has restored access."),
    ] = "enforced",
    as_json: Json = False,
) -> None:
    client = Client()
    asked = client.do(acts.TO_STATE, PointAndDirective(point=name, directive=directive))
    if (asked.point, asked.directive) != (name, directive):
        raise CommandRefused(f"the control plane answered about {asked.point!r} and {asked.directive!r}")
    said = enforcement(asked, says, signing.now_ms())
    done = client.do(acts.STATE, SignedStatement(envelope=signing.signed(said, signing.private_key(key))))
    at = times.format_time(done.at_ms)
    tell(done, as_json, f"{name} has {says} {directive} at {at}")


def _points(found: Points) -> list[list[str]]:
    return [
        [
            each.point,
            each.surface,
            each.state,
            each.owner,
            times.format_time(each.declared_at_ms),
            _said(each),
        ]
        for each in found.points
    ]


def _said(point: PointView) -> str:
    said = (f"{each.directive} {each.says} {times.format_time(each.at_ms)}" for each in point.stated)
    return ", ".join(said)


COLUMNS = ("point", "surface", "state", "declared by", "declared", "says")
listed = listing(acts.LIST, Columns(COLUMNS, _points, "No point is declared."))
