"""Declared enforcement points: surfaces that have none of our gateways, such as a cloud's catalogue.

Rules:
- An officer declares a point, with the point's own key, and retires it. A name is used only once.
- A point itself says, with its own key, that it enforces a directive or has restored access. Its statement is
  about the exact document in force, and later than its statement before.
- No one can count a point out: it has said that it enforces the directive, or it has not.
"""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.points import KnownEnforcement, KnownPoint
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import other_log, signer_for
from sluicegate.core.lifecycle.rows import Point, PointStatement
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entries import Draft
from sluicegate_record.entries.fleet import PointDeclared, PointRetired, PointStated
from sluicegate_record.log import dsse, publickey, times
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements.points import Enforcement, Pointing

AHEAD_MS = 300_000
"""How far a point's clock may be ahead of the log's."""


@dataclass(frozen=True, slots=True)
class SetPoint(SignedCommand):
    """Declare or retire a point by an officer's signed statement."""


@dataclass(frozen=True, slots=True)
class StatePoint(SignedCommand):
    """Put on the record what a point says of a directive, signed with its own key."""


def set_point(state: State, command: SetPoint, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `SetPoint`. The same statement again changes nothing."""
    said = Pointing.read(command.envelope)
    if said.log != state.log:
        return other_log()
    key = signer_for(state, command.envelope, state.developer)
    if isinstance(key, Refusal):
        return key
    known = state.points.get(said.point)
    refusal = _not_to_set(state, said, known)
    if refusal is not None:
        return refusal
    result = KnownPoint(point=said.point, surface=said.surface, state=said.says)
    if known is not None and known.retired is (said.says == "retired"):
        return Acceptance([], result)
    kind = PointDeclared if said.says == "declared" else PointRetired
    body = kind(
        point=said.point,
        surface=said.surface,
        keyid=publickey.keyid(said.key),
        public_key=said.key,
        owner=key.owner,
        digest=command.envelope.digest,
        envelope=command.envelope,
    )
    return Acceptance([Draft(said.point, body)], result)


def _not_to_set(state: State, said: Pointing, known: Point | None) -> Refusal | None:
    """Why a point may not be declared or retired; None if it may."""
    if known is not None:
        is_it = (known.surface, known.public) == (said.surface, said.key)
        if is_it and (said.says == "retired" or not known.retired):
            return None
        text = f"the point {said.point!r} is on the record, with another key or surface or retired"
        return Refusal("conflict", "name_taken", text, "choose another name; a name is used once")
    if said.says == "retired":
        return point_unknown(said.point)
    if publickey.keyid(said.key) in state.keys:
        text = "the key of a party, expected one that the point alone holds"
        return Refusal("conflict", "key_of_a_party", text, "'sluicegate keys generate -o FILE' makes a key")
    if all(said.surface not in release.plan.spec.surfaces for release in state.releases.values()):
        text = f"no release is offered on a surface {said.surface!r}"
        return Refusal("unknown", "surface_unknown", text, "check its spelling; apply the plan that names it")
    return None


def state_point(state: State, command: StatePoint, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `StatePoint`. The same statement again changes nothing."""
    said = Enforcement.read(command.envelope)
    if said.log != state.log:
        return other_log()
    placed = point_and_directive(state, said.point, said.directive)
    if isinstance(placed, Refusal):
        return placed
    point, issued = placed
    at_ms, known = said.at_ms, point.stated.get(issued.name)
    result = KnownEnforcement(point=point.name, directive=issued.name, says=said.says, at_ms=at_ms)
    refusal = _not_to_state(command, said, point, issued)
    if refusal is not None:
        return refusal
    if known is not None and (known.says, known.said_ms, known.of) == (said.says, at_ms, issued.size):
        return Acceptance([], result)
    refusal = _out_of_time(at_ms, known, now_ms)
    if refusal is not None:
        return refusal
    body = PointStated(
        point=point.name,
        directive=issued.name,
        size=issued.size,
        says=said.says,
        at_ms=at_ms,
        digest=command.envelope.digest,
        envelope=command.envelope,
    )
    return Acceptance([Draft(point.name, body)], result)


def _not_to_state(command: StatePoint, said: Enforcement, point: Point, issued: Directive) -> Refusal | None:
    signer = publickey.keyid(point.public)
    if signer not in dsse.verify(command.envelope, {signer: PublicKey(point.public)}):
        text = f"no valid signature by the key of the point {point.name!r}"
        return Refusal("unverified", "signature_invalid", text, "sign with the key it was declared with")
    if said.document != issued.document.digest:
        text = f"a statement about another document than the directive {issued.name!r} has now"
        return Refusal("conflict", "other_document", text, "ask for the statement again and sign that")
    if issued.ended is not None and said.says == "enforced":
        return Refusal("conflict", "directive_lifted", f"the directive {issued.name!r} has been lifted")
    return None


def _out_of_time(at_ms: int, known: PointStatement | None, now_ms: int) -> Refusal | None:
    if at_ms > now_ms + AHEAD_MS:
        text = f"a statement of {times.format_time(at_ms)}, which is still to come"
        return Refusal("conflict", "time_ahead", text, "set the clock of the machine that signs")
    if known is not None and at_ms <= known.said_ms:
        text = f"a statement no later than the one before it, of {times.format_time(known.said_ms)}"
        return Refusal("conflict", "statement_superseded", text, "sign what holds now, with the time of now")
    return None


def point_and_directive(state: State, point: str, directive: str) -> tuple[Point, Directive] | Refusal:
    """A point and a directive on its surface, or why the point may say nothing about the directive."""
    found, issued = state.points.get(point), state.directives.get(directive)
    if found is None:
        return point_unknown(point)
    if found.retired:
        return Refusal("conflict", "point_retired", f"the point {point!r} has been retired")
    if issued is None:
        return Refusal("unknown", "directive_unknown", f"no directive {directive[:80]!r}")
    if not is_of(found, issued):
        text = f"the directive {directive!r} is not for {found.surface!r}, the surface of {point!r}"
        return Refusal("conflict", "surface_not_covered", text)
    return found, issued


def point_unknown(name: str) -> Refusal:
    """The refusal for a point that is not declared."""
    return Refusal(
        "unknown", "point_unknown", f"no point {name[:80]!r}", "'sluicegate point list' shows them"
    )


def is_of(point: Point, issued: Directive) -> bool:
    """Whether a directive is for the surface of a point."""
    return issued.document.spec.is_about(point.surface)


def asked(state: State, issued: Directive) -> list[Point]:
    """The points, except the retired ones, that must enforce a directive."""
    return [point for point in state.points.values() if not point.retired and is_of(point, issued)]


def enforcing(point: Point, issued: Directive) -> PointStatement | None:
    """Where a point has said that it enforces the present version of a directive; None if it has not."""
    stated = point.stated.get(issued.name)
    return stated if stated and stated.says == "enforced" and stated.of == issued.size else None
