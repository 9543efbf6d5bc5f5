"""Checking, with only the record, that a directive came into force everywhere.

Rules:
- A signed row must verify with the key that it shows, must be from the run that it names, and must reach the
  directive.
- Rows that cannot be proven are counted separately: runs that do not sign, runs that were counted out, and
  points.
- The record does not prove that a key belongs to a run of a gateway: the control plane registered it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from sluicegate_record.errors import BadProof, SluicegateError
from sluicegate_record.log import acknowledgement
from sluicegate_record.log.acknowledgement import Acknowledgement, SignedQuestion


@dataclass(frozen=True, slots=True)
class Proven:
    """How many runs of gateways signed that they reached it, only said so, or were counted out.

    `stated` counts the points that said on the record that they enforce it.
    """

    signed: int
    unsigned: int
    counted_out: int
    stated: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether signatures of gateways prove all of it; where there is no row, they prove nothing."""
        return self.signed > 0 and not self.unsigned and not self.counted_out and not self.stated

    def __str__(self) -> str:
        said = f"{self.signed} signed, {self.unsigned} unsigned, {self.counted_out} counted out"
        return f"{said}, {self.stated} stated by points" if self.stated else said


def in_force(parts: Sequence[Mapping[str, Any]], root_of: Callable[[int], bytes] | None = None) -> Proven:
    """Check the public parts of all the `directive.in_force` entries of one directive's version.

    `root_of` gives the log's root at a size, 32 bytes; without it no roots are compared.
    Raises: BadProof: a part is missing, does not fit, or holds a row that does not prove what it says.
    """
    try:
        return _checked(parts, root_of)
    except BadProof:
        raise
    except (SluicegateError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadProof(f"an entry that proves nothing: {error}") from error


class _Common(NamedTuple):
    """The fields that are the same in all parts of an entry."""

    directive: str
    size: int
    at: str
    timeToZeroMs: int  # noqa: N815 - the entry's name
    acknowledged: int
    countedOut: int  # noqa: N815 - likewise
    stated: int | None
    streamsCut: int  # noqa: N815 - likewise
    of: int


class _Row(NamedTuple):
    """What a run of a gateway has reached, as the entry says.

    `ask` and `sig` are None if the run does not sign.
    """

    gateway: str
    incarnation: str
    key: str | None
    state: str
    size: int
    ask: Any
    sig: Any


_common = itemgetter(*_Common._fields)
_row = itemgetter(*_Row._fields)
_place = itemgetter("part", "gateways")


def _checked(parts: Sequence[Mapping[str, Any]], root_of: Callable[[int], bytes] | None) -> Proven:
    places = [_place(part) for part in parts]
    if [number for number, _ in places] != list(range(1, len(parts) + 1)) or not parts:
        raise BadProof(f"{len(parts)} parts out of their order, expected part 1 and those that follow")
    first, *others = (_Common(*_common(part)) for part in parts)
    if first.of != len(parts) or any(other != first for other in others):
        raise BadProof(f"{len(parts)} parts that do not belong together, expected {first.of}")
    if first.size < 1:
        raise BadProof(f"size {first.size}, expected that of the directive")
    rows = [_Row(*_row(row)) for _, gateways in places for row in gateways]
    if len({(row.gateway, row.incarnation) for row in rows}) != len(rows):
        raise BadProof("a run of a gateway twice, expected once")
    kinds = [_kind(row, first.size, root_of) for row in rows]
    points = {(point["point"], point["seq"]) for part in parts for point in part.get("points") or ()}
    found = Proven(kinds.count("signed"), kinds.count("unsigned"), kinds.count("counted_out"), len(points))
    if (found.signed + found.unsigned, found.counted_out) != (first.acknowledged, first.countedOut):
        raise BadProof(f"{len(rows)} rows, expected as many as the entry counts")
    if found.stated != (first.stated or 0):
        raise BadProof(f"{found.stated} stated by points, expected {first.stated} as the entry counts")
    return found


def _kind(row: _Row, size: int, root_of: Callable[[int], bytes] | None) -> str:
    who = f"{row.gateway}/{row.incarnation}"
    if row.state == "counted_out":
        return "counted_out"
    if row.state != "acknowledged" or row.size < size:
        raise BadProof(f"{who} has not acknowledged size {size}")
    if row.ask is None:
        return "unsigned"
    ask = SignedQuestion.from_json(row.ask)
    acknowledgement.check(Acknowledgement(ask, row.sig))
    if ask.run != (row.gateway, row.incarnation, row.key) or ask.after < size:
        raise BadProof(f"what {who} signed is not what its row says")
    if root_of is not None and root_of(ask.after).hex() != ask.root:
        raise BadProof(f"{who} acknowledged another log: its root of size {ask.after} differs")
    return "signed"
