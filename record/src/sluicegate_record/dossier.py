"""A dossier in a file: signed by the log's key, and compared with the entries that it names.

Rules:
- The log's key must have signed it, and each entry beside it must be in the log of the signed head.
- What it says of the grant, of positions, evidence, directives, the deployment and the finding must be what
  those entries say.
- The rest is the control plane's word: it is said so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluicegate_record import excerpt
from sluicegate_record.errors import InvalidInput, VerificationFailed
from sluicegate_record.excerpt import Excerpt
from sluicegate_record.form import Json
from sluicegate_record.log import dsse, merkle, times
from sluicegate_record.log.checkpoint import Verifier
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Leaf
from sluicegate_record.statements.dossiers import (
    DossierDeployment,
    DossierEvidence,
    DossierFinding,
    DossierGrant,
    DossierPosition,
    DossierStatement,
    DossierStretch,
    FindingDossier,
)
from sluicegate_record.statements.handovers import is_signed_by_log
from sluicegate_record.terms.text import counted, shown

GIVING = frozenset({"grant.approved", "grant.amended", "grant.moved"})
"""The types of entries that say under what a grant is."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A dossier that was verified, with the entries beside it."""

    said: DossierStatement | FindingDossier
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
    found = excerpt.verify(value, verifier)
    if not is_signed_by_log(envelope, found.log.vkey):
        raise VerificationFailed("the key of the log did not sign this dossier")
    is_of_finding = dsse.predicate_type(envelope) == FindingDossier.TYPE
    said = FindingDossier.read(envelope) if is_of_finding else DossierStatement.read(envelope)
    if said.log != found.log.name:
        raise VerificationFailed(f"a dossier of the log {said.log[:80]!r}, expected {verifier.name!r}")
    _compare(said, found)
    return Dossier(said, found)


def _compare(said: DossierStatement | FindingDossier, found: Excerpt) -> None:
    """Compare what a dossier says with its entries. Raises: VerificationFailed."""
    leaves = {each.seq: each for each in found.entries}
    hashes = {seq: merkle.leaf_hash(each.to_bytes()).hex() for seq, each in leaves.items()}
    if {each.seq: each.leaf for each in said.entries} != hashes:
        raise VerificationFailed("the entries beside the dossier are not those that it names")
    for directive in said.directives:
        public = _public(leaves, directive.seq, "directive.issued")
        if (public.get("directive"), public.get("issuer")) != (directive.directive, directive.issuer):
            raise VerificationFailed(f"entry {directive.seq} is not the directive {directive.directive!r}")
    _compare_evidence(said.evidence, leaves)
    if said.deployment is not None:
        _compare_deployment(said.deployment, leaves)
    if isinstance(said, FindingDossier):
        _compare_finding(said.finding, leaves)
        for holder in said.holders:
            _compare_positions(holder.positions, leaves)
            _compare_grant(holder.grant, leaves)
        return
    _compare_positions(said.positions, leaves)
    if said.grant is not None:
        _compare_grant(said.grant, leaves)


def _compare_positions(said: Sequence[DossierPosition], leaves: Mapping[int, Leaf]) -> None:
    for position in said:
        public = _public(leaves, position.seq, "position.recorded")
        stated = (public.get("agency"), public.get("position"), public.get("digest"))
        if stated != (position.agency, position.position, position.digest):
            raise VerificationFailed(f"entry {position.seq} is not the position of {position.agency!r}")


def _compare_evidence(said: Sequence[DossierEvidence], leaves: Mapping[int, Leaf]) -> None:
    for result in said:
        public = _public(leaves, result.seq, "evidence.recorded")
        if (public.get("digest"), public.get("party")) != (result.digest, result.party):
            raise VerificationFailed(f"entry {result.seq} is not the evidence of {result.party!r}")


def _compare_deployment(said: DossierDeployment, leaves: Mapping[int, Leaf]) -> None:
    public = _public(leaves, said.seq, "deployment.attested")
    names = ("digest", "release", "officer", "signedAt", "until")
    stated = said.to_json()
    serves = public.get("serves", [])
    if any(stated[name] != public.get(name) for name in names) or any(
        each not in serves for each in stated["serves"]
    ):
        raise VerificationFailed(f"entry {said.seq} is not the statement of deployment that the dossier has")


def _compare_finding(said: DossierFinding, leaves: Mapping[int, Leaf]) -> None:
    """Compare a finding with its report, and what was said of it with each entry."""
    public = _public(leaves, said.seq, "finding.reported")
    names = ("finding", "release", "kind", "level", "party", "digest", "text", "model", "tested", "grant")
    stated = said.to_json()
    if any(stated[name] != public.get(name) for name in names):
        raise VerificationFailed(f"entry {said.seq} is not the finding {said.finding!r}")
    for word in said.said:
        public = _public(leaves, word.seq, "finding.answered")
        told = (said.finding, word.says, word.party, word.digest, word.outcome)
        if told != tuple(map(public.get, ("finding", "says", "party", "digest", "outcome"))):
            raise VerificationFailed(f"entry {word.seq} is not what {word.party!r} said of the finding")


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
    said = found.said
    lines = ["verified: the log's key signed it, and what it says of entries is what they say"]
    if isinstance(said, FindingDossier):
        return [*lines, *_of_finding(said)]
    return [*lines, *_of_key(said)]


def _of_key(said: DossierStatement) -> Iterator[str]:
    outcome = "allowed" if said.allowed else f"refused: {said.reason}"
    moment = f"at size {said.size}, {times.format_time(said.at_ms)}"
    yield f"{said.credential} for {said.model} on {said.surface}: {outcome}, {moment}"
    if said.grant is not None:
        yield from _grant(said.grant)
    yield from _positions(said.positions)
    yield from _evidence(said.evidence)
    if said.served is not None:
        yield f"  weights {said.served.digest}, safeguards {said.served.safeguards}"
    yield from _deployment(said.deployment)
    yield from _directives(said)
    yield "by the control plane's word alone:"
    if said.request is not None:
        asked = ", ".join(said.request.programmes) or "no programme"
        over = times.format_time(said.request.at_ms)
        yield f"  the request {said.request.digest}: under {said.request.grant}, {asked},"
        yield f"    {said.request.outcome}, over at {over}, as its gateway kept it"
    yield f"  organization: {said.organization or '-'}; purpose: {said.purpose or '-'}"
    yield from _shared(said)
    yield from (f"  {_stretch(each)}" for each in said.since)


def _of_finding(said: FindingDossier) -> Iterator[str]:
    found = said.finding
    yield f"{found.finding}: {found.kind}, {found.level}, by {found.party} (entry {found.seq}), {found.state}"
    yield f"  {found.text}"
    for word in found.said:
        outcome = f": {word.outcome}" if word.outcome else ""
        yield f"  {times.format_time(word.at_ms)} {word.party} {word.says}{outcome} (entry {word.seq})"
    if found.tested is not None:
        yield f"  found on {found.model}: weights {found.tested.digest}, safeguards {found.tested.safeguards}"
    if said.served is not None:
        yield f"  by the plan: weights {said.served.digest}, safeguards {said.served.safeguards}"
    yield from _deployment(said.deployment)
    yield from _evidence(said.evidence)
    yield from _directives(said)
    yield f"the grants that it concerns, at size {said.size}, {times.format_time(said.at_ms)}:"
    for holder in said.holders:
        yield from _grant(holder.grant)
        yield from _positions(holder.positions)
        yield f"  by the control plane's word alone: {holder.organization or '-'}; {holder.purpose or '-'}"
        yield from (f"    {each.model} on {each.surface}: {_stretch(each)}" for each in holder.since)
    yield "by the control plane's word alone:"
    if said.more:
        yield f"  {counted(said.more, 'more grant')} of this kind, which it has no room for"
    if said.accounts:
        yield f"  {counted(said.accounts, 'account')} of a stage for everyone"
    yield from _shared(said)


def _grant(grant: DossierGrant) -> Iterator[str]:
    yield f"under {grant.grant} of {grant.release}/{grant.stage}, terms {grant.terms}"
    yield f"  conditions: {dict(grant.conditions.to_json())}"
    yield from (f"  programme: {each.label}" for each in grant.programmes)


def _positions(said: Sequence[DossierPosition]) -> Iterator[str]:
    return (f"  {each.agency}: {each.position} (entry {each.seq})" for each in said)


def _evidence(said: Sequence[DossierEvidence]) -> Iterator[str]:
    return (f"  evidence: {each.evaluation} by {each.party} (entry {each.seq})" for each in said)


def _deployment(said: DossierDeployment | None) -> Iterator[str]:
    if said is None:
        yield "  no statement of what was deployed"
        return
    holds = "in force" if said.holds else "not in force then"
    until = times.format_time(said.until_ms)
    yield f"  the developer's statement of what was deployed, by {said.officer} (entry {said.seq}), {holds},"
    yield f"    until {until}:"
    for each in said.serves:
        where = f"{each.model} at {each.upstream} on {', '.join(each.surfaces)}"
        yield f"    {where}: weights {each.digest}, safeguards {each.safeguards}"


def _directives(said: DossierStatement | FindingDossier) -> Iterator[str]:
    for each in said.directives:
        yield f"directive in force: {each.directive} of {each.issuer}, {each.action} (entry {each.seq})"


def _shared(said: DossierStatement | FindingDossier) -> Iterator[str]:
    then = counted(said.shared.then, "organization")
    yield f"  {then} held the model then, {said.shared.now} when this was made"


def _stretch(each: DossierStretch) -> str:
    until = "" if each.until_ms is None else f" until {times.format_time(each.until_ms)}"
    return f"{each.state} from {times.format_time(each.from_ms)}{until}"
