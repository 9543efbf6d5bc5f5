"""The law of enforcement points. The record holds no point: whose key a point has, only its writer knows."""

from __future__ import annotations

from sluicegate_record.entries import Body, fleet
from sluicegate_record.law.rule import (
    At,
    LawRule,
    is_named_by_its_digest,
    of_the_record,
    require,
    same,
    signed_by,
)
from sluicegate_record.log import publickey
from sluicegate_record.statements.points import Enforcement, Pointing

_SAYS = {fleet.PointDeclared: "declared", fleet.PointRetired: "retired"}


@of_the_record
def is_pointed_out(at: At, body: fleet.PointSet) -> None:
    """An officer signed that a point is declared or retired, for this log."""
    signed = Pointing.read(body.envelope)
    stated = (at.log, body.public_key, publickey.keyid(signed.key), _SAYS[type(body)])
    require(stated == (signed.log, signed.key, body.keyid, signed.says), "a point that was signed otherwise")
    same(body, signed, "point surface", "a point that was signed otherwise")
    signed_by(at, body.envelope, at.keys.developer, [body.owner], "a point that no officer signed")


@of_the_record
def is_as_stated(at: At, body: fleet.PointStated) -> None:
    """What a point says is about the newest document of a directive, and as it was signed for this log."""
    signed, found = Enforcement.read(body.envelope), at.directive(body.directive)
    stated = (at.log, found.document.digest, found.size)
    require(stated == (signed.log, signed.document, body.size), "a statement about another document")
    same(body, signed, "point directive says at_ms", "a statement of a point that was signed otherwise")
    is_over = found.ended is not None and body.says == "enforced"
    require(not is_over, "a point that enforces a directive that has ended")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    fleet.PointDeclared: (is_pointed_out, is_named_by_its_digest),
    fleet.PointRetired: (is_pointed_out, is_named_by_its_digest),
    fleet.PointStated: (is_as_stated, is_named_by_its_digest),
}
