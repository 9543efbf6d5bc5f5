"""What an officer signs of a point where others enforce."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from sluicegate.acts import points
from sluicegate.acts.act import Arguments
from sluicegate.acts.fields import Identifier, SurfaceName
from sluicegate.acts.points import EnforcementToSign
from sluicegate.statements import words
from sluicegate.statements.kind import Making, StatementKind, UnsignedStatement, Wording, filled, head
from sluicegate_record.form import Base64, Note, form
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements.points import POINTINGS, Enforcement, Pointing


@form
class PointWord(Arguments):
    """Which point where others enforce is declared or retired, and its own key."""

    says: Annotated[str, Note(" | ".join(POINTINGS))]
    point: Identifier
    surface: SurfaceName
    key: Annotated[
        Base64,
        Note("The public key of the point, in base64; 'sluicegate point list' and its holder show it."),
    ]


def _pointing(making: Making) -> UnsignedStatement:
    return filled(Pointing, {"log": making.found}, making.said.to_json())


def _points(said: Pointing, _: Wording) -> Iterator[str]:
    yield f"The point {said.point} on the surface {said.surface}, where others enforce, is {said.says}."
    yield f"It signs with the key {PublicKey(said.key).keyid}."
    yield from words.fields(said.to_json(), {("point",), ("surface",), ("says",)})


def enforcement(asked: EnforcementToSign, says: str, at_ms: int) -> Enforcement:
    """What a point says of a directive with its own key. Units: `at_ms` milliseconds since 1970 UTC."""
    return Enforcement(
        log=asked.log,
        point=asked.point,
        directive=asked.directive,
        document=asked.document,
        says=says,
        at_ms=at_ms,
    )


POINT = StatementKind(
    name="point",
    title="Declare or retire a point where others enforce",
    kind=Pointing,
    asks=PointWord,
    look=head,
    make=_pointing,
    words=_points,
    act=points.PUT,
    after=lambda _: "/acts/point.list",
    command=lambda said: {
        "declared": f"sluicegate point declare {said.point} --surface {said.surface} --public point.pub "
        "--key officer.pem",
        "retired": f"sluicegate point retire {said.point} --key officer.pem",
    }[said.says],
)
