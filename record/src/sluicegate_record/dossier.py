"""A dossier in a file: signed by the log's key, and compared with the entries that it names.

Rules:
- The log's key must have signed it, and each entry beside it must be in the log of the signed head.
- What it says of the grant, of positions, evidence and directives must be what those entries say.
- The rest is the control plane's word: it is said so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluicegate_record import excerpt
from sluicegate_record.errors import InvalidInput, VerificationFailed
from sluicegate_record.excerpt import Excerpt
from sluicegate_record.form import Json
from sluicegate_record.log import checkpoint, dsse, merkle, times
from sluicegate_record.log.checkpoint import Verifier
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Leaf
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements.dossiers import DossierGrant, DossierStatement
from sluicegate_record.terms.text import counted, shown

GIVING = frozenset({"grant.approved", "grant.amended", "grant.moved"})
"""The types of entries that say under what a grant is."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A dossier that was verified, with the entries beside it."""

    said: DossierStatement
    excerpt: Excerpt


def read(path: Path, verifier: Verifier) -> Dossier:
    """Verify the dossier in a file. Raises: InvalidInput, VerificationFailed, BadEnvelope."""
    return verify(excerpt.load(path), verifier)


def verify(value: Json, verifier: Verifier) -> Dossier:
    """Verify a dossier: `dossier`, an envelope, beside an excerpt.

    Raises: InvalidInput: not such an object. BadEnvelope: not a dossier. VerificationFailed: the log's key
            did not sign it, an entry is not in the log, or it says something else than its entries.
    """
    if not isinstance(value, Mapping) or "dossier" not in value:
        raise InvalidInput("not a dossier: an object with 'dossier', 'checkpoint' and 'entries' expected")
    envelope = Envelope.from_json(value["dossier"])
    key = PublicKey(verifier.public)
    if not dsse.verify(envelope, {key.keyid: key}):
        raise VerificationFailed("the key of the log did not sign this dossier")
    said = DossierStatement.read(envelope)
    if said.log != checkpoint.vkey(verifier.name, verifier.public):
        raise VerificationFailed(f"a dossier of the log {said.log[:80]!r}, expected {verifier.name!r}")
    found = excerpt.verify(value, verifier)
    _compare(said, found)
    return Dossier(said, found)


def _compare(said: DossierStatement, found: Excerpt) -> None:
    """Compare what a dossier says with its entries. Raises: VerificationFailed."""
    leaves = {each.seq: each for each in found.entries}
    hashes = {seq: merkle.leaf_hash(each.to_bytes()).hex() for seq, each in leaves.items()}
    if {each.seq: each.leaf for each in said.entries} != hashes:
        raise VerificationFailed("the entries beside the dossier are not those that it names")
    for position in said.positions:
        public = _public(leaves, position.seq, "position.recorded")
        stated = (public.get("agency"), public.get("position"), public.get("digest"))
        if stated != (position.agency, position.position, position.digest):
            raise VerificationFailed(f"entry {position.seq} is not the position of {position.agency!r}")
    for result in said.evidence:
        public = _public(leaves, result.seq, "evidence.recorded")
        if (public.get("digest"), public.get("party")) != (result.digest, result.party):
            raise VerificationFailed(f"entry {result.seq} is not the evidence of {result.party!r}")
    for directive in said.directives:
        public = _public(leaves, directive.seq, "directive.issued")
        if (public.get("directive"), public.get("issuer")) != (directive.directive, directive.issuer):
            raise VerificationFailed(f"entry {directive.seq} is not the directive {directive.directive!r}")
    if said.grant is not None:
        _compare_grant(said.grant, leaves)


def _compare_grant(said: DossierGrant, leaves: Mapping[int, Leaf]) -> None:
    """Compare a grant with the entries that gave, amended or moved it: each says what is new."""
    stated: dict[str, Any] = {}
    for _, each in sorted(leaves.items()):
        if each.type in GIVING and each.public.get("grant") == said.grant:
            stated |= each.public
    if not stated:
        raise VerificationFailed(f"no entry beside the dossier gives the grant {said.grant!r}")
    names = ("release", "stage", "surface", "terms")
    is_other = [getattr(said, name) for name in names] != [stated.get(name) for name in names]
    if is_other or said.conditions.to_json() != stated.get("conditions", said.conditions.to_json()):
        raise VerificationFailed(f"the grant {said.grant!r} is not what its entries say")


def _public(leaves: Mapping[int, Leaf], seq: int, type_: str) -> Mapping[str, Any]:
    found = leaves.get(seq)
    if found is None or found.type != type_:
        raise VerificationFailed(f"no {type_} entry {seq} beside the dossier")
    return found.public


def answer(found: Dossier) -> dict[str, Json]:
    """A verified dossier as JSON."""
    return {**excerpt.answer(found.excerpt), "dossier": found.said.to_json()}


def worded(found: Dossier) -> str:
    """A verified dossier for a person to read, in lines that a terminal may safely show."""
    return "\n".join(map(shown, _lines(found)))


def _lines(found: Dossier) -> list[str]:
    said, grant = found.said, found.said.grant
    outcome = "allowed" if said.allowed else f"refused: {said.reason}"
    moment = f"at size {said.size}, {times.format_time(said.at_ms)}"
    lines = [
        "verified: the log's key signed it, and its grant, positions, evidence and directives are in the log",
        f"{said.credential} for {said.model} on {said.surface}: {outcome}, {moment}",
    ]
    if grant is not None:
        lines.append(f"under {grant.grant} of {grant.release}/{grant.stage}, terms {grant.terms}")
        lines.append(f"  conditions: {dict(grant.conditions.to_json())}")
        lines += [f"  programme: {each.label}" for each in grant.programmes]
    lines += [f"  {each.agency}: {each.position} (entry {each.seq})" for each in said.positions]
    lines += [f"  evidence: {each.evaluation} by {each.party} (entry {each.seq})" for each in said.evidence]
    if said.served is not None:
        lines.append(f"  weights {said.served.digest}, safeguards {said.served.safeguards}")
    lines += [
        f"directive in force: {each.directive} of {each.issuer}, {each.action} (entry {each.seq})"
        for each in said.directives
    ]
    lines.append("by the control plane's word alone:")
    lines.append(f"  organization: {said.organization or '-'}; purpose: {said.purpose or '-'}")
    then = counted(said.shared.then, "organization")
    lines.append(f"  {then} held the model then, {said.shared.now} when this was made")
    for each in said.since:
        until = "" if each.until_ms is None else f" until {times.format_time(each.until_ms)}"
        lines.append(f"  {each.state} from {times.format_time(each.from_ms)}{until}")
    return lines
