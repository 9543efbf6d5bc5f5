"""A dossier of a key at one moment: what it was under, by whose word, and what has happened since.

Rules:
- Only the developer's staff make one. It has the names and purposes that they see.
- It is decided as an explanation is, on the log at that size; how many shared the exposure follows from the
  same fold over time that early access has.
- The log's key signs it. Everything that the public log says is beside it, with proofs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sluicegate.acts import dossiers as acts
from sluicegate.acts.dossiers import DossierFile
from sluicegate.acts.explanations import KeyExplanation, KeyQuestion, ProvenEntry
from sluicegate.core.access.tenures import HELD, Access, Stretch, Tenures
from sluicegate.core.lifecycle import Refusal, State
from sluicegate.core.lifecycle.trail import DIRECTIVE, GRANT, STAGE, stage_name
from sluicegate.errors import InvalidInput
from sluicegate.service import explanations
from sluicegate.service.context import Context, does
from sluicegate.service.holdings import files_at, place_of
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entries import read
from sluicegate_record.entries.cases import PositionRecorded
from sluicegate_record.entries.releases import StageOpened
from sluicegate_record.form import replace
from sluicegate_record.log import dsse, merkle
from sluicegate_record.statements.dossiers import (
    DossierDirective,
    DossierEvidence,
    DossierGrant,
    DossierLayer,
    DossierPosition,
    DossierStatement,
    DossierStretch,
    LeafRef,
    SharedExposure,
)


@does(acts.MAKE)
def make(context: Context[DossierFile], asked: KeyQuestion) -> DossierFile | Refusal:
    """Make a dossier; without a size, of the log as it is now. Raises: as `explain`."""
    if asked.person is not None:
        raise InvalidInput("no member expected: a dossier is about the key alone")
    ledger = context.ledger
    size = ledger.size() if asked.at is None else asked.at
    found = explanations.then(context, replace(asked, at=size), size)
    if isinstance(found, Refusal):
        return found
    state, answer = found
    over_time = _over_time(context, state, answer)
    if isinstance(over_time, Refusal):
        return over_time
    moment = _Moment(ledger, state, answer)
    head = ledger.store.log.head()
    entries = explanations.proven(
        ledger, sorted({*moment.places(), *explanations.places(answer.because)}), head.size
    )
    statement = moment.statement(over_time, entries)
    envelope = dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, statement.payload(), ledger.key)
    return DossierFile(dossier=envelope.to_json(), checkpoint=head.checkpoint, entries=entries)


@dataclass(frozen=True, slots=True)
class _OverTime:
    """How many held the model, and how the key's organization stood with it since."""

    shared: SharedExposure
    since: tuple[DossierStretch, ...]


def _over_time(context: Context[Any], state: State, answer: KeyExplanation) -> _OverTime | Refusal:
    ledger, offer = context.ledger, state.table.offers.get(answer.model)
    if offer is None:
        return _OverTime(SharedExposure(then=0, now=0), ())
    tenures, now_ms = Tenures(offer.release, answer.model), ledger.now_ms()
    role, size = context.principal.role, ledger.size()
    refusal = context.services.replays.fold(ledger.store.log, size, role, tenures.apply)
    if refusal is not None:
        return refusal
    stretches = tenures.stretches(now_ms)
    organization = state.table.credentials_by_id[answer.credential].grant.organization
    place = Access(organization, answer.model, answer.surface)
    return _OverTime(
        SharedExposure(then=_held(stretches, answer.at_ms), now=_held(stretches, now_ms)),
        tuple(
            DossierStretch(
                state=each.standing.what,
                directives=each.standing.directives,
                from_ms=each.from_ms,
                until_ms=each.until_ms,
            )
            for each in stretches
            if each.place == place and (each.until_ms is None or answer.at_ms < each.until_ms)
        ),
    )


def _held(stretches: Sequence[Stretch], at_ms: int) -> int:
    """How many organizations held a model at a moment."""
    return len(
        {
            each.place.organization
            for each in stretches
            if each.standing.what == HELD
            and each.from_ms <= at_ms
            and (each.until_ms is None or at_ms < each.until_ms)
        }
    )


@dataclass(frozen=True)
class _Moment:
    """A key at a moment, with the state then."""

    ledger: Ledger
    state: State
    answer: KeyExplanation

    @property
    def grant(self) -> Grant | None:
        """The organization's grant for the model on the surface, or else that of the key."""
        table, answer = self.state.table, self.answer
        own, offer = table.credentials_by_id[answer.credential].grant, table.offers.get(answer.model)
        held = None
        if offer is not None:
            held = table.grants.get((own.organization, offer.release, answer.surface))
        return self.state.grants.get((held or own).id)

    def places(self) -> Iterator[int]:
        """The places of what the dossier says of grant, stage and directives."""
        grant = self.grant
        if grant is not None:
            yield from self.state.trail.of(GRANT, grant.id)
            yield from self.state.trail.of(STAGE, stage_name(grant.release, grant.stage), 2)
            yield from (each.seq for each in self.evidence)
        for name in self._directives():
            yield from self.state.trail.of(DIRECTIVE, name)
            yield self.state.directives[name].seq

    def _directives(self) -> list[str]:
        """The directives in force on the model and surface."""
        found = self.state.table.directives.values()
        return sorted(each.name for each in found if each.is_about(self.answer.model, self.answer.surface))

    @cached_property
    def evidence(self) -> tuple[DossierEvidence, ...]:
        """The results that the newest opening of the stage rests on."""
        grant = self.grant
        if grant is None:
            return ()
        places = self.state.trail.of(STAGE, stage_name(grant.release, grant.stage))
        bodies = [self.ledger.entries(seq, seq + 1)[0].body for seq in places]
        opened = [body for body in bodies if isinstance(body, StageOpened)]
        names = {name for met in (opened[-1].met if opened else ()) for name in met.evidence}
        known = [self.state.record.evidence[name] for name in sorted(names)]
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

    def statement(self, over_time: _OverTime, entries: Sequence[ProvenEntry]) -> DossierStatement:
        """What is signed."""
        state, answer, grant = self.state, self.answer, self.grant
        places = {} if grant is None else {grant.id: place_of(state, grant)}
        (file,) = files_at(self.ledger, places).values() or ({},)
        plan = None if grant is None else state.record.terms[grant.terms].plan
        model = None if plan is None else next((m for m in plan.spec.models if m.id == answer.model), None)
        return DossierStatement(
            log=state.log,
            size=answer.size,
            at_ms=answer.at_ms,
            credential=answer.credential,
            model=answer.model,
            surface=answer.surface,
            allowed=answer.allowed,
            reason=answer.reason,
            organization=file.get("name"),
            purpose=file.get("intendedUse"),
            grant=None if grant is None else _granted(state, grant),
            basis=None if grant is None else state.record.terms[grant.terms].body.basis,
            upstream=None if model is None else model.upstream,
            served=None if model is None else model.digests,
            positions=tuple(_positions(entries)),
            evidence=self.evidence,
            directives=tuple(self._stated(name) for name in self._directives()),
            layers=tuple(
                DossierLayer(what=each.what, state=each.state, reason=each.reason, text=each.text)
                for each in answer.because
            ),
            shared=over_time.shared,
            since=over_time.since,
            entries=tuple(
                LeafRef(seq=each.seq, leaf=merkle.leaf_hash(each.leaf.encode()).hex()) for each in entries
            ),
        )

    def _stated(self, name: str) -> DossierDirective:
        found = self.state.directives[name]
        spec = found.document.spec
        return DossierDirective(
            directive=name, issuer=found.issuer, action=spec.action, basis=spec.basis.kind, seq=found.seq
        )


def _granted(state: State, grant: Grant) -> DossierGrant:
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


def _positions(entries: Sequence[ProvenEntry]) -> Iterator[DossierPosition]:
    """The positions among some entries."""
    for each in entries:
        body = read(each.leaf.encode(), {}, {}).body
        if isinstance(body, PositionRecorded):
            yield DossierPosition(
                agency=body.agency,
                position=body.position,
                seq=each.seq,
                digest=body.digest,
                transcribed=body.transcribed is not None,
            )
