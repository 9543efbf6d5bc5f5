"""A dossier of a key at one moment: what it was under, by whose word, and what has happened since.

Rules:
- Only the developer's staff make one. It has the names and purposes that they see.
- It is decided as an explanation is, on the log at that size; how many shared the exposure follows from the
  same fold over time that early access has.
- The log's key signs it. Everything that the public log says is beside it, with proofs.
- What the gateway kept of a request is said by who asks, with the digest of its id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sluicegate.acts import dossiers as acts
from sluicegate.acts.dossiers import DossierFile, DossierQuestion
from sluicegate.acts.explanations import KeyExplanation, KeyQuestion, ProvenEntry
from sluicegate.core.access.tenures import Access, Tenures
from sluicegate.core.lifecycle import Refusal, State
from sluicegate.errors import InvalidInput
from sluicegate.service import dossier_parts as parts
from sluicegate.service import explanations
from sluicegate.service.context import Context, does
from sluicegate.service.grants import grant_unknown
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entries import read
from sluicegate_record.statements.dossiers import (
    DossierDeployment,
    DossierDirective,
    DossierEvidence,
    DossierLayer,
    DossierRequest,
    DossierStatement,
    DossierStretch,
    SharedExposure,
)


@does(acts.MAKE)
def make(context: Context[DossierFile], asked: DossierQuestion) -> DossierFile | Refusal:
    """Make a dossier; without a size, of the log as it is now. Raises: as `explain`."""
    if asked.person is not None:
        raise InvalidInput("no member expected: a dossier is about the key alone")
    request = _request(asked)
    ledger = context.ledger
    size = ledger.size() if asked.at is None else asked.at
    question = KeyQuestion(
        credential=asked.credential,
        model=asked.model,
        surface=asked.surface,
        programme=asked.programme,
        at=size,
    )
    found = explanations.then(context, question, size)
    if isinstance(found, Refusal):
        return found
    state, answer = found
    if request is not None and not {request.grant} & (state.grants.keys() | state.record.accounts.keys()):
        return grant_unknown(request.grant)
    over_time = _over_time(context, state, answer)
    if isinstance(over_time, Refusal):
        return over_time
    moment = _Moment(ledger, state, answer)
    head = ledger.store.log.head()
    entries = explanations.proven(
        ledger, sorted({*moment.places(), *explanations.places(answer.because)}), head.size
    )
    return parts.signed(ledger, moment.statement(over_time, entries, request), entries, head.checkpoint)


def _request(asked: DossierQuestion) -> DossierRequest | None:
    """The request that a dossier is about, if it is about one. Raises: InvalidInput: it is not all said."""
    given = (asked.request, asked.request_grant, asked.request_outcome, asked.request_at)
    if given == (None, None, None, None):
        return None
    digest, grant, outcome, at_ms = given
    if digest is None or grant is None or outcome is None or at_ms is None or asked.at is None:
        raise InvalidInput(
            "of a request its digest, grant, outcome and time, and the size of the log, expected"
        )
    return DossierRequest(
        digest=digest, at_ms=at_ms, grant=grant, outcome=outcome, programmes=asked.programme
    )


@dataclass(frozen=True, slots=True)
class _OverTime:
    """How many held the model, and how the key's organization stood with it since."""

    shared: SharedExposure
    since: tuple[DossierStretch, ...]


def _over_time(context: Context[Any], state: State, answer: KeyExplanation) -> _OverTime | Refusal:
    ledger, offer = context.ledger, state.table.offers.get(answer.model)
    if offer is None:
        return _OverTime(SharedExposure(then=0, now=0), ())
    tenures = Tenures(offer.release, answer.model)
    with ledger.reading() as now:
        places = now.trail.of_access(now.table.held)
    replays, now_ms = context.services.replays, ledger.now_ms()
    stretches = replays.over_time(ledger.store.log, places, context.principal, tenures, now_ms)
    if isinstance(stretches, Refusal):
        return stretches
    organization = state.table.credentials_by_id[answer.credential].grant.organization
    place = Access(organization, answer.model, answer.surface)
    return _OverTime(
        parts.shared(stretches, answer.at_ms, now_ms),
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
        """The places of what the dossier says of grant, stage, deployment and directives."""
        grant = self.grant
        if grant is not None:
            yield from parts.places(self.state, grant)
            yield from (each.seq for each in self.evidence)
        if self.deployment is not None:
            yield self.deployment.seq
        yield from parts.directive_places(self.state, self.directives)

    @cached_property
    def directives(self) -> list[DossierDirective]:
        """The directives in force on the model and surface."""
        return parts.directives(self.state, [self.answer.model], [self.answer.surface])

    @cached_property
    def evidence(self) -> tuple[DossierEvidence, ...]:
        """The results that the newest opening of the stage rests on."""
        grant = self.grant
        return () if grant is None else parts.evidence(self.ledger, self.state, [grant])

    @cached_property
    def deployment(self) -> DossierDeployment | None:
        """The developer's statement of what served the model."""
        grant, offer = self.grant, self.state.table.offers.get(self.answer.model)
        if offer is None:
            return None
        release = self.state.releases[offer.release]
        plan = release.plan if grant is None else self.state.record.terms[grant.terms].plan
        return parts.deployment(self.state, release.name, [self.answer.model], plan.spec.deployments)

    def statement(
        self, over_time: _OverTime, entries: Sequence[ProvenEntry], request: DossierRequest | None
    ) -> DossierStatement:
        """What is signed."""
        state, answer, grant = self.state, self.answer, self.grant
        file = {} if grant is None else parts.file_of(self.ledger, state, grant)
        plan = None if grant is None else state.record.terms[grant.terms].plan
        model = None if plan is None else next((m for m in plan.spec.models if m.id == answer.model), None)
        known = {each.seq: read(each.leaf.encode(), {}, {}) for each in entries}
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
            grant=None if grant is None else parts.of_grant(state, grant),
            basis=None if grant is None else state.record.terms[grant.terms].body.basis,
            upstream=None if model is None else model.upstream,
            served=None if model is None else model.digests,
            positions=tuple(parts.positions(known, known)),
            evidence=self.evidence,
            directives=tuple(self.directives),
            layers=tuple(
                DossierLayer(what=each.what, state=each.state, reason=each.reason, text=each.text)
                for each in answer.because
            ),
            shared=over_time.shared,
            since=over_time.since,
            entries=parts.refs(entries),
            request=request,
            deployment=self.deployment,
        )
