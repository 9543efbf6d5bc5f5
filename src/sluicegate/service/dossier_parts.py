"""What dossiers are made of: each part of the statement that is signed, from the state at a moment.

Rules:
- What is taken from entries is beside the dossier, with proofs: `places` says which entries those are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sluicegate.acts.dossiers import DossierFile
from sluicegate.acts.explanations import ProvenEntry
from sluicegate.core.access.tenures import HELD, Stretch
from sluicegate.core.lifecycle import State
from sluicegate.core.lifecycle.trail import DIRECTIVE, GRANT, STAGE, TURN, stage_name
from sluicegate.service.explanations import rests_on
from sluicegate.service.holdings import files_at, place_of
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entries import Entry
from sluicegate_record.entries.cases import PositionRecorded
from sluicegate_record.entries.releases import StageOpened
from sluicegate_record.log import dsse, merkle
from sluicegate_record.statements.dossiers import (
    DossierDeployment,
    DossierDirective,
    DossierEvidence,
    DossierGrant,
    DossierPosition,
    LeafRef,
    SharedExposure,
)
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms.deployments import Deployments


def of_grant(state: State, grant: Grant) -> DossierGrant:
    """A grant as it was."""
    conditions = grant.conditions or state.record.terms[grant.terms].body.conditions
    return DossierGrant(
        grant=grant.id,
        case=grant.case,
        release=grant.release,
        stage=grant.stage,
        surface=grant.surface,
        terms=grant.terms,
        conditions=conditions,
        valid_from_ms=grant.valid_from_ms,
        valid_until_ms=grant.valid_until_ms,
        programmes=grant.programmes,
    )


def file_of(ledger: Ledger, state: State, grant: Grant) -> Mapping[str, Any]:
    """The organization file that was last agreed to for a grant."""
    (file,) = files_at(ledger, {grant.id: place_of(state, grant)}).values() or ({},)
    return file


def places(state: State, grant: Grant) -> Iterator[int]:
    """The places of the entries about a grant, of what opened or closed its stage, and what is newest there.

    One may come twice.
    """
    name = stage_name(grant.release, grant.stage)
    yield from state.trail.of(GRANT, grant.id)
    yield from state.trail.of(TURN, name, 1)
    yield from state.trail.of(STAGE, name, 2)


def positions(entries: Mapping[int, Entry], seqs: Iterable[int]) -> Iterator[DossierPosition]:
    """The positions that some entries rest on, or are. Requires: `entries` has both."""
    wanted = set(seqs)
    wanted |= {seq for place in wanted for seq in rests_on(entries[place])}
    for seq in sorted(wanted):
        body = entries[seq].body
        if isinstance(body, PositionRecorded):
            yield DossierPosition(
                agency=body.agency,
                position=body.position,
                seq=seq,
                digest=body.digest,
                transcribed=body.transcribed is not None,
            )


def evidence(ledger: Ledger, state: State, grants: Iterable[Grant]) -> tuple[DossierEvidence, ...]:
    """The results that the newest openings of the stages of some grants rest on."""
    names: set[str] = set()
    for stage in sorted({stage_name(each.release, each.stage) for each in grants}):
        bodies = [ledger.entries(seq, seq + 1)[0].body for seq in state.trail.of(TURN, stage)]
        opened = [body for body in bodies if isinstance(body, StageOpened)]
        names |= {name for met in (opened[-1].met if opened else ()) for name in met.evidence}
    known = [state.record.evidence[name] for name in sorted(names)]
    return tuple(
        DossierEvidence(
            digest=each.id,
            evaluation=each.evaluation,
            party=each.party,
            model=each.model,
            tested=each.tested,
            seq=each.seq,
        )
        for each in known
    )


def directives(state: State, models: Collection[str], surfaces: Collection[str]) -> list[DossierDirective]:
    """The directives in force on some models and surfaces, by name."""
    names = sorted(
        each.name
        for each in state.table.directives.values()
        if any(each.is_about(model, surface) for model in models for surface in surfaces)
    )
    found = [(state.directives[name], state.directives[name].document.spec) for name in names]
    return [
        DossierDirective(
            directive=each.name, issuer=each.issuer, action=spec.action, basis=spec.basis.kind, seq=each.seq
        )
        for each, spec in found
    ]


def directive_places(state: State, found: Iterable[DossierDirective]) -> Iterator[int]:
    """The places of the entries about some directives."""
    for each in found:
        yield from state.trail.of(DIRECTIVE, each.directive)
        yield each.seq


def deployment(
    state: State, release: str, models: Collection[str], asked: Deployments | None
) -> DossierDeployment | None:
    """The developer's newest statement of what serves some models of a release, by terms that ask for it."""
    found = state.record.deployments.get(release)
    if found is None:
        return None
    return DossierDeployment(
        digest=found.id,
        release=found.release,
        officer=found.officer,
        signed_at_ms=found.signed_at_ms,
        until_ms=found.until_ms,
        serves=tuple(each for each in found.serves if each.model in models),
        holds=state.at_ms < found.until_by(asked),
        seq=found.seq,
    )


def held(stretches: Sequence[Stretch], at_ms: int) -> int:
    """How many organizations held a model at a moment."""
    return len({each.place.organization for each in lasting(stretches, at_ms) if each.standing.what == HELD})


def lasting(stretches: Iterable[Stretch], at_ms: int) -> Iterator[Stretch]:
    """The stretches that lasted at a moment."""
    return (
        each
        for each in stretches
        if each.from_ms <= at_ms and (each.until_ms is None or at_ms < each.until_ms)
    )


def shared(stretches: Sequence[Stretch], at_ms: int, now_ms: int) -> SharedExposure:
    """How many organizations held a model then, and hold it now."""
    return SharedExposure(then=held(stretches, at_ms), now=held(stretches, now_ms))


def refs(entries: Iterable[ProvenEntry]) -> tuple[LeafRef, ...]:
    """Some entries, by their place and leaf hash."""
    return tuple(LeafRef(seq=each.seq, leaf=merkle.leaf_hash(each.leaf.encode()).hex()) for each in entries)


def signed(
    ledger: Ledger, statement: Statement, entries: tuple[ProvenEntry, ...], checkpoint: str
) -> DossierFile:
    """A dossier, signed by the log's key, beside its entries."""
    envelope = dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, statement.payload(), ledger.key)
    return DossierFile(
        dossier=envelope.to_json(), checkpoint=checkpoint, entries=entries, handovers=ledger.handovers()
    )
