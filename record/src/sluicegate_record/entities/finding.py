"""A finding: what was found, what was said of it since, and whether it is open.

Rules:
- It is open until a retest closes it: by who found it, or by another party of the plan, never by the
  developer alone. A later retest may open it again.
- What the developer owes runs from when it opened. A first word of the developer acknowledges it.
- A fix that was overdue stays so until it is closed: who says that it fixed something does not settle that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any, Literal

from sluicegate_record.directives.received import Outsider
from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries import Body, findings
from sluicegate_record.form import Form, Time, form, replace
from sluicegate_record.statements.findings import (
    ACKNOWLEDGES,
    ASKS,
    DISPUTES,
    FIXES,
    GIVES,
    GONE,
    RETESTS,
)
from sluicegate_record.terms import durations
from sluicegate_record.terms.findings import ACKNOWLEDGE, FIX, MISUSE, RESPONSES, Axes, Findings
from sluicegate_record.terms.plan import ModelDigests, Plan
from sluicegate_record.terms.requirements import SEVERITY

FindingState = Literal[
    "reported", "acknowledged", "asked", "given", "disputed", "fixed", "persists", "closed"
]
CLOSED: Literal["closed"] = "closed"
DEVELOPERS = frozenset({ACKNOWLEDGES, ASKS, DISPUTES, FIXES})
"""The words that the developer says."""
_STATES: dict[str, FindingState] = {
    ACKNOWLEDGES: "acknowledged",
    ASKS: "asked",
    GIVES: "given",
    DISPUTES: "disputed",
    FIXES: "fixed",
}


@form
class FindingWord(Form):
    """What a party said of a finding: what it asked for, gave, disputed, fixed or found again, and when."""

    says: str
    party: str
    digest: str
    seq: int
    at_ms: Time
    text: str | None = None
    tested: ModelDigests | None = None
    outcome: str | None = None
    transcribed: Outsider | None = None
    sealed_to: tuple[str, ...] = ()


@form
class Finding(Form):
    """A finding. `since_ms`: since when it is open, or was. `digest` is that of the newest word on it.

    `acknowledged_ms` and `fixed_ms`: when the developer first answered, and said that it fixed it.
    `overdue`: what the developer did not do in time. `sealed_to`: the ids of the keys that open its details.
    `suspends`: by the plan, this report of a misuse suspends the grant until it is closed.
    """

    id: str
    release: str
    party: str
    kind: str
    level: str
    text: str
    digest: str
    seq: int
    at_ms: Time
    since_ms: Time
    axes: Axes | None = None
    model: str | None = None
    tested: ModelDigests | None = None
    grant: str | None = None
    transcribed: Outsider | None = None
    state: FindingState = "reported"
    acknowledged_ms: Time | None = None
    fixed_ms: Time | None = None
    closed_ms: Time | None = None
    overdue: tuple[str, ...] = ()
    said: tuple[FindingWord, ...] = field(default=())
    sealed_to: tuple[str, ...] = ()
    suspends: bool = False

    @property
    def is_open(self) -> bool:
        """Whether no retest has closed it."""
        return self.state != CLOSED

    @property
    def is_weakness(self) -> bool:
        """Whether it is of a model or its safeguards, and not of an organization."""
        return self.kind != MISUSE

    def after(self, entry: Happening) -> Finding:
        """The finding after an entry that is about it."""
        move = _MOVES.get(type(entry.body))
        return self if move is None else move(self, entry, entry.body)

    def due(self, plan: Plan) -> Iterator[tuple[str, int]]:
        """What the developer still owes by a plan, and until when: milliseconds since 1970 UTC."""
        level = plan.spec.scale.level(self.level)
        owed = ((ACKNOWLEDGE, level.acknowledge, self.acknowledged_ms), (FIX, level.fix, self.fixed_ms))
        for step, within, done_ms in owed:
            if self.is_open and within is not None and done_ms is None and step not in self.overdue:
                yield step, self.since_ms + durations.milliseconds(within)

    def response(self, scale: Findings) -> str | None:
        """What follows while it is open, by what a plan says of findings: as of a lost requirement.

        None: nothing follows.
        """
        level = scale.level(self.level)
        follows = [level.respond, level.overdue if self.overdue else None]
        found = [RESPONSES[each] for each in follows if each is not None]
        return max(found, key=SEVERITY.__getitem__) if self.is_open and self.is_weakness and found else None

    def concerns(self, weights: Mapping[str, str]) -> frozenset[str]:
        """The models of some terms that it is about: by name, or by their weights; all if it is about none.

        So another name for the same weights, or other weights under the same name, escape nothing.
        Requires: it is of a weakness. `weights` are digests, by model.
        """
        tested = "" if self.tested is None else self.tested.digest
        found = frozenset(name for name, digest in weights.items() if self.model == name or digest == tested)
        return found or frozenset(weights)


def reporters(plan: Plan) -> frozenset[str]:
    """Who may report findings of a release: its agencies, evaluators and developer, and who else it names."""
    return retesters(plan) | {plan.metadata.developer, *plan.spec.scale.from_}


def retesters(plan: Plan) -> frozenset[str]:
    """Who may close a finding that others reported: the plan's agencies and evaluators, not the developer."""
    return frozenset({*plan.spec.agencies, *plan.spec.evaluators} - {plan.metadata.developer})


def reported(entry: Happening, body: findings.FindingReported, scale: Findings) -> Finding:
    """The finding that an entry reports, where the plan says this of findings."""
    return Finding(
        id=body.finding,
        release=body.release,
        party=body.party,
        kind=body.kind,
        level=body.level,
        text=body.text,
        digest=body.digest,
        seq=entry.seq,
        at_ms=entry.at_ms,
        since_ms=entry.at_ms,
        axes=body.axes,
        model=body.model,
        tested=body.tested,
        grant=body.grant,
        transcribed=body.transcribed,
        sealed_to=() if body.sealed_details is None else body.sealed_details.keys,
        suspends=body.grant is not None and body.party in scale.misuse.suspended_by,
    )


def _answered(found: Finding, entry: Happening, body: findings.FindingAnswered) -> Finding:
    word = FindingWord(
        says=body.says,
        party=body.party,
        digest=body.digest,
        seq=entry.seq,
        at_ms=entry.at_ms,
        text=body.text,
        tested=body.tested,
        outcome=body.outcome,
        transcribed=body.transcribed,
        sealed_to=() if body.sealed_details is None else body.sealed_details.keys,
    )
    found = replace(found, digest=body.digest, said=(*found.said, word))
    if body.says == RETESTS:
        return _retested(found, entry.at_ms, is_gone=body.outcome == GONE)
    if body.says in DEVELOPERS:
        rest = tuple(each for each in found.overdue if each != ACKNOWLEDGE)
        at_ms = entry.at_ms if found.acknowledged_ms is None else found.acknowledged_ms
        found = replace(found, acknowledged_ms=at_ms, overdue=rest)
    if body.says == FIXES:
        found = replace(found, fixed_ms=entry.at_ms)
    return replace(found, state=_STATES[body.says]) if found.is_open else found


def _retested(found: Finding, at_ms: int, *, is_gone: bool) -> Finding:
    if is_gone:
        return replace(found, state=CLOSED, closed_ms=at_ms, overdue=())
    since_ms = found.since_ms if found.is_open else at_ms
    return replace(found, state="persists", since_ms=since_ms, fixed_ms=None, closed_ms=None)


def _overdue(found: Finding, entry: Happening, body: findings.FindingOverdue) -> Finding:
    return replace(found, overdue=(*(each for each in found.overdue if each != body.step), body.step))


_MOVES: dict[type[Body], Callable[[Finding, Happening, Any], Finding]] = {
    findings.FindingAnswered: _answered,
    findings.FindingOverdue: _overdue,
}
