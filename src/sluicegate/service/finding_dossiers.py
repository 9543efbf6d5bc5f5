"""A dossier of a finding: which grants it concerns, by whose word they were, and what has happened since.

Rules:
- Only the developer's staff make one. It has the names and purposes that they see; details stay sealed.
- It has the grants that stood with the model at that moment, whether they were held off or not; for a misuse,
  the one grant. What was said of the finding, it has until it is made.
- It is of the moment of the report, unless another size of the log is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sluicegate.acts import dossiers as acts
from sluicegate.acts.dossiers import DossierFile, FindingQuestion
from sluicegate.core.access.tenures import Stretch, Tenures
from sluicegate.core.lifecycle import Refusal, State
from sluicegate.core.lifecycle.findings import finding_unknown
from sluicegate.service import dossier_parts as parts
from sluicegate.service import explanations
from sluicegate.service.context import Context, does
from sluicegate.service.grants import grant_unknown
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.finding import Finding
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entries import Entry, read
from sluicegate_record.entries.findings import FindingReported
from sluicegate_record.statements.dossiers import (
    DossierDeployment,
    DossierDirective,
    DossierEvidence,
    DossierFinding,
    DossierHolder,
    DossierHolderStretch,
    DossierWord,
    FindingDossier,
)

HOLDERS_MAX = 100
"""How many grants a dossier has. It has the number of the others."""


@does(acts.OF_FINDING)
def make(context: Context[DossierFile], asked: FindingQuestion) -> DossierFile | Refusal:
    """Make a dossier of a finding. Raises: Overloaded."""
    ledger, reader = context.ledger, context.principal
    with ledger.reading() as now:
        found, size_now = now.record.findings.get(asked.finding), now.size
        places = now.trail.of_access(now.table.held)
    if found is None:
        return finding_unknown(asked.finding)
    size = found.seq + 1 if asked.at is None else asked.at
    if size > size_now:
        said = f"no size {size} of the log, which has {size_now} entries"
        return Refusal(
            "unknown", "size_unknown", said, "'sluicegate ledger checkpoint --key KEY' shows its size"
        )
    state = context.services.replays.at(ledger.store.log, size, reader)
    if isinstance(state, Refusal):
        return state
    if found.grant is not None and found.grant not in state.grants:
        return grant_unknown(found.grant)
    tenures, now_ms = Tenures(found.release, found.model), ledger.now_ms()
    stretches = context.services.replays.over_time(ledger.store.log, places, reader, tenures, now_ms)
    if isinstance(stretches, Refusal):
        return stretches
    return _Concerned(ledger, state, found, stretches).signed(now_ms)


@dataclass(frozen=True)
class _Concerned:
    """What a finding concerns at a moment, with the state then, and who stood how over time."""

    ledger: Ledger
    state: State
    found: Finding
    stretches: Sequence[Stretch]

    @cached_property
    def under(self) -> list[str]:
        """The grants and accounts that it concerns, sorted."""
        if self.found.grant is not None:
            return [self.found.grant]
        return sorted({each.standing.under for each in parts.lasting(self.stretches, self.state.at_ms)})

    @cached_property
    def grants(self) -> list[Grant]:
        """The grants that the dossier has."""
        known = (self.state.grants.get(name) for name in self.under)
        return [each for each in known if each is not None][:HOLDERS_MAX]

    @cached_property
    def models(self) -> list[str]:
        """The models that it is about: that of the finding, or those of the release."""
        if self.found.model is not None:
            return [self.found.model]
        release = self.state.releases.get(self.found.release)
        return [] if release is None else [each.id for each in release.plan.spec.models]

    @cached_property
    def directives(self) -> list[DossierDirective]:
        """The directives in force on these models, on the surfaces of the grants."""
        return parts.directives(self.state, self.models, {each.surface for each in self.grants})

    @cached_property
    def evidence(self) -> tuple[DossierEvidence, ...]:
        """The results that the openings of the stages rest on."""
        return parts.evidence(self.ledger, self.state, self.grants)

    @cached_property
    def deployment(self) -> DossierDeployment | None:
        """The developer's statement of what served these models."""
        release = self.state.releases.get(self.found.release)
        asked = None if release is None else release.plan.spec.deployments
        return parts.deployment(self.state, self.found.release, self.models, asked)

    def places(self) -> Iterator[int]:
        """The places of what the dossier says."""
        yield self.found.seq
        yield from (each.seq for each in self.found.said)
        for grant in self.grants:
            yield from parts.places(self.state, grant)
        yield from (each.seq for each in self.evidence)
        if self.deployment is not None:
            yield self.deployment.seq
        yield from parts.directive_places(self.state, self.directives)

    def signed(self, now_ms: int) -> DossierFile:
        """The dossier."""
        ledger, state, found = self.ledger, self.state, self.found
        head = ledger.store.log.head()
        entries = explanations.proven(ledger, sorted(set(self.places())), head.size)
        known = {each.seq: read(each.leaf.encode(), {}, {}) for each in entries}
        accounts = sum(name in state.record.accounts for name in self.under)
        statement = FindingDossier(
            log=state.log,
            size=state.size,
            at_ms=state.at_ms,
            finding=_said(found, known[found.seq]),
            holders=tuple(self._holder(each, known) for each in self.grants),
            more=len(self.under) - accounts - len(self.grants),
            accounts=accounts,
            served=self._served(),
            deployment=self.deployment,
            evidence=self.evidence,
            directives=tuple(self.directives),
            shared=parts.shared(self.stretches, state.at_ms, now_ms),
            entries=parts.refs(entries),
        )
        return parts.signed(ledger, statement, entries, head.checkpoint)

    def _served(self) -> Any:
        release = self.state.releases.get(self.found.release)
        models = () if release is None else release.plan.spec.models
        return next((each.digests for each in models if each.id == self.found.model), None)

    def _holder(self, grant: Grant, known: Mapping[int, Entry]) -> DossierHolder:
        file = parts.file_of(self.ledger, self.state, grant)
        return DossierHolder(
            organization=file.get("name"),
            purpose=file.get("intendedUse"),
            grant=parts.of_grant(self.state, grant),
            basis=self.state.record.terms[grant.terms].body.basis,
            positions=tuple(parts.positions(known, parts.places(self.state, grant))),
            since=tuple(
                DossierHolderStretch(
                    state=each.standing.what,
                    directives=each.standing.directives,
                    from_ms=each.from_ms,
                    until_ms=each.until_ms,
                    model=each.place.model,
                    surface=each.place.surface,
                )
                for each in self.stretches
                if each.standing.under == grant.id
                and (each.until_ms is None or self.state.at_ms < each.until_ms)
            ),
        )


def _said(found: Finding, report: Entry) -> DossierFinding:
    """A finding, with the entry of its report."""
    assert isinstance(report.body, FindingReported)
    return DossierFinding(
        finding=found.id,
        release=found.release,
        kind=found.kind,
        level=found.level,
        party=found.party,
        digest=report.body.digest,
        text=found.text,
        model=found.model,
        tested=found.tested,
        grant=found.grant,
        state=found.state,
        seq=found.seq,
        at_ms=found.at_ms,
        said=tuple(
            DossierWord(
                says=each.says,
                party=each.party,
                digest=each.digest,
                seq=each.seq,
                at_ms=each.at_ms,
                outcome=each.outcome,
            )
            for each in found.said
        ),
    )
